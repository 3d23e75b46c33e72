/**
 * Promise: a deadlock is declared only where there is one. A CPU that looks whether all are quiet is stopped at every
 * place of its look, while another takes a task off its run queue, runs it into a sleep with a deadline, and idles again.
 */
import { describe, expect, it } from 'vitest';
import { I32 } from '../../src/stepped/doors/self.ts';
import type { Strategy } from '../../src/stepped/strategies.ts';
import { replayOf } from '../../src/stepped/strategies.ts';
import * as sound from '../../src/stepped/scene.ts?stepped';
import * as byNumber from '../../src/stepped/scene.ts?stepped=quiet-by-number';
import * as oneLook from '../../src/stepped/scene.ts?stepped=quiet-one-look';
import type { GuestBody, Scene } from '../../src/stepped/machine.ts';
import { readEventfd, steppedMachine, writeEventfd } from '../../src/stepped/machine.ts';

const EVENT = 3;

const sleeper: GuestBody = function* (guest) {
  yield* readEventfd(guest, EVENT);
  // 5 us, which is longer than all that the other CPU has left to do.
  const time = guest.buffer + 1024;
  I32.set([0, 0, 5000, 0], time >> 2);
  guest.results.push(yield guest.call('nanosleep', time, 0));
};
const waker: GuestBody = function* (guest) {
  yield* writeEventfd(guest, EVENT, 1);
};

function nap(scene: Scene) {
  const threads = [
    { home: 1, body: sleeper },
    { home: 0, body: waker },
  ];
  return steppedMachine({ scene, threads, cpus: 2, eventfds: [0], lock: 'ttas', lockSpins: 0 });
}

/** CPU 1 until it sleeps, then each CPU in turn for so many operations, then each for as long as it can go on. */
function stopsAfter(lengths: readonly number[]): Strategy {
  let turns = 0;
  return {
    name: 'stops',
    choose: (ready, current) => (current < 0 ? 1 : (ready.find((cpu) => cpu !== current) ?? ready[0]!)),
    turn: () => (turns++ === 0 ? 1e9 : (lengths[turns - 2] ?? 1e9)),
    expire: () => false,
  };
}

/**
 * CPU 0 writes, has nothing left and looks for quiet; CPU 1 is let in for so long; CPU 0 goes on for so long; then CPU 1
 * runs to its sleep. The place of CPU 0's look is not known here, so it is stopped everywhere from its write on.
 */
const stops: readonly (readonly number[])[] = Array.from({ length: 80 }, (_, i) => i + 50).flatMap((first) =>
  [24, 36, 48].flatMap((other) => [3, 6, 9, 12].map((second) => [first, other, second])),
);

describe('two CPUs that fall idle one after the other', () => {
  it('are no deadlock while one of them sleeps until a deadline', () => {
    const run = nap(sound);
    for (const lengths of stops) {
      const { end, results } = run(stopsAfter(lengths));
      expect([end, results], `stopped after ${lengths.join(', ')}`).toEqual(['done', [[1, 0], []]]);
    }
  });

  it.each([
    ['without the second look', oneLook],
    ['with two looks at how many idle', byNumber],
  ])('would be declared one %s', (_step, broken) => {
    const run = nap(broken);
    const failing = stops.find((lengths) => run(stopsAfter(lengths)).end === 'deadlock');
    expect(failing, 'no schedule shows it').toBeDefined();
    const failed = run(stopsAfter(failing!));
    expect(run(replayOf(failed.outcome.schedule))).toEqual(failed);
  });
});
