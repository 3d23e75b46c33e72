/**
 * Loads a program's module on this CPU. TypeScript programs go through tsx, which is registered only when one is met.
 */
import { fileURLToPath } from 'node:url';
import type { GuestFunction, Image } from './coroutines.ts';

/** Set once this thread can import TypeScript. Each further registration would put one more loader before every import. */
let typescript: Promise<void> | undefined;

/** Both loaders: a .ts file below a package.json without "type": "module" is CommonJS to Node. */
async function registerTypescript(): Promise<void> {
  const commonjs = (await import('tsx/cjs/api')) as { register(): unknown };
  const modules = (await import('tsx/esm/api')) as { register(): unknown };
  commonjs.register();
  modules.register();
}

/**
 * @param url module URL of the program; its exported generator functions are the entries, in the order of their names
 * @throws Error that names the program when it cannot be loaded or exports nothing to run
 */
export async function loadImage(url: string, argv: unknown): Promise<Image> {
  if (/\.[cm]?tsx?$/.test(new URL(url).pathname)) await (typescript ??= registerTypescript());
  const imported = (await import(url)) as Record<string, unknown>;
  // What CommonJS exports may come as one object, under `default`.
  const inside = imported['default'];
  const isOneObject = typeof inside === 'object' && inside !== null && entryNames(imported).length === 0;
  return imageOf(isOneObject ? (inside as Record<string, unknown>) : imported, url, argv);
}

/** @param module what the program exports @throws Error if there is nothing to run */
export function imageOf(module: Readonly<Record<string, unknown>>, url: string, argv: unknown): Image {
  const names = entryNames(module);
  if (names.length === 0) throw new Error(`${readable(url)} exports no generator function`);
  return { url, names, entries: names.map((name) => module[name] as GuestFunction), argv };
}

function entryNames(module: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(module)
    .filter((name) => isGeneratorFunction(module[name]))
    .sort();
}

function isGeneratorFunction(value: unknown): boolean {
  return typeof value === 'function' && Object.prototype.toString.call(value) === '[object GeneratorFunction]';
}

function readable(url: string): string {
  return url.startsWith('file:') ? fileURLToPath(url) : url;
}
