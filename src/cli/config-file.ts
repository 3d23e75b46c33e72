/**
 * The file `smplab.config.json`, `.js` or `.mjs` of the working directory: machine settings that need not be typed.
 * JavaScript exports them as its default.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UsageError } from './exit-codes.ts';

export interface ConfigFile {
  /** Its name, for messages. */
  readonly name: string;
  readonly values: Readonly<Record<string, unknown>>;
}

const NAMES = ['smplab.config.json', 'smplab.config.js', 'smplab.config.mjs'];

/** @throws UsageError that names the file, if it cannot be read or holds no object */
export async function readConfigFile(directory: string = process.cwd()): Promise<ConfigFile | undefined> {
  const found = NAMES.filter((name) => existsSync(join(directory, name)));
  const [name, other] = found;
  if (name === undefined) return undefined;
  if (other !== undefined) throw new UsageError(`${name} and ${other} are both here; keep one of them`);
  const values = await valuesOf(name, join(directory, name));
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw new UsageError(`${name}: must hold an object of settings, as { "cpus": 4 }`);
  }
  return { name, values: values as Record<string, unknown> };
}

async function valuesOf(name: string, path: string): Promise<unknown> {
  try {
    if (name.endsWith('.json')) return JSON.parse(readFileSync(path, 'utf8'));
    return ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
  } catch (error) {
    throw new UsageError(`${name}: cannot be read: ${(error as Error).message}`);
  }
}
