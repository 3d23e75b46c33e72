/**
 * Which module `run` means: a sample program by its name, or any module by path or file: URL.
 */
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { UsageError } from './exit-codes.ts';
import { samplePrograms } from './package.ts';
import { nearest } from './suggest.ts';

const MODULE_ENDINGS = /\.[cm]?[jt]s$/;

/** @throws UsageError that says what there is, and how a path is told from a name */
export function programUrl(given: string): URL {
  if (/^[a-z][a-z+.-]+:/i.test(given)) return moduleUrl(fromUrl(given), given);
  if (/[/\\]/.test(given) || MODULE_ENDINGS.test(given)) return moduleUrl(resolve(given), given);
  const programs = samplePrograms();
  const found = programs.find(({ name }) => name === given);
  if (found !== undefined) return pathToFileURL(found.path);
  const names = programs.map(({ name }) => name);
  const near = nearest(given, names);
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
  throw new UsageError(
    `unknown program '${given}'${hint}; there is: ${names.join(', ')}; a module of your own is named by its path, as ./${given}.ts`,
  );
}

function fromUrl(given: string): string {
  if (!given.startsWith('file:')) throw new UsageError(`${given}: programs are loaded from files only`);
  try {
    return fileURLToPath(given);
  } catch (error) {
    throw new UsageError(`${given}: ${(error as Error).message}`);
  }
}

function moduleUrl(path: string, given: string): URL {
  if (!existsSync(path)) throw new UsageError(`${given}: there is no such file`);
  if (!statSync(path).isFile()) throw new UsageError(`${given}: not a file; name the module itself`);
  if (!MODULE_ENDINGS.test(path)) throw new UsageError(`${given}: a program is a .js, .mjs, .ts or .mts module`);
  return pathToFileURL(path);
}
