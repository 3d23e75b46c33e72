/**
 * A run of the stepped machine: what is run, what is asked of it, and what it came to. The scheduler does it.
 */
import type { CpuPtr } from '../shared-mem/pointer.ts';
import { becomeCpu } from './doors/self.ts';
import type { Watcher } from './doors/steering.ts';
import type { Strategy } from './strategies.ts';

export interface CpuProgram {
  /** what `cpu` is while it runs */
  readonly cpu: CpuPtr;
  readonly run: () => Generator<void, unknown, 1>;
}

export type Ending = 'done' | 'stuck' | 'threw' | 'limit';

/** What a CPU was doing when the run ended. */
export interface Waiting {
  readonly index: number;
  readonly doing: 'ready' | 'spins' | 'sleeps' | 'done';
  /** the word it waits for, or 0 */
  readonly address: number;
}

export interface Outcome {
  readonly ending: Ending;
  readonly error: unknown;
  /** operations of the atomic door */
  readonly steps: number;
  readonly switches: number;
  /** For `replay`: pairs of a CPU (as `entryOf` writes it) and how many points it passed. */
  readonly schedule: readonly number[];
  readonly cpus: readonly Waiting[];
}

export interface RunOptions {
  readonly strategy: Strategy;
  /** default 100,000 */
  readonly maxSteps?: number;
  /** sees every access to memory; default none */
  readonly watcher?: Watcher | null;
  /** After so many operations turns are even, whatever the strategy: who then does not end never does. Default never. */
  readonly fairAfter?: number;
  /** Called when turns become even. */
  readonly onFair?: () => void;
  /** The clock may jump by so much as a choice, so that ticks come at any time; default 0, never. */
  readonly tickNs?: number;
  /**
   * A clock that nothing but work and quiet moves: a sleep runs out of time only when no CPU can go on, the earliest first.
   * Otherwise the strategy may let it at any moment, as if the host had been slow.
   */
  readonly exactClock?: boolean;
  /** Asked at every choice: true ends the run. @param quiet no CPU can go on unless time passes */
  readonly over?: (quiet: boolean) => boolean;
}

/** Thrown by a program whose CPU is done, wherever it stands; the other CPUs go on. */
export const LEAVE: unique symbol = Symbol('this CPU is done');

/** Runs one CPU to its end with nobody else there: boot, and looking at memory afterwards. */
export function runAlone<T>(cpu: CpuPtr, body: Generator<void, T, 1>): T {
  becomeCpu(cpu);
  for (;;) {
    const result = body.next(1);
    if (result.done === true) return result.value;
  }
}
