/**
 * The file `smplab.config.json`, `.js` or `.mjs` of the working directory: machine settings that need not be typed.
 * JavaScript exports them as its default. What is wrong in it is told with its line.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UsageError } from './exit-codes.ts';
import { JsonProblem, type Place, readJson } from './json-text.ts';
import { loadFailure } from './load-failure.ts';

export interface ConfigFile {
  readonly values: Readonly<Record<string, unknown>>;
  /** Where a setting stands, for messages: `smplab.config.json:3:5`, or the file alone where that cannot be said. */
  readonly placeOf: (key: string) => string;
}

const NAMES = ['smplab.config.json', 'smplab.config.js', 'smplab.config.mjs'];

/** @throws UsageError that names the file and the line, if it cannot be read or holds no object */
export async function readConfigFile(directory: string = process.cwd()): Promise<ConfigFile | undefined> {
  const found = NAMES.filter((name) => existsSync(join(directory, name)));
  const [name, other] = found;
  if (name === undefined) return undefined;
  if (other !== undefined) throw new UsageError(`${name} and ${other} are both here; keep one of them`);
  const path = join(directory, name);
  const text = textOf(name, path);
  const { value, places } = name.endsWith('.json') ? fromJson(name, text) : await fromModule(name, path, text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError(`${name}: must hold an object of settings, as { "cpus": 4 }`);
  }
  const placeOf = (key: string): string => {
    const place = places(key);
    return place === undefined ? name : `${name}:${place.line}:${place.column}`;
  };
  return { values: value as Record<string, unknown>, placeOf };
}

interface Content {
  readonly value: unknown;
  readonly places: (key: string) => Place | undefined;
}

function textOf(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${name}: cannot be read: ${(error as Error).message}`);
  }
}

function fromJson(name: string, text: string): Content {
  try {
    const { value, keys } = readJson(text);
    return { value, places: (key) => keys.get(key) };
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error;
    throw new UsageError(`${name}:${error.place.line}:${error.place.column}: ${error.message}`);
  }
}

/** A module may compute what it exports: a key stands where it is written, if it is. */
async function fromModule(name: string, path: string, text: string): Promise<Content> {
  const url = pathToFileURL(path);
  try {
    const { default: value } = (await import(url.href)) as { default?: unknown };
    return { value, places: (key) => placeOfKey(text, key) };
  } catch (error) {
    const reason = error instanceof Error ? loadFailure(url, error) : String(error);
    throw new UsageError(`${name}: cannot be read: ${reason}`);
  }
}

function placeOfKey(text: string, key: string): Place | undefined {
  const at = text.search(new RegExp(`\\b${key.replaceAll(/[^\w]/g, '\\$&')}\\b['"]?\\s*[:,}]`));
  if (at < 0) return undefined;
  const before = text.slice(0, at);
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
}
