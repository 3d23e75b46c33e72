/**
 * Which files are compiled to the stepped variant, read from disk; and what they import besides.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { dirname as posixDirname, join as posixJoin } from 'node:path/posix';

/** Files and folders of the kernel source, relative to the project. */
export const KERNEL_ROOTS: readonly string[] = [
  'src/shared-mem',
  'src/kernel',
  'src/cpu-worker/trap-loop.ts',
  'src/cpu-worker/handler-info.ts',
  'src/stepped/scene.ts',
  'src/stepped/whole-scene.ts',
];

/** The TypeScript files below `roots`, by path; a root that does not exist holds none. */
export function readSources(project: string, roots: readonly string[]): Map<string, string> {
  const sources = new Map<string, string>();
  const add = (path: string): void => {
    const full = join(project, path);
    if (!existsSync(full)) return;
    if (statSync(full).isDirectory()) for (const name of readdirSync(full).sort()) add(`${path}/${name}`);
    else if (path.endsWith('.ts') && !path.endsWith('.d.ts')) sources.set(path, readFileSync(full, 'utf8'));
  };
  for (const root of roots) add(root);
  return sources;
}

/** The files that `entries` import by relative path, directly or not, and that `known` does not hold. */
export function importedBesides(
  project: string,
  entries: ReadonlyMap<string, string>,
  known: ReadonlySet<string>,
): Map<string, string> {
  const found = new Map<string, string>();
  const queue = [...entries];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const [path, source] = next;
    for (const [, specifier] of source.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
      const target = posixJoin(posixDirname(path), specifier!);
      if (known.has(target) || found.has(target) || !existsSync(join(project, target))) continue;
      const text = readFileSync(join(project, target), 'utf8');
      found.set(target, text);
      if (target.endsWith('.ts')) queue.push([target, text]);
    }
  }
  return found;
}
