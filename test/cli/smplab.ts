// Runs the command as a user does: bin/smplab.mjs in a process of its own.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Ended {
  readonly code: number | null;
  /** What ended the command, if it was a signal. */
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
}

export interface Running {
  readonly ended: Promise<Ended>;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Resolves when stderr contains the text. */
  readonly says: (text: string) => Promise<void>;
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A file that stdout is; by default it is read here. */
  readonly stdout?: number;
}

const command = fileURLToPath(new URL('../../bin/smplab.mjs', import.meta.url));

export function programPath(name: string): string {
  return fileURLToPath(new URL(`../fixtures/programs/${name}`, import.meta.url));
}

export function start(args: readonly string[], { env = {}, cwd, stdout: out }: Surroundings = {}): Running {
  const startMs = performance.now();
  // What the person who runs the tests has set for themselves is no part of a test.
  const own = Object.entries(process.env).filter(([name]) => !/^SMPLAB_|^(NO|FORCE)_COLOR$|^COLUMNS$/.test(name));
  const child = spawn(process.execPath, [command, ...args], {
    env: { ...Object.fromEntries(own), ...env },
    stdio: ['ignore', out ?? 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ code, signal, stdout, stderr, milliseconds: performance.now() - startMs });
    });
  });
  const says = async (text: string): Promise<void> => {
    for (let step = 0; !stderr.includes(text); step++) {
      if (step > 2000 || child.exitCode !== null || child.signalCode !== null)
        throw new Error(`stderr never said '${text}' (exit ${child.exitCode ?? child.signalCode}): ${stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  return { ended, kill: (signal) => child.kill(signal), says };
}

export function smplab(args: readonly string[], surroundings: Surroundings = {}): Promise<Ended> {
  return start(args, surroundings).ended;
}

export function documentOf<T = Record<string, unknown>>(ended: Ended): T {
  try {
    return JSON.parse(ended.stdout) as T;
  } catch {
    throw new Error(`stdout is no JSON document (exit ${ended.code}): ${ended.stdout}${ended.stderr}`);
  }
}
