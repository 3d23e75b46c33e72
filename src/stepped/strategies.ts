/**
 * Strategies: which CPU goes next, and for how many operations. Toys of three tempers, each repeatable from a seed.
 *
 * Uniform random alone is a poor searcher: it almost never lets one CPU run long enough for another to stay behind.
 * So `mixed`, the one to use, alternates by seed between round robin with uneven turns, uniform, and sticky.
 */
import { cpuOfEntry, kindOfEntry } from './schedule.ts';
import type { View } from './schedule.ts';

export interface Strategy {
  readonly name: string;
  /** Is it asked again as soon as another CPU can go on? */
  readonly preempts?: boolean;
  /** A run begins. */
  begin?(view: View): void;
  /** @param ready indices of CPUs that can go on, never empty, @param current the one that ran last, or -1 */
  choose(ready: readonly number[], current: number): number;
  /** How many operations the chosen CPU does before the next choice, at least 1. */
  turn(cpu: number): number;
  /** A sleep with a time-out could end now, or a tick come: does it? Asked when something else is ready too. */
  expire(): boolean;
}

/** A small generator of random numbers, the same on every host. @returns a function: the next number below `below` */
export function randomFrom(seed: number): (below: number) => number {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Lengths of turns, from one operation to about a whole system call. */
const RHYTHM = [1, 1, 2, 3, 9, 27, 81] as const;

/** Each CPU in turn, in a rhythm of its own: eight lengths of turns, over and over. */
export function roundRobin(seed: number): Strategy {
  const random = randomFrom(seed);
  const lengths = Array.from({ length: 8 }, () => RHYTHM[random(RHYTHM.length)]! + random(3));
  let turns = 0;
  return {
    name: 'round robin',
    choose: (ready, current) => ready.find((cpu) => cpu > current) ?? ready[0]!,
    turn: () => lengths[turns++ % 8]!,
    expire: () => turns % 5 === 4,
  };
}

export function uniformRandom(seed: number): Strategy {
  const random = randomFrom(seed);
  return {
    name: 'uniform random',
    choose: (ready) => ready[random(ready.length)]!,
    turn: () => 1,
    expire: () => random(8) === 0,
  };
}

/** Stays with a CPU for a while that varies from a few operations to some hundred, by seed and turn. */
export function stickyRandom(seed: number): Strategy {
  const random = randomFrom(seed);
  const scale = 2 + random(6);
  return {
    name: 'sticky random',
    choose: (ready) => ready[random(ready.length)]!,
    turn: () => 1 + random(1 << (1 + random(scale))),
    expire: () => random(8) === 0,
  };
}

export function mixed(seed: number): Strategy {
  const kind = seed % 3;
  const own = Math.floor(seed / 3);
  return kind === 0 ? roundRobin(own) : kind === 1 ? stickyRandom(own) : uniformRandom(own);
}

/** Repeats a recorded schedule: pairs of a CPU, with how it got its turn, and its number of points. */
export function replayOf(schedule: readonly number[]): Strategy {
  let at = 0;
  return {
    name: 'replay',
    choose: (ready) => {
      const cpu = at < schedule.length ? cpuOfEntry(schedule[at]!) : ready[0]!;
      if (!ready.includes(cpu)) throw new Error(`the schedule does not fit: CPU ${cpu} cannot go on at turn ${at / 2}`);
      return cpu;
    },
    turn: () => {
      const points = schedule[at + 1] ?? 1;
      at += 2;
      return points;
    },
    expire: () => at < schedule.length && kindOfEntry(schedule[at]!) !== 0,
  };
}
