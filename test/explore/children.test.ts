/**
 * Promise: no end of a child is missed. A parent on one CPU bears a child on another and waits for it, over thousands of
 * schedules; and a child that told of its end before it could be found is shown to lose its parent.
 */
import { describe, expect, it } from 'vitest';
import { SIGCHLD } from '../../src/kernel/abi/flags-signal.ts';
import { CLONE_VFORK, CLONE_VM } from '../../src/kernel/abi/flags-task.ts';
import { mixed, stickyRandom, uniformRandom } from '../../src/stepped/strategies.ts';
import * as sound from '../../src/stepped/scene.ts?stepped';
import * as earlyWake from '../../src/stepped/scene.ts?stepped=early-wake';
import type { GuestBody, Scene } from '../../src/stepped/machine.ts';
import { steppedMachine } from '../../src/stepped/machine.ts';

const CHILD = 1;

function bearing(flags: number): GuestBody {
  return function* (guest) {
    const pid = yield guest.call('clone', CLONE_VM | flags | SIGCHLD, guest.newborn(CHILD, 1), 0, 0, 0);
    const ended = yield guest.call('wait4', -1, guest.buffer, 0, 0);
    guest.results.push(Number(ended === pid), guest.get() >> 8, yield guest.call('wait4', -1, 0, 0, 0));
  };
}
const ends: GuestBody = function* (guest) {
  yield guest.call('exit_group', 5);
};

/** The child's thread is none of the scene's: its entry is there for the parent to begin. */
function family(scene: Scene, flags: number) {
  return steppedMachine({
    scene,
    threads: [{ home: 0, body: bearing(flags) }],
    entries: [ends],
    cpus: 2,
    eventfds: [],
    lock: 'ttas',
    lockSpins: 2,
    room: { tasks: 2, processes: 2 },
  });
}

describe.each([
  ['wait4', 0],
  ['vfork, then wait4', CLONE_VFORK],
] as const)('a parent in %s', (_name, flags) => {
  it.each([
    ['uniform random', uniformRandom],
    ['sticky random', stickyRandom],
    ['mixed', mixed],
  ] as const)('finds its child under %s', (_strategy, strategyOf) => {
    const run = family(sound, flags);
    for (let seed = 0; seed < 300; seed++) {
      const { end, results } = run(strategyOf(seed));
      expect(end).toBe('done');
      expect(results).toEqual([[1, 5, -10]]);
    }
  });

  it('orders every plain access of the two', () => {
    const run = family(sound, flags);
    for (let seed = 0; seed < 100; seed++) expect(run(mixed(seed)).end).toBe('done');
  });
});

it('a child that tells of its end before it is a zombie leaves its parent asleep', () => {
  const run = family(earlyWake, 0);
  const found = Array.from({ length: 1000 }, (_, seed) => run(mixed(seed)).end).filter((end) => end === 'deadlock');
  expect(found.length).toBeGreaterThan(0);
});
