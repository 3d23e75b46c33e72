/**
 * The compile step: from the kernel's source to its stepped variant, in which every function that can reach the
 * atomic door is a generator. Called by the build's check and by the test loader; the kernel knows nothing of it.
 *
 * Three passes over parsed files: names (what calls what), colours (what reaches the door), emission. The promise:
 * what it emits type-checks if and only if every such call was converted.
 */
import { dirname, join, relative } from 'node:path/posix';
import type { Complaint } from './ast.ts';
import { parse } from './ast.ts';
import { checkColoured, checkFile } from './bans.ts';
import { colour } from './colours.ts';
import type { Omission, Site } from './emit.ts';
import { emit } from './emit.ts';
import { collectNames } from './names.ts';

/** Files of the source whose place is taken by a file of the stepped machine. */
export const STEPPED_DOORS: ReadonlyMap<string, string> = new Map([
  ['src/shared-mem/atomic.ts', 'src/stepped/doors/atomic.ts'],
  ['src/shared-mem/plain.ts', 'src/stepped/doors/plain.ts'],
  ['src/shared-mem/self.ts', 'src/stepped/doors/self.ts'],
]);
const POINT_DOOR = 'src/stepped/doors/atomic.ts';
const CLOCK = 'src/stepped/doors/clock.ts';

export interface CompiledFile {
  readonly code: string;
  /** source map, JSON */
  readonly map: string;
  /** calls and operations of this file that were converted */
  readonly conversions: number;
}

export interface Compiled {
  /** by the path of the source */
  readonly files: ReadonlyMap<string, CompiledFile>;
  readonly complaints: readonly Complaint[];
  readonly functions: number;
  readonly generators: number;
  readonly points: number;
  readonly conversions: number;
}

/** Text to replace before compiling: a test breaks a promise on purpose and sees it noticed. */
export interface Mutation {
  readonly file: string;
  /** stands in the file exactly once */
  readonly from: string;
  readonly to: string;
}

/**
 * @param sources by path relative to the project, with forward slashes; doors among them are left out
 * @param leaveOut asked about each conversion what to forget of it, for the test of the check
 */
export function compileStepped(
  sources: ReadonlyMap<string, string>,
  leaveOut?: (file: string, site: Site) => Omission | undefined,
): Compiled {
  const complaints: Complaint[] = [];
  const parsed = [...sources]
    .filter(([path]) => !STEPPED_DOORS.has(path))
    .map(([path, source]) => parse(path, source, complaints));
  if (complaints.length > 0)
    return { files: new Map(), complaints, functions: 0, generators: 0, points: 0, conversions: 0 };

  const names = collectNames(parsed, complaints);
  const colours = colour(names);
  const files = new Map<string, CompiledFile>();
  let generators = 0;
  let points = 0;
  let conversions = 0;
  for (const file of parsed) {
    checkFile(file, complaints);
    checkColoured(file, names, colours, complaints);
    const doors = { point: specifierTo(file.path, POINT_DOOR), clock: specifierTo(file.path, CLOCK) };
    const redirect = (specifier: string): string | undefined => redirectToDoor(file.path, specifier);
    const omit = leaveOut && ((site: Site): Omission | undefined => leaveOut(file.path, site));
    const emitted = emit(file, names, colours, doors, redirect, omit);
    files.set(file.path, { code: emitted.code, map: emitted.map, conversions: emitted.conversions });
    generators += emitted.generators;
    points += emitted.points;
    conversions += emitted.conversions;
  }
  return { files, complaints, functions: names.functions.size, generators, points, conversions };
}

/** The import to write instead of one that leads to a door, for a file at `path`. */
export function redirectToDoor(path: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  const door = STEPPED_DOORS.get(join(dirname(path), specifier));
  return door === undefined ? undefined : specifierTo(path, door);
}

function specifierTo(from: string, to: string): string {
  const path = relative(dirname(from), to);
  return path.startsWith('.') ? path : `./${path}`;
}

/** @throws if the text to replace does not stand in the source exactly once: the proof would be out of date */
export function applyMutations(sources: Map<string, string>, mutations: readonly Mutation[]): void {
  for (const { file, from, to } of mutations) {
    const source = sources.get(file);
    if (source === undefined) throw new Error(`mutation of ${file}: no such file in the compiled source`);
    const count = source.split(from).length - 1;
    if (count !== 1) throw new Error(`mutation of ${file}: the text to replace stands there ${count} times: ${from}`);
    sources.set(
      file,
      source.replace(from, () => to),
    );
  }
}
