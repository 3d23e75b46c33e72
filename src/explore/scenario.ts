/**
 * A scenario: a small machine with guests, and what must hold of every schedule of it. A bug of the zoo: text of the kernel
 * replaced before it is compiled, and the scenario that shows it.
 */
import type { EpollDesign } from '../kernel/abi/types.ts';
import type { Mutation } from '../stepped/compile.ts';
import type { Setup } from '../stepped/machine.ts';

export interface Scenario {
  /** words with hyphens, as the command line names it */
  readonly name: string;
  /** one sentence: what runs, and what must hold */
  readonly about: string;
  /** designs that it runs on; the first one unless another is asked for */
  readonly designs: readonly EpollDesign[];
  /** The machine; `room.epoll` is set from the design that is asked for. */
  readonly machine: Omit<Setup, 'scene'>;
  /**
   * Asked after a run whose tasks all ended and whose memory passed audit and census.
   * @param results what each guest noted
   * @returns what is wrong nevertheless, in words; or undefined
   */
  readonly check?: (results: readonly (readonly number[])[]) => string | undefined;
}

/** What a search can find. */
export type FindingKind =
  | 'race'
  | 'deadlock'
  | 'lost wakeup'
  | 'livelock'
  | 'starvation'
  | 'lock order'
  | 'assertion'
  | 'audit'
  | 'leak'
  | 'use after free'
  | 'event accounting'
  | 'wrong result';

export interface Bug {
  /** Of the thirty that the reproduced projects met. */
  readonly number?: number;
  /** words with hyphens: lost-wakeup */
  readonly name: string;
  /** one sentence: whose bug it was, its cause, and the mending */
  readonly about: string;
  /** Kevlar, VeridianOS, WASIX, or smplab for one that the search found in this kernel itself */
  readonly origin: 'Kevlar' | 'VeridianOS' | 'WASIX' | 'Linux' | 'smplab';
  /** the reverse of its mending; each text stands in its file exactly once */
  readonly patches: readonly Mutation[];
  /** name of the scenario that exposes it, which is clean without the patches */
  readonly scenario: string;
  /** the design it shows on, where that is not the scenario's first */
  readonly design?: EpollDesign;
  /** what finds it */
  readonly finds: FindingKind;
  /** the portfolio with seed 1 finds it within so many schedules */
  readonly schedules: number;
  /** stores that are not read-modify-writes wait in a store buffer, as on x86 */
  readonly memory?: 'tso';
}
