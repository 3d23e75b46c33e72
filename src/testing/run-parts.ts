/**
 * What a run is told in: races, steps, calls, looks and waits; and what is known of loops that wait.
 */
import type { View } from './memory.ts';
import type { Before } from './ordering.ts';

/** A plain access and another one that nothing orders. */
export class RaceFound extends Error {
  override readonly name = 'RaceFound';
  readonly thread: number;
  readonly site: number;
  readonly writes: boolean;
  readonly atomic: boolean;
  readonly before: Before;
  constructor(thread: number, site: number, writes: boolean, atomic: boolean, before: Before) {
    super('a data race');
    this.thread = thread;
    this.site = site;
    this.writes = writes;
    this.atomic = atomic;
    this.before = before;
  }
}

/** What a thread did, for people to read. */
export interface Step {
  readonly thread: number;
  readonly site: number;
  readonly text: string;
}

/** A call of a function that became a generator. */
export class Call {
  readonly site: number;
  constructor(site: number) {
    this.site = site;
  }
}

export interface Look {
  readonly site: number;
  readonly view: View;
  readonly index: number;
  readonly value: number | bigint;
  readonly word: number;
}
export interface WaitsFor {
  readonly kind: 'spins' | 'sleeps';
  readonly site: number;
  readonly view: View;
  readonly index: number;
  readonly value: number | bigint;
}

/** How loops that wait are treated, and what was learned of them: for all runs of an exploration. */
export interface Patience {
  /** Threads whose loops that wait go round without a break until they give up, a bit each. */
  impatient: number;
  /** Places of loops that do not. */
  readonly endless: Set<number>;
  /** Threads that gave up somewhere, and for each the places where it waited. */
  gaveUp: number;
  readonly waited: readonly Set<number>[];
}
