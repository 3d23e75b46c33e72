/**
 * How a program is to be started, and what of it cannot be.
 */
import { ANY_CPU } from '../kernel/process/spawn.ts';

export interface SpawnOptions {
  /** Given to the entry as its second argument; anything that can be cloned. */
  readonly argv?: unknown;
  /** Exported generator function to start; `main` by default. */
  readonly entry?: string;
  /** Its first argument. */
  readonly argument?: number;
  /** Home CPU of the first thread; the least loaded by default. */
  readonly cpu?: number;
}

/** @returns the home CPU of the first thread @throws Error that says which there are */
export function homeOf(options: SpawnOptions, cpus: number): number {
  const home = options.cpu ?? ANY_CPU;
  if (Number.isInteger(home) && home >= ANY_CPU && home < cpus) return home;
  throw new Error(`spawn: there is no CPU ${home}; the machine has ${cpus}`);
}

/** @returns the place of the entry among the program's generator functions @throws Error that says which there are */
export function entryOf(url: string, names: readonly string[], options: SpawnOptions): number {
  const wanted = options.entry ?? 'main';
  const entry = names.indexOf(wanted);
  if (entry >= 0) return entry;
  throw new Error(`${url} exports no generator function ${wanted}; it has ${names.join(', ')}`);
}
