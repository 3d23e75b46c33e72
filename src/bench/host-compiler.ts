/**
 * Finds a C compiler and builds the host's benchmark program (`bench/host`) into a cache directory, named by what went
 * into it, so that a second run starts at once. Called by `host.ts` only.
 *
 * The cache directory holds a file that we execute: it must belong to this user and be writable by nobody else, else a
 * private one is made.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface CompiledHost {
  readonly executable: string;
  readonly compiler: string;
}

/** Why there is no program; one line, for the person who asked for the comparison. */
export interface NoHost {
  readonly reason: string;
}

const FLAGS = ['-O2', '-std=gnu11', '-Wall', '-pthread'];
const COMPILERS = ['cc', 'gcc', 'clang'];

/** The sources lie beside package.json, however deep the built code lies below it. */
export function hostSourceDirectory(from: string = dirname(fileURLToPath(import.meta.url))): string | null {
  for (let directory = from; ; directory = dirname(directory)) {
    const candidate = join(directory, 'bench', 'host');
    if (existsSync(join(candidate, 'bench.h'))) return candidate;
    if (dirname(directory) === directory) return null;
  }
}

/** `CC` may hold arguments ("ccache gcc"), as make allows. */
function compilerCommands(environment: NodeJS.ProcessEnv): string[][] {
  const chosen = environment.CC?.trim();
  if (chosen) return [chosen.split(/\s+/)];
  return COMPILERS.map((compiler) => [compiler]);
}

function findCompiler(environment: NodeJS.ProcessEnv): { command: string[]; version: string } | null {
  for (const command of compilerCommands(environment)) {
    const [program, ...rest] = command;
    const answer = spawnSync(program!, [...rest, '--version'], { encoding: 'utf8', env: environment });
    if (answer.status === 0) return { command, version: answer.stdout };
  }
  return null;
}

function isPrivate(directory: string): boolean {
  const status = lstatSync(directory);
  const ours = process.getuid === undefined || status.uid === process.getuid();
  return status.isDirectory() && ours && (status.mode & 0o022) === 0;
}

function cacheDirectory(environment: NodeJS.ProcessEnv): string {
  const user = process.getuid?.() ?? 'user';
  const directory = environment.XDG_CACHE_HOME
    ? join(environment.XDG_CACHE_HOME, 'smplab')
    : join(tmpdir(), `smplab-${user}`);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (isPrivate(directory)) return directory;
  } catch {
    // A cache that cannot be made or looked at is a cache that is not used.
  }
  return mkdtempSync(join(tmpdir(), 'smplab-'));
}

export function compileHost(environment: NodeJS.ProcessEnv = process.env): CompiledHost | NoHost {
  const sources = hostSourceDirectory();
  if (sources === null) return { reason: 'the C sources of the host benchmark are missing' };
  const found = findCompiler(environment);
  if (found === null) {
    const tried = compilerCommands(environment).map((command) => command.join(' '));
    return { reason: `no C compiler found (tried ${tried.join(', ')}; set CC to name one)` };
  }
  const files = readdirSync(sources).filter((file) => file.endsWith('.c') || file.endsWith('.h'));
  const hash = createHash('sha256').update([...found.command, ...FLAGS, found.version, process.arch].join('\0'));
  for (const file of files.sort()) hash.update(`\0${file}\0`).update(readFileSync(join(sources, file)));
  const directory = cacheDirectory(environment);
  const executable = join(directory, `host-bench-${hash.digest('hex').slice(0, 16)}`);
  const compiler = found.command.join(' ');
  if (existsSync(executable)) return { executable, compiler };

  // Built beside its final name and moved there: two runs at once each see a whole program or none.
  const unfinished = `${executable}.${process.pid}`;
  const units = files.filter((file) => file.endsWith('.c')).map((file) => join(sources, file));
  const [program, ...rest] = found.command;
  const built = spawnSync(program!, [...rest, ...FLAGS, '-o', unfinished, ...units], {
    encoding: 'utf8',
    env: environment,
  });
  if (built.status !== 0) {
    const complaint = (built.stderr || String(built.error ?? '')).trim().split('\n')[0] ?? '';
    return { reason: `${compiler} could not build the host benchmark: ${complaint}` };
  }
  renameSync(unfinished, executable);
  return { executable, compiler };
}
