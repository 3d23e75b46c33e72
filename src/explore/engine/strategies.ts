/**
 * Strategies of a search. Each finds what others miss, so the default is a portfolio that mixes them by seed.
 *
 * - pct: probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010). CPUs have random priorities, the highest that
 *   can go on does, and at depth - 1 random steps the running one falls below all others. A bug that needs so many orderings
 *   among n CPUs and k steps is found with probability 1 / (n k^(depth-1)) a run, or better.
 * - pos: partial order sampling (Yuan et al., CAV 2018). Operations have random priorities; whoever touches the same word
 *   as the one that was done draws anew. It spreads over the orders of operations that matter.
 * - random: uniform over the CPUs at every operation.
 * - sticky and round robin (stepped/strategies.ts): turns of random scale, from one operation to some hundred.
 */
import type { View } from '../../stepped/schedule.ts';
import type { Strategy } from '../../stepped/strategies.ts';
import { randomFrom, roundRobin, stickyRandom, uniformRandom } from '../../stepped/strategies.ts';

export const SAMPLINGS = ['random', 'pct', 'pos', 'portfolio'] as const;
export type Sampling = (typeof SAMPLINGS)[number];

/** After so many operations of a CPU that others wait beside, it falls below them: it may loop until they do something. */
const PATIENCE = 2_000;

type Random = (below: number) => number;

class Pct implements Strategy {
  readonly name = 'pct';
  readonly preempts = true;
  readonly #random: Random;
  readonly #depth: number;
  readonly #stepsExpected: number;
  #view: View | undefined;
  /** by CPU; the highest goes */
  readonly #priorities: number[] = [];
  /** steps at which the running CPU falls, rising */
  readonly #changes: number[] = [];
  #changed = 0;
  #lowest = 0;
  #runsSince = 0;

  constructor(seed: number, depth: number, stepsExpected: number) {
    this.#random = randomFrom(seed);
    this.#depth = depth;
    this.#stepsExpected = Math.max(1, stepsExpected);
  }

  begin(view: View): void {
    this.#view = view;
    for (let i = 0; i < view.cpus; i++) {
      const j = this.#random(i + 1);
      this.#priorities[i] = this.#priorities[j] ?? 0;
      this.#priorities[j] = i + 1;
    }
    for (let i = 1; i < this.#depth; i++) this.#changes.push(1 + this.#random(this.#stepsExpected));
    if (this.#depth > 2) this.#changes.sort((a, b) => a - b);
  }

  choose(ready: readonly number[], current: number): number {
    const { steps } = this.#view!;
    let falls = false;
    while (this.#changed < this.#changes.length && this.#changes[this.#changed]! <= steps) {
      this.#changed++;
      falls = true;
    }
    if (steps - this.#runsSince >= PATIENCE) falls = true;
    if (falls && current >= 0) {
      this.#priorities[current] = --this.#lowest;
      this.#runsSince = steps;
    }
    let best = ready[0]!;
    for (let i = 1; i < ready.length; i++) {
      if (this.#priorities[ready[i]!]! > this.#priorities[best]!) best = ready[i]!;
    }
    if (best !== current) this.#runsSince = steps;
    return best;
  }

  turn(): number {
    const next = this.#changed < this.#changes.length ? this.#changes[this.#changed]! - this.#view!.steps : PATIENCE;
    return Math.max(1, Math.min(next, PATIENCE));
  }

  expire(): boolean {
    return this.#random(16) === 0;
  }
}

class Pos implements Strategy {
  readonly name = 'pos';
  readonly #random: Random;
  readonly #priorities: number[] = [];
  #view: View | undefined;
  /** the CPU that went last, and the word it touched */
  #went = -1;
  #word = 0;

  constructor(seed: number) {
    this.#random = randomFrom(seed);
  }
  begin(view: View): void {
    this.#view = view;
    for (let i = 0; i < view.cpus; i++) this.#priorities.push(this.#draw());
  }
  choose(ready: readonly number[]): number {
    const view = this.#view!;
    if (this.#went >= 0) {
      this.#priorities[this.#went] = this.#draw();
      for (const cpu of ready) {
        if (cpu !== this.#went && view.nextWord(cpu) === this.#word) this.#priorities[cpu] = this.#draw();
      }
    }
    let best = ready[0]!;
    for (const cpu of ready) if (this.#priorities[cpu]! > this.#priorities[best]!) best = cpu;
    this.#went = best;
    this.#word = view.nextWord(best);
    return best;
  }
  turn(): number {
    return 1;
  }
  expire(): boolean {
    return this.#random(16) === 0;
  }
  #draw(): number {
    return this.#random(0x4000_0000);
  }
}

export function pct(seed: number, depth: number, stepsExpected: number): Strategy {
  return new Pct(seed, depth, stepsExpected);
}
export function pos(seed: number): Strategy {
  return new Pos(seed);
}

/** What the portfolio is made of, in turn by seed. */
const MIX: readonly ((seed: number, steps: number) => Strategy)[] = [
  (seed, steps) => pct(seed, 2, steps),
  (seed) => stickyRandom(seed),
  (seed, steps) => pct(seed, 3, steps),
  (seed) => roundRobin(seed),
  (seed, steps) => pct(seed, 1, steps),
  (seed) => pos(seed),
  (seed, steps) => pct(seed, 5, steps),
  (seed) => uniformRandom(seed),
];

/** @param stepsExpected of a usual run: change points are spread over so many */
export function strategyOf(sampling: Sampling, seed: number, stepsExpected: number): Strategy {
  if (sampling === 'random') return uniformRandom(seed);
  if (sampling === 'pos') return pos(seed);
  if (sampling === 'pct') return pct(seed, 1 + (seed % 4), stepsExpected);
  const own = Math.floor(seed / MIX.length);
  return MIX[seed % MIX.length]!(own, stepsExpected);
}
