/**
 * The emitted tree: the stepped variant of the kernel with everything that it imports, in the places of the source, so
 * that a type checker can prove it and a bundler can build it. Lines are those of the source.
 */
import type { Compiled } from './compile.ts';
import { compileStepped } from './compile.ts';
import type { Omission, Site } from './emit.ts';
import { importedBesides, KERNEL_ROOTS, readSources } from './sources.ts';

/** What runs the stepped variant: part of the tree, beside what it runs. */
const RUNTIME: readonly string[] = [
  'doors',
  'schedule.ts',
  'run.ts',
  'cpu-states.ts',
  'scheduler.ts',
  'strategies.ts',
].map((name) => `src/stepped/${name}`);

export interface SteppedTree {
  readonly compiled: Compiled;
  /** text by path; the compiled files, then those taken over as they are */
  readonly files: ReadonlyMap<string, string>;
}

/** @param roots what to compile; the kernel by default */
export function steppedTree(
  project: string,
  roots: readonly string[] = KERNEL_ROOTS,
  leaveOut?: (file: string, site: Site) => Omission | undefined,
): SteppedTree {
  const sources = readSources(project, roots);
  const compiled = compileStepped(sources, leaveOut);
  const files = new Map<string, string>();
  for (const [path, { code }] of compiled.files) files.set(path, code);
  for (const [path, text] of readSources(project, RUNTIME)) files.set(path, text);
  for (const [path, text] of importedBesides(project, files, new Set(files.keys()))) files.set(path, text);
  return { compiled, files };
}
