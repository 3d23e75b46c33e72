/**
 * Promises: two CPUs of the toy kernel, stepped, keep mutual exclusion and lose no wakeup, whatever the strategy; a run
 * is repeated by its seed and by its schedule; and a kernel that is broken on purpose is noticed.
 */
import { describe, expect, it } from 'vitest';
import type { CpuPtr } from '../../src/shared-mem/pointer.ts';
import { attach, I32 } from '../../src/stepped/doors/self.ts';
import type { RaceError } from '../../src/stepped/doors/tracks.ts';
import { beginTracks, endTracks } from '../../src/stepped/doors/tracks.ts';
import type { CpuProgram, Outcome } from '../../src/stepped/run.ts';
import { replay, runStepped } from '../../src/stepped/scheduler.ts';
import type { Strategy } from '../../src/stepped/strategies.ts';
import { mixed, roundRobin, stickyRandom, uniformRandom } from '../../src/stepped/strategies.ts';
import { toyLock } from '../fixtures/toy-kernel/toy-locks.ts?stepped';
import * as sound from '../fixtures/toy-kernel/toy-queue.ts?stepped';
import * as countLate from '../fixtures/toy-kernel/toy-queue.ts?stepped=toy-count-late';
import * as noLock from '../fixtures/toy-kernel/toy-queue.ts?stepped=toy-no-lock';
import * as oneLook from '../fixtures/toy-kernel/toy-queue.ts?stepped=toy-one-look';

type Toy = typeof sound;

const QUEUE = 16;
const FIRST = 32 as CpuPtr;
const SECOND = 64 as CpuPtr;
const ticket = 0;
const tas = 1;

/** Fresh memory with a queue whose lock is of that kind. */
function boot(lockKind: number): void {
  attach(new ArrayBuffer(1024));
  I32[QUEUE + sound.ToyQueue.lock.off + sound.ToyQueue.lock.type.kind.off] = lockKind;
}

/** A guard of the toy kernel's fields would look at a CPU's record; the toy's fields have none, so any word will do. */
function programs(...bodies: (() => Generator<void, unknown, 1>)[]): CpuProgram[] {
  return bodies.map((run, i) => ({ cpu: i === 0 ? FIRST : SECOND, run }));
}

/** @param races are races looked for? */
function run(races: boolean, cpus: readonly CpuProgram[], strategy: Strategy): Outcome {
  if (races) beginTracks(cpus.length);
  const outcome = runStepped(cpus, { strategy });
  endTracks();
  return outcome;
}

function oneWakeup(toy: Toy, strategy: Strategy, lockKind = ticket, races = false): Outcome {
  boot(lockKind);
  return run(
    races,
    programs(
      () => toy.toySleep(QUEUE, 1),
      () => toy.toyWake(QUEUE, 1),
    ),
    strategy,
  );
}

function counting(
  toy: Toy,
  strategy: Strategy,
  lockKind: number,
  races = false,
): { outcome: Outcome; counter: number } {
  boot(lockKind);
  const count = (): Generator<void, unknown, 1> => toy.toyCount(QUEUE, 3, 1);
  const outcome = run(races, programs(count, count), strategy);
  return { outcome, counter: I32[QUEUE + toy.ToyQueue.counter.off]! };
}

function endings(toy: Toy, strategyOf: (seed: number) => Strategy, seeds: number): Map<string, number> {
  const found = new Map<string, number>();
  for (let seed = 0; seed < seeds; seed++) {
    const { ending } = oneWakeup(toy, strategyOf(seed));
    found.set(ending, (found.get(ending) ?? 0) + 1);
  }
  return found;
}

describe.each([
  ['round robin', roundRobin],
  ['uniform random', uniformRandom],
  ['sticky random', stickyRandom],
  ['mixed', mixed],
] as const)('stepped under %s', (_name, strategyOf) => {
  it('loses no wakeup', () => {
    expect([...endings(sound, strategyOf, 2000)]).toEqual([['done', 2000]]);
  });

  it('notices a sleeper that looks only once', () => {
    expect(endings(oneLook, strategyOf, 2000).get('stuck')).toBeGreaterThan(0);
  });

  it('notices a count that is raised after the second look', () => {
    expect(endings(countLate, strategyOf, 2000).get('stuck')).toBeGreaterThan(0);
  });

  it.each([
    ['ticket', ticket],
    ['test-and-set', tas],
  ])('keeps mutual exclusion with a %s lock', (_lock, lockKind) => {
    for (let seed = 0; seed < 500; seed++) {
      const { outcome, counter } = counting(sound, strategyOf(seed), lockKind);
      expect(outcome.ending).toBe('done');
      expect(counter).toBe(6);
    }
  });
});

describe('the stepped machine', () => {
  it('explores many schedules, not one', () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 1000; seed++) seen.add(oneWakeup(sound, mixed(seed)).schedule.join());
    // Told by what was done: two that chose otherwise and did the same are one.
    expect(seen.size).toBeGreaterThan(100);
  });

  it('repeats a run from its seed, to the last word', () => {
    for (let seed = 0; seed < 200; seed++) {
      const first = counting(sound, mixed(seed), seed % 2);
      const memory = I32.slice();
      const second = counting(sound, mixed(seed), seed % 2);
      expect(second).toEqual(first);
      expect(I32).toEqual(memory);
    }
  });

  it('repeats a failing run from its schedule', () => {
    const seeds = Array.from({ length: 2000 }, (_, seed) => seed);
    const failing = seeds.find((seed) => oneWakeup(oneLook, mixed(seed)).ending === 'stuck')!;
    const failed = oneWakeup(oneLook, mixed(failing));
    expect(failed.ending).toBe('stuck');
    boot(ticket);
    const repeated = replay(
      programs(
        () => oneLook.toySleep(QUEUE, 1),
        () => oneLook.toyWake(QUEUE, 1),
      ),
      failed.schedule,
    );
    expect(repeated).toEqual(failed);
    expect(failed.cpus).toEqual([
      { index: 0, doing: 'sleeps', address: QUEUE + sound.ToyQueue.bell.off },
      { index: 1, doing: 'done', address: 0 },
    ]);
  });

  it('names the word that spinning CPUs wait for when a lock is never released', () => {
    boot(tas);
    I32[QUEUE + sound.ToyQueue.lock.off + sound.ToyQueue.lock.type.owner.off] = 1;
    const count = (): Generator<void, unknown, 1> => sound.toyCount(QUEUE, 1, 1);
    const outcome = runStepped(programs(count, count), { strategy: roundRobin(1) });
    expect(outcome.ending).toBe('stuck');
    expect(outcome.cpus.map(({ doing }) => doing)).toEqual(['spins', 'spins']);
  });

  it('ends a run that takes too long', () => {
    boot(ticket);
    const outcome = runStepped(
      programs(() => sound.toyCount(QUEUE, 1_000_000, 1)),
      { strategy: roundRobin(0), maxSteps: 500 },
    );
    expect(outcome.ending).toBe('limit');
    expect(outcome.steps).toBe(500);
  });

  it('reports what a CPU threw', () => {
    boot(ticket);
    const error = new Error('panic');
    const panicking = function* (): Generator<void, void, 1> {
      yield* toyLock(QUEUE, 1);
      throw error;
    };
    const outcome = runStepped(programs(panicking), { strategy: roundRobin(0) });
    expect(outcome).toMatchObject({ ending: 'threw', error });
  });

  it('lets a sleep with a time-out end without a wake, or by it, as the schedule says', () => {
    const answers = new Set<boolean>();
    for (let seed = 0; seed < 200; seed++) {
      boot(ticket);
      const sleeper = function* (): Generator<void, void, 1> {
        answers.add(yield* sound.ToyQueue.bell.wait(QUEUE, 0, 1000, 1));
      };
      const outcome = runStepped(
        programs(sleeper, () => sound.ToyQueue.bell.spin(QUEUE, 1, 1)),
        { strategy: mixed(seed) },
      );
      expect(outcome.ending).toBe('done');
    }
    expect([...answers]).toEqual([false]);
  });

  it('names the word when a lock is missing, though no schedule shows it', () => {
    for (let seed = 0; seed < 200; seed++) {
      expect(counting(noLock, mixed(seed), ticket).counter).toBe(6);
      const { outcome } = counting(noLock, mixed(seed), ticket, true);
      expect(outcome).toMatchObject({ ending: 'threw', error: { address: QUEUE + sound.ToyQueue.counter.off } });
      expect((outcome.error as RaceError).stack).toMatch(/toy-queue\.ts.*:5[0-9]:/);
    }
  });

  it('sees no race where locks, or atomic words alone, order the accesses', () => {
    for (let seed = 0; seed < 200; seed++) {
      expect(counting(sound, mixed(seed), seed % 2, true).outcome.ending).toBe('done');
      expect(oneWakeup(sound, mixed(seed), seed % 2, true).ending).toBe('done');
    }
  });
});
