/**
 * Exhaustive search without reduction: every schedule, or every one with at most so many preemptions. A preemption is a
 * switch away from a thread that could have gone on; few are enough for most bugs. For programs that are small, and where
 * the reduction of dpor.ts is to be checked against something that cannot leave anything out.
 */
import type { Exploration, ExploreOptions, RunEnd, Search } from './dpor.ts';
import { exploreWith } from './dpor.ts';
import type { Program } from './execution.ts';
import { Execution } from './execution.ts';

export interface DfsOptions extends ExploreOptions {
  /** default none: all schedules */
  readonly maxPreemptions?: number;
}

export function exploreSchedules(program: Program, options: DfsOptions = {}): Exploration {
  return exploreWith(new Dfs(program, options.maxPreemptions ?? Number.POSITIVE_INFINITY), options);
}

interface Place {
  thread: number;
  /** threads that must still go from here, a bit each */
  left: number;
  /** preemptions up to here, and the thread that a switch away from would be one more, or -1 */
  readonly preemptions: number;
  readonly staying: number;
  /** a turn of a spin loop in vain */
  readonly idle: boolean;
}

class Dfs implements Search {
  execution!: Execution;
  error: unknown;
  end: RunEnd = 'complete';
  length = 0;
  readonly #program: Program;
  readonly #maxPreemptions: number;
  readonly #maxSteps: number;
  readonly #places: Place[] = [];

  constructor(program: Program, maxPreemptions: number) {
    this.#program = program;
    this.#maxPreemptions = maxPreemptions;
    this.#maxSteps = program.maxSteps ?? 100_000;
  }
  schedule(): number[] {
    return this.#places.slice(0, this.length).flatMap(({ thread, idle }) => (idle ? [] : [thread]));
  }

  run(): RunEnd {
    this.error = undefined;
    this.length = 0;
    try {
      this.execution = new Execution(this.#program);
      this.end = this.#run();
    } catch (error) {
      this.error = error;
      this.end = 'threw';
    }
    return this.end;
  }

  #run(): RunEnd {
    const { execution } = this;
    for (;;) {
      const idle = execution.idles();
      const enabled = execution.enabled();
      if (this.length >= this.#places.length) {
        if (enabled === 0) return execution.allDone() ? 'complete' : execution.stuck() ? 'stuck' : 'blocked';
        if (this.length >= this.#maxSteps) return 'limit';
        this.#places.push(this.#enter(enabled, idle));
      }
      execution.step(this.#places[this.length++]!.thread);
    }
  }

  /** Who went last goes on if it can, and alone if the preemptions are used up. */
  #enter(enabled: number, idle: boolean): Place {
    const before = this.#places.at(-1);
    let preemptions = before?.preemptions ?? 0;
    if (before !== undefined && before.staying >= 0 && before.staying !== before.thread) preemptions++;
    const staying = before !== undefined && (enabled & (1 << before.thread)) !== 0 ? before.thread : -1;
    const thread = staying >= 0 ? staying : 31 - Math.clz32(enabled & -enabled);
    const bound = staying >= 0 && preemptions >= this.#maxPreemptions;
    return { thread, left: bound ? 0 : enabled & ~(1 << thread), preemptions, staying, idle };
  }

  next(): boolean {
    this.#places.length = this.length;
    for (let place = this.#places.pop(); place !== undefined; place = this.#places.pop()) {
      if (place.left === 0) continue;
      const thread = 31 - Math.clz32(place.left & -place.left);
      this.#places.push({ ...place, thread, left: place.left & ~(1 << thread) });
      return true;
    }
    return false;
  }
}
