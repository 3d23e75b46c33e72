/**
 * Promise: the exhaustive searches run the kernel itself. Of a task that waits for an eventfd and one that writes to it, on
 * two CPUs, every schedule ends well, which is proved by running one of each kind; and the smallest number of preemptions that loses the
 * wakeup of a sleeper which looks only once is found.
 */
import { describe, expect, it } from 'vitest';
import { exploreSchedules } from '../../src/explore/dpor/dfs.ts';
import type { Exploration } from '../../src/explore/dpor/dpor.ts';
import { exploreAll } from '../../src/explore/dpor/dpor.ts';
import { endOfRun, machineProgram } from '../../src/explore/dpor/machine-program.ts';
import type { GuestBody, Scene } from '../../src/stepped/machine.ts';
import { scenarioNamed } from '../../src/explore/scenarios/index.ts';
import { bootStepped, readEventfd, writeEventfd } from '../../src/stepped/machine.ts';
import * as sound from '../../src/stepped/scene.ts?stepped';
import * as oneLook from '../../src/stepped/scene.ts?stepped=one-look';

const FD = 3;
const reads: GuestBody = function* (guest) {
  yield* readEventfd(guest, FD);
};
const writes: GuestBody = function* (guest) {
  yield* writeEventfd(guest, FD, 7);
};

function oneWakeup(scene: Scene) {
  const threads = [
    { home: 1, body: reads },
    { home: 0, body: writes },
  ];
  return bootStepped({ scene, threads, cpus: 2, eventfds: [0], lock: 'ttas', lockSpins: 2, ends: 'returns' });
}

/** Every schedule with at most so many preemptions, or up to the first that does not end well. */
function search(scene: Scene, maxPreemptions: number): Exploration & { readonly ends: readonly string[] } {
  const machine = oneWakeup(scene);
  const ends = new Set<string>();
  const found = exploreSchedules(machineProgram(machine, 5000), {
    maxPreemptions,
    atEnd(run) {
      ends.add(endOfRun(machine, run));
      return !ends.has('done') || ends.size > 1;
    },
  });
  return { ...found, ends: [...ends] };
}

describe('one wakeup on two CPUs', () => {
  it('is not lost in any schedule with at most two preemptions', () => {
    const { exhausted, ends, complete } = search(sound, 2);
    expect(ends).toEqual(['done']);
    expect(exhausted).toBe(true);
    expect(complete).toBeGreaterThan(100);
  });

  it('is lost by a sleeper that looks only once, with one preemption and not without', () => {
    expect(search(oneLook, 0)).toMatchObject({ exhausted: true, ends: ['done'] });
    const { exhausted, ends } = search(oneLook, 1);
    expect(exhausted).toBe(false);
    expect(ends.at(-1)).not.toBe('done');
  });

  it('is not lost in any schedule at all', () => {
    const machine = oneWakeup(sound);
    const ends = new Set<string>();
    const { exhausted, cut } = exploreAll(machineProgram(machine, 5000), {
      atEnd(run) {
        ends.add(endOfRun(machine, run));
        return false;
      },
    });
    expect({ exhausted, cut, ends: [...ends] }).toEqual({ exhausted: true, cut: 0, ends: ['done'] });
  });

  it('keeps nobody busy when its tasks have ended: idle CPUs that look after each other are run in one order', () => {
    const { machine: setup } = scenarioNamed('add')!;
    const machine = bootStepped({ ...setup, scene: sound, room: { ...setup.room, epoll: 'linux' } });
    const lengths: number[] = [];
    exploreAll(machineProgram(machine, 5000), {
      limit: 200,
      atEnd(run) {
        expect(endOfRun(machine, run)).toBe('done');
        lengths.push(run.schedule().length);
        return false;
      },
    });
    expect(Math.max(...lengths)).toBeLessThan(1500);
  });

  it('is lost by such a sleeper under the search with reduction, too', () => {
    const machine = oneWakeup(oneLook);
    const ends = new Set<string>();
    exploreAll(machineProgram(machine, 5000), {
      limit: 200_000,
      atEnd(run) {
        ends.add(endOfRun(machine, run));
        return !ends.has('done') || ends.size > 1;
      },
    });
    expect(ends.size).toBeGreaterThan(1);
  });
});
