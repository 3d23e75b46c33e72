/**
 * Loads a program's module on this CPU. TypeScript programs go through tsx, which is registered only when one is met.
 */
import { fileURLToPath } from 'node:url';
import type { GuestFunction, Image } from './coroutines.ts';

/** Set once this thread can import TypeScript. Each further registration would put one more loader before every import. */
let typescript: Promise<void> | undefined;

async function registerTypescript(): Promise<void> {
  const tsx = (await import('tsx/esm/api')) as { register(): unknown };
  tsx.register();
}

/**
 * @param url module URL of the program; its exported generator functions are the entries, in the order of their names
 * @throws Error that names the program when it cannot be loaded or exports nothing to run
 */
export async function loadImage(url: string, argv: unknown): Promise<Image> {
  if (/\.[cm]?tsx?$/.test(new URL(url).pathname)) await (typescript ??= registerTypescript());
  const module = (await import(url)) as Record<string, unknown>;
  const names = Object.keys(module)
    .filter((name) => isGeneratorFunction(module[name]))
    .sort();
  if (names.length === 0) throw new Error(`${readable(url)} exports no generator function`);
  return { url, names, entries: names.map((name) => module[name] as GuestFunction), argv };
}

function isGeneratorFunction(value: unknown): boolean {
  return typeof value === 'function' && Object.prototype.toString.call(value) === '[object GeneratorFunction]';
}

function readable(url: string): string {
  return url.startsWith('file:') ? fileURLToPath(url) : url;
}
