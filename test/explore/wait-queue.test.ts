/**
 * Promise: no wakeup is lost. Two CPUs run the whole kernel, one task waits for an eventfd and another writes to it,
 * over thousands of schedules; and each step of the argument in kernel/wait/sleep.ts is shown to be needed, by leaving
 * it out and seeing a deadlock.
 */
import { describe, expect, it } from 'vitest';
import type { Strategy } from '../../src/stepped/strategies.ts';
import { mixed, replayOf, roundRobin, stickyRandom, uniformRandom } from '../../src/stepped/strategies.ts';
import { forEveryDesign } from '../designs.ts';
import * as sound from '../../src/stepped/scene.ts?stepped';
import * as countLate from '../../src/stepped/scene.ts?stepped=count-late';
import * as lateNote from '../../src/stepped/scene.ts?stepped=late-note';
import * as oneLook from '../../src/stepped/scene.ts?stepped=one-look';
import * as plainCommit from '../../src/stepped/scene.ts?stepped=plain-commit';
import type { GuestBody, Scene, Setup } from '../../src/stepped/machine.ts';
import { readEventfd, steppedMachine, writeEventfd } from '../../src/stepped/machine.ts';

const FIRST_FD = 3;
const SECOND_FD = 4;

/** Kinds of lock, and how long a wait for one spins before it sleeps on the doorbell. */
const lockings = [
  { lock: 'ttas', lockSpins: 2 },
  { lock: 'ttas', lockSpins: 0 },
  { lock: 'ticket', lockSpins: 2 },
  { lock: 'ticket', lockSpins: 0 },
] as const;
type Locking = (typeof lockings)[number];

const reads: GuestBody = function* (guest) {
  yield* readEventfd(guest, FIRST_FD);
};
const writes: GuestBody = function* (guest) {
  yield* writeEventfd(guest, FIRST_FD, 7);
};

function oneWakeup(scene: Scene, locking: Locking = lockings[0]) {
  const threads = [
    { home: 1, body: reads },
    { home: 0, body: writes },
  ];
  return steppedMachine({ scene, threads, cpus: 2, eventfds: [0], ...locking });
}

function pingPong(rounds: number): Setup['threads'] {
  const ping: GuestBody = function* (guest) {
    for (let i = 1; i <= rounds; i++) {
      yield* writeEventfd(guest, FIRST_FD, i);
      yield* readEventfd(guest, SECOND_FD);
    }
  };
  const pong: GuestBody = function* (guest) {
    for (let i = 0; i < rounds; i++) {
      yield* readEventfd(guest, FIRST_FD);
      yield* writeEventfd(guest, SECOND_FD, guest.results.at(-1)! * 10);
    }
  };
  return [
    { home: 0, body: ping },
    { home: 1, body: pong },
  ];
}

/** The ends of so many runs, and how often each. */
function ends(run: ReturnType<typeof steppedMachine>, strategyOf: (seed: number) => Strategy, seeds: number) {
  const found = new Map<string, number>();
  for (let seed = 0; seed < seeds; seed++) {
    const { end, results } = run(strategyOf(seed));
    const key = end === 'done' ? `done ${JSON.stringify(results)}` : end;
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  return Object.fromEntries(found);
}

const strategies = [
  ['round robin', roundRobin],
  ['uniform random', uniformRandom],
  ['sticky random', stickyRandom],
] as const;

describe.each(strategies)('two CPUs and one wakeup under %s', (_name, strategyOf) => {
  it.each(lockings)('lose nothing, with $lock locks that spin $lockSpins turns', (locking) => {
    expect(ends(oneWakeup(sound, locking), strategyOf, 1000)).toEqual({ 'done [[7],[]]': 1000 });
  });
});

forEveryDesign((epoll) => {
  describe('the wait queue', () => {
    it('carries twelve wakeups to and fro', () => {
      for (const locking of lockings) {
        const run = steppedMachine({
          scene: sound,
          threads: pingPong(6),
          cpus: 2,
          eventfds: [0, 0],
          ...locking,
          room: { epoll },
        });
        expect(ends(run, mixed, 300)).toEqual({ 'done [[10,20,30,40,50,60],[1,2,3,4,5,6]]': 300 });
      }
    });

    it('wakes every sleeper on three CPUs, and a semaphore lets each through once', () => {
      const reader: GuestBody = function* (guest) {
        yield* readEventfd(guest, FIRST_FD);
        yield* writeEventfd(guest, SECOND_FD, 1);
      };
      const main: GuestBody = function* (guest) {
        yield* writeEventfd(guest, FIRST_FD, 2);
        yield* readEventfd(guest, SECOND_FD);
        yield* readEventfd(guest, SECOND_FD);
      };
      const threads = [main, reader, reader].map((body, home) => ({ home, body }));
      for (const locking of lockings) {
        const run = steppedMachine({ scene: sound, threads, cpus: 3, eventfds: [1, 1], ...locking, room: { epoll } });
        expect(ends(run, mixed, 300)).toEqual({ 'done [[1,1],[1],[1]]': 300 });
      }
    });

    it('orders every plain access of two CPUs', () => {
      for (const locking of lockings) {
        const run = steppedMachine({
          scene: sound,
          threads: pingPong(3),
          cpus: 2,
          eventfds: [0, 0],
          ...locking,
          room: { epoll },
        });
        for (let seed = 0; seed < 100; seed++) expect(run(mixed(seed)).end).toBe('done');
      }
    });
  });
});

describe('the wait queue', () => {
  it('shows a waker that writes to a task which it has given away already, at the line', () => {
    const run = steppedMachine({ scene: lateNote, threads: pingPong(3), cpus: 2, eventfds: [0, 0], ...lockings[0] });
    const raced = Array.from({ length: 100 }, (_, seed) => run(mixed(seed)).end).filter((end) =>
      end.startsWith('RaceError: '),
    );
    expect(raced.length).toBeGreaterThan(0);
    for (const end of raced) expect(end).toMatch(/src\/kernel\/(task\/wake|wait\/sleep)\.ts/);
  });
});

describe.each([
  ['the second attempt after enqueueing', oneLook],
  ['the count of waiters before that attempt', countLate],
  ['the compareExchange of the commit', plainCommit],
] as const)('without %s', (_step, broken) => {
  it.each(strategies)('a wakeup is lost under %s, and its schedule repeated to the last step', (_name, strategyOf) => {
    const run = steppedMachine({ scene: broken, threads: pingPong(6), cpus: 2, eventfds: [0, 0], ...lockings[0] });
    const seeds = Array.from({ length: 1000 }, (_, seed) => seed);
    const failing = seeds.find((seed) => run(strategyOf(seed)).end === 'deadlock');
    expect(failing, 'no schedule of 1000 lost a wakeup').toBeDefined();
    const failed = run(strategyOf(failing!));
    expect(failed.end).toBe('deadlock');
    expect(run(replayOf(failed.outcome.schedule))).toEqual(failed);
  });
});
