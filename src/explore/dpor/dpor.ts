/**
 * Exhaustive search with partial-order reduction: of all schedules that differ only in the order of operations which do
 * not touch each other, one is run to its end. Optimal DPOR with sleep sets and wakeup trees (see wakeup-tree.ts).
 *
 * Two operations conflict if they touch one word and one of them writes it; a compareExchange that failed only reads. The
 * promise: every Mazurkiewicz trace of the program is completed exactly once. `cut` counts runs that were given up because
 * what they went on with was covered already; there are none unless an operation does something else when it comes earlier.
 *
 * Stateless: each schedule is run anew from its beginning.
 */
import { alone, steer } from '../../stepped/doors/steering.ts';
import type { Program } from './execution.ts';
import { AFTER_ALL, Execution } from './execution.ts';
import { longer, Trace } from './trace.ts';
import type { Branch } from './wakeup-tree.ts';
import { dependent, Sequence } from './wakeup-tree.ts';

/** How a run ended. stuck: threads wait for good; blocked: a thread did not get what its spinning assumed. */
export type RunEnd = 'complete' | 'stuck' | 'blocked' | 'threw' | 'limit' | 'cut';

export interface Run {
  readonly end: RunEnd;
  readonly error: unknown;
  readonly execution: Execution;
  /** The threads in the order in which they went. */
  schedule(): number[];
}

export interface Exploration {
  /** Runs to the end: traces. */
  readonly complete: number;
  /** Runs at whose end somebody waited for what nobody does any more, for good or by assumption. */
  readonly blocked: number;
  /** Runs given up because every continuation was covered already. */
  readonly cut: number;
  /** Runs that threw, or took too long. */
  readonly failed: number;
  readonly operations: number;
  /** All was explored; false if `atEnd` ended the search, or a limit did. */
  readonly exhausted: boolean;
}

export interface ExploreOptions {
  /** Called at the end of each run that was not cut; true ends the search. Without it, a throw ends the search. */
  readonly atEnd?: (run: Run) => boolean;
  /** Runs after which the search is given up; default none. */
  readonly limit?: number;
}

/** What every exhaustive search is to `exploreWith`. */
export interface Search extends Run {
  readonly length: number;
  run(): RunEnd;
  /** Chooses where the next run leaves this one. @returns false if there is nothing left to choose */
  next(): boolean;
}

export function exploreAll(program: Program, options: ExploreOptions = {}): Exploration {
  return exploreWith(new Dpor(program), options);
}

/** To be run step by step by who wants to do something else in between. */
export function dporSearch(program: Program): Search {
  return new Dpor(program);
}

export function exploreWith(search: Search, { atEnd, limit = Number.POSITIVE_INFINITY }: ExploreOptions): Exploration {
  const ends: Record<RunEnd, number> = { complete: 0, stuck: 0, blocked: 0, threw: 0, limit: 0, cut: 0 };
  let [runs, operations, exhausted] = [0, 0, false];
  try {
    while (runs < limit) {
      const end = search.run();
      runs++;
      operations += search.length;
      ends[end]++;
      if (end !== 'cut' && atEnd !== undefined && atEnd(search)) break;
      if (end === 'threw' && atEnd === undefined) throw search.error;
      if (search.next()) continue;
      exhausted = ends.limit === 0;
      break;
    }
  } finally {
    steer(alone, null);
  }
  const { complete, cut } = ends;
  return { complete, blocked: ends.stuck + ends.blocked, cut, failed: ends.threw + ends.limit, operations, exhausted };
}

class Dpor implements Search {
  execution!: Execution;
  error: unknown;
  end: RunEnd = 'complete';
  readonly #program: Program;
  readonly #threads: number;
  readonly #maxSteps: number;
  readonly #trace: Trace;
  readonly #sequence = new Sequence();
  /** By place: what must still be run from there, besides what is being run. */
  readonly #trees: Branch[][] = [];
  /** The place from which on nothing matters any more: none of what comes is run in another order. */
  #overAt = Number.POSITIVE_INFINITY;
  /** By place: was it a turn of a spin loop in vain? */
  readonly #idle: boolean[] = [];
  /** By place: the threads that need not run from there, a bit each; by place and thread: what each of these would do. */
  #sleep = new Int32Array(256);
  #sleepEffect: Int32Array;
  #sleepWakes: Int32Array;
  /** How many places the next run takes over, the branch that it goes there, and what must come behind it. */
  #kept = 0;
  #turn = -1;
  #behind: Branch[] = [];

  constructor(program: Program) {
    this.#program = program;
    this.#threads = program.threads.length;
    this.#maxSteps = program.maxSteps ?? 100_000;
    this.#trace = new Trace(this.#threads);
    this.#sleepEffect = new Int32Array(256 * this.#threads);
    this.#sleepWakes = new Int32Array(256 * this.#threads);
  }

  get length(): number {
    return this.#trace.length;
  }
  schedule(): number[] {
    return [...this.#trace.thread.subarray(0, this.#trace.length)].filter((_thread, at) => this.#idle[at] !== true);
  }

  run(): RunEnd {
    this.error = undefined;
    try {
      this.end = this.#run();
    } catch (error) {
      this.error = error;
      this.end = 'threw';
    }
    return this.end;
  }

  #run(): RunEnd {
    const trace = this.#trace;
    trace.cutTo(this.#kept);
    this.execution = new Execution(this.#program);
    const { execution } = this;
    this.#overAt = Number.POSITIVE_INFINITY;
    for (let at = 0; at < this.#kept; at++) {
      // What can go on is asked for at every place, as in the run before.
      execution.enabled();
      execution.step(trace.thread[at]!);
    }
    let [turn, tree] = [this.#turn, this.#behind];
    for (;;) {
      const at = trace.length;
      this.#idle[at] = execution.idles();
      const enabled = execution.enabled();
      if (turn < 0) {
        if (enabled === 0) return execution.allDone() ? 'complete' : execution.stuck() ? 'stuck' : 'blocked';
        if (at >= this.#maxSteps) return 'limit';
        this.#enter(at);
        if (at <= this.#overAt && execution.isOver()) this.#overAt = at;
        const awake = at >= this.#overAt ? enabled : enabled & ~this.#sleep[at]!;
        if (at >= this.#overAt) tree = [];
        let branch = tree.shift();
        while (branch !== undefined && (awake & (1 << branch.thread)) === 0) branch = tree.shift();
        this.#trees[at] = tree;
        if (branch === undefined) {
          if (awake === 0) return 'cut';
          // Who went last goes on if it can: fewer switches.
          const last = at === 0 ? 0 : trace.thread[at - 1]!;
          turn = (awake & (1 << last)) !== 0 ? last : 31 - Math.clz32(awake & -awake);
          tree = [];
          if (execution.atRest() && at < this.#overAt) this.#addEach(at, awake & ~(1 << turn));
        } else {
          turn = branch.thread;
          tree = branch.next;
        }
      }
      try {
        execution.step(turn);
      } finally {
        trace.add(turn, execution.effect, execution.wakes, execution.effectIfEarlier);
      }
      turn = -1;
    }
  }

  /** The ends of sleeps race with nothing, so each of them is run from the place. */
  #addEach(at: number, threads: number): void {
    for (let left = threads; left !== 0; left &= left - 1) {
      this.#trees[at]!.push({ thread: 31 - Math.clz32(left & -left), effect: AFTER_ALL, wakes: 0, next: [] });
    }
  }

  next(): boolean {
    const trace = this.#trace;
    for (let i = 0; i < trace.raceCount; i++) {
      if (trace.races[2 * i + 1]! < this.#overAt) this.#reverse(trace.races[2 * i]!, trace.races[2 * i + 1]!);
    }
    for (let at = trace.length - 1; at >= 0; at--) {
      const thread = trace.thread[at]!;
      this.#sleep[at]! |= 1 << thread;
      this.#sleepEffect[at * this.#threads + thread] = trace.effect[at]!;
      this.#sleepWakes[at * this.#threads + thread] = trace.wakes[at]!;
      const tree = this.#trees[at]!;
      let branch = tree.shift();
      while (branch !== undefined && (this.#sleep[at]! & (1 << branch.thread)) !== 0) branch = tree.shift();
      if (branch === undefined) continue;
      this.#kept = at;
      this.#turn = branch.thread;
      this.#behind = branch.next;
      return true;
    }
    return false;
  }

  /** A new place: who sleeps there. */
  #enter(at: number): void {
    if (at === this.#sleep.length) {
      this.#sleep = longer(this.#sleep, 2);
      this.#sleepEffect = longer(this.#sleepEffect, 2);
      this.#sleepWakes = longer(this.#sleepWakes, 2);
    }
    this.#sleep[at] = 0;
    if (at === 0) return;
    const { thread, effect, wakes } = this.#trace;
    const [before, now] = [(at - 1) * this.#threads, at * this.#threads];
    for (let left = this.#sleep[at - 1]!; left !== 0; left &= left - 1) {
      const other = 31 - Math.clz32(left & -left);
      const [otherEffect, otherWakes] = [this.#sleepEffect[before + other]!, this.#sleepWakes[before + other]!];
      if (dependent(other, otherEffect, otherWakes, thread[at - 1]!, effect[at - 1]!, wakes[at - 1]!)) continue;
      this.#sleep[at]! |= 1 << other;
      this.#sleepEffect[now + other] = otherEffect;
      this.#sleepWakes[now + other] = otherWakes;
    }
  }

  /** Sees to it that a run comes in which the step at `later` goes before the one at `k`. */
  #reverse(k: number, later: number): void {
    const { thread, effect, wakes, effectIfEarlier, length } = this.#trace;
    const sequence = this.#sequence;
    sequence.length = 0;
    const end = Math.min(length, this.#overAt);
    for (let at = k + 1; at < end; at++) {
      if (!this.#trace.after(at, k)) sequence.add(thread[at]!, effect[at]!, wakes[at]!);
    }
    sequence.add(thread[later]!, effectIfEarlier[later]!, wakes[later]!);
    const row = k * this.#threads;
    for (let left = this.#sleep[k]!; left !== 0; left &= left - 1) {
      const other = 31 - Math.clz32(left & -left);
      if (sequence.mayBegin(other, this.#sleepEffect[row + other]!, this.#sleepWakes[row + other]!)) return;
    }
    sequence.insertInto(this.#trees[k]!);
  }
}
