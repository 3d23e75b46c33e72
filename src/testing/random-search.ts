/**
 * Searches by chance, each run repeatable from its seed: uniform random, sticky, PCT (Burckhardt et al., ASPLOS 2010), POS
 * (Yuan et al., CAV 2018); and the portfolio that mixes them by seed, for none of them finds everything.
 *
 * A sleep with a time-out may also end early, now and then.
 */
import type { RunEnd, Search } from '../explore/dpor/dpor.ts';
import type { Program } from '../explore/dpor/execution.ts';
import { Execution } from '../explore/dpor/execution.ts';
import { randomFrom } from '../stepped/strategies.ts';

export type Chance = 'random' | 'sticky' | 'pct' | 'pos';
type Random = (below: number) => number;

/** @returns the thread that goes next, of those whose bits are set */
type Chooser = (execution: Execution, enabled: number, last: number) => number;

const MIX: readonly Chance[] = ['pct', 'pos', 'sticky', 'random', 'pct', 'sticky'];

/** Runs by chance without end; `next` goes on to the next seed. */
export class RandomSearch implements Search {
  execution!: Execution;
  error: unknown;
  end: RunEnd = 'complete';
  /** what chose the run */
  strategy: Chance = 'random';
  readonly #program: Program;
  readonly #kinds: readonly Chance[];
  readonly #maxSteps: number;
  readonly #before: () => void;
  #seed: number;
  #schedule: number[] = [];
  /** operations of the longest run so far: what PCT spreads its changes over */
  #longest = 20;

  /** @param before called before each run */
  constructor(program: Program, strategy: Chance | 'portfolio', seed: number, before: () => void = () => {}) {
    this.#before = before;
    this.#program = program;
    this.#kinds = strategy === 'portfolio' ? MIX : [strategy];
    this.#maxSteps = program.maxSteps ?? 100_000;
    this.#seed = seed;
  }

  get length(): number {
    return this.#schedule.length;
  }
  schedule(): number[] {
    return this.#schedule.slice();
  }
  next(): boolean {
    this.#seed++;
    return true;
  }

  run(): RunEnd {
    this.#schedule = [];
    this.#before();
    this.error = undefined;
    this.strategy = this.#kinds[this.#seed % this.#kinds.length]!;
    try {
      this.execution = new Execution(this.#program);
      this.end = this.#run();
    } catch (error) {
      this.error = error;
      this.end = 'threw';
    }
    this.#longest = Math.max(this.#longest, Math.min(this.#schedule.length, 1000));
    return this.end;
  }

  #run(): RunEnd {
    const { execution } = this;
    const random = randomFrom(this.#seed);
    const choose = this.#chooser(random);
    for (let last = -1; ; ) {
      if (execution.idles()) {
        execution.step(31 - Math.clz32(execution.enabled()));
        continue;
      }
      let enabled = execution.enabled();
      if (enabled === 0) return execution.allDone() ? 'complete' : execution.stuck() ? 'stuck' : 'blocked';
      if (this.#schedule.length >= this.#maxSteps) return 'limit';
      const limited = execution.limited();
      if (limited !== 0 && random(8) === 0) enabled |= limited;
      last = (enabled & (enabled - 1)) === 0 ? 31 - Math.clz32(enabled) : choose(execution, enabled, last);
      this.#schedule.push(last);
      execution.step(last);
    }
  }

  #chooser(random: Random): Chooser {
    const threads = this.#program.threads.length;
    if (this.strategy === 'random') return (_execution, enabled) => anyOf(enabled, random);
    if (this.strategy === 'sticky') return sticky(random);
    return this.strategy === 'pct' ? pct(threads, this.#longest, random) : pos(threads, random);
  }
}

function anyOf(bits: number, random: Random): number {
  let left = bits;
  for (let skip = random(count(bits)); skip > 0; skip--) left &= left - 1;
  return 31 - Math.clz32(left & -left);
}
function count(bits: number): number {
  let found = 0;
  for (let left = bits; left !== 0; left &= left - 1) found++;
  return found;
}

function sticky(random: Random): Chooser {
  const stays = 2 + random(12);
  return (_execution, enabled, last) =>
    last >= 0 && (enabled & (1 << last)) !== 0 && random(stays) !== 0 ? last : anyOf(enabled, random);
}

/** The thread of highest priority goes, and at a few places of the run it becomes the one of lowest. */
function pct(threads: number, length: number, random: Random): Chooser {
  const priorities = Array.from({ length: threads }, () => 1 + random(1 << 20));
  const changes = new Set(Array.from({ length: random(4) }, () => random(length)));
  let [step, lowest] = [0, 0];
  return (_execution, enabled, last) => {
    if (changes.has(step++) && last >= 0) priorities[last] = --lowest;
    return highest(priorities, enabled);
  };
}

/** Each operation has a priority of its own; those that meet the one done on its word get a new one. */
function pos(threads: number, random: Random): Chooser {
  const priorities = Array.from({ length: threads }, () => random(1 << 30));
  return (execution, enabled) => {
    const chosen = highest(priorities, enabled);
    const word = execution.nextWord(chosen);
    for (let i = 0; i < threads; i++) if (execution.nextWord(i) === word) priorities[i] = random(1 << 30);
    return chosen;
  };
}

function highest(priorities: readonly number[], enabled: number): number {
  let best = -1;
  for (let left = enabled; left !== 0; left &= left - 1) {
    const thread = 31 - Math.clz32(left & -left);
    if (best < 0 || priorities[thread]! > priorities[best]!) best = thread;
  }
  return best;
}
