/**
 * Where this package lies, and what it brings: version, bundled data, sample programs. The same from a checkout's
 * sources and from the built bundle.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UnsupportedError } from './exit-codes.ts';

/** The nearest directory above this module that has the package's own package.json. */
export function packageRoot(): string {
  for (let directory = dirname(fileURLToPath(import.meta.url)); ; directory = dirname(directory)) {
    const manifest = join(directory, 'package.json');
    if (existsSync(manifest) && readManifest(manifest).name === 'smplab') return directory;
    if (dirname(directory) === directory) throw new UnsupportedError('this installation of smplab has no package.json');
  }
}

function readManifest(path: string): { readonly name?: string; readonly version?: string } {
  return JSON.parse(readFileSync(path, 'utf8')) as { name?: string; version?: string };
}

export function packageVersion(): string {
  return readManifest(join(packageRoot(), 'package.json')).version ?? 'unknown';
}

export interface SampleProgram {
  readonly name: string;
  readonly about: string;
  /** Its built module. */
  readonly path: string;
}

/** The programs that `run` knows by name: what lies in src/programs and is built. */
export function samplePrograms(): readonly SampleProgram[] {
  const root = packageRoot();
  const sources = join(root, 'src', 'programs');
  if (!existsSync(sources)) return [];
  return readdirSync(sources)
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .map((file) => {
      const name = file.slice(0, -'.ts'.length);
      return {
        name,
        about: openingSentence(readFileSync(join(sources, file), 'utf8')),
        path: join(root, 'dist', 'programs', `${name}.js`),
      };
    })
    .filter(({ path }) => existsSync(path));
}

/** The first sentence of the comment that a file opens with, on one line. */
export function openingSentence(source: string): string {
  const block = /^\s*\/\*\*?([\s\S]*?)\*\//.exec(source)?.[1];
  const lines = /^\s*((?:\/\/.*\n)+)/.exec(source)?.[1];
  const text = (block ?? lines ?? '')
    .split('\n')
    .map((line) => line.replace(/^\s*(\*|\/\/)\s?/, '').trim())
    .join(' ')
    .trim();
  return /^[\s\S]*?[.!?](?=\s|$)/.exec(text)?.[0] ?? text;
}
