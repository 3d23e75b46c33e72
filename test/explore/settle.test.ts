/**
 * Promise: once `smplab_settle` has answered, what the other threads had left to do is done. One of them was woken by a
 * signal just before; over thousands of schedules of two CPUs it has always had its answer by then.
 */
import { describe, expect, it } from 'vitest';
import { EINTR } from '../../src/kernel/abi/errno.ts';
import { SIGUSR1 } from '../../src/kernel/abi/flags-signal.ts';
import { sigactionLayout } from '../../src/kernel/abi/layout.ts';
import { HANDLER_BASE } from '../../src/kernel/signal/deliver.ts';
import { I32 } from '../../src/stepped/doors/self.ts';
import type { Guest, GuestBody, Scene } from '../../src/stepped/machine.ts';
import { readEventfd, steppedMachine } from '../../src/stepped/machine.ts';
import * as sound from '../../src/stepped/scene.ts?stepped';
import * as noteLate from '../../src/stepped/scene.ts?stepped=settle-note-late';
import { mixed, replayOf } from '../../src/stepped/strategies.ts';
import { forEveryDesign, waitersSleep } from '../designs.ts';

const EVENT = 3;
const HANDLER = 2;
const MAIN_TID = 1;

/** Behind what the machine uses of the guests' memory. */
const scratch = (guest: Guest, at: number): number => guest.buffer - (guest.buffer % 4096) + 2048 + at;

const reads: GuestBody = function* (guest) {
  const action = scratch(guest, 0);
  I32.fill(0, action >> 2, (action + sigactionLayout.size) >> 2);
  I32[(action + sigactionLayout.handler) >> 2] = HANDLER_BASE + HANDLER;
  yield guest.call('rt_sigaction', SIGUSR1, action, 0, 8);
  yield* readEventfd(guest, EVENT);
  I32[scratch(guest, 64) >> 2] = 1;
  // Its end would be the process's.
  for (;;) yield guest.call('pause');
};
const sends: GuestBody = function* (guest) {
  // Before the first call of a process who has not begun is as quiet as who has looked.
  yield guest.call('getpid');
  yield guest.call('smplab_settle');
  yield guest.call('tgkill', MAIN_TID, MAIN_TID, SIGUSR1);
  yield guest.call('smplab_settle');
  guest.results.push(I32[scratch(guest, 64) >> 2]!);
  yield guest.call('exit_group', 0);
};
const handler: GuestBody = function* (guest) {
  yield guest.call('getpid');
};

function interrupted(scene: Scene, epoll: string) {
  const threads = [
    { home: 1, body: reads },
    { home: 0, body: sends },
  ];
  const room = { epoll: epoll as never };
  return steppedMachine({
    scene,
    threads,
    entries: [handler],
    cpus: 2,
    eventfds: [0],
    lock: 'ttas',
    lockSpins: 2,
    room,
  });
}

const SEEDS = Array.from({ length: 1000 }, (_, seed) => seed);
const RIGHT = ['done', [[-EINTR], [1]]];

describe('a thread that a signal has woken', () => {
  forEveryDesign((epoll) => {
    // Two that yield to each other can do so for ever, in a rhythm in which neither sees the other at rest.
    it.runIf(waitersSleep(epoll))('has its answer when quiet is told', () => {
      const run = interrupted(sound, epoll);
      for (const seed of SEEDS) {
        const { end, results } = run(mixed(seed));
        expect([end, results], `seed ${seed}`).toEqual(RIGHT);
      }
    });
  });

  it('would not, were its state read before its note', () => {
    const run = interrupted(noteLate, 'linux');
    const wrong = (seed: number): boolean => run(mixed(seed)).results[1]![0] === 0;
    const failing = SEEDS.find(wrong);
    expect(failing, 'no schedule shows it').toBeDefined();
    const failed = run(mixed(failing!));
    expect(run(replayOf(failed.outcome.schedule))).toEqual(failed);
  });
});
