/**
 * Promise: where who waits stays runnable, a CPU that rests between looks in vain is taken for quiet only if nothing was
 * done that its tasks have not seen: what another CPU did before it idled, or rested itself, is met and is no deadlock;
 * and a deadlock is seen all the same. With VeridianOS's design, over hundreds of schedules, with the race detector and an
 * audit of the memory afterwards; the registry's lock stands in the way of every call on an instance.
 */
import { describe, expect, it } from 'vitest';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLIN, EPOLLONESHOT } from '../../src/kernel/abi/flags-event.ts';
import { auditMemory } from '../../src/kernel/audit/audit.ts';
import { I32 } from '../../src/stepped/doors/self.ts';
import { mixed } from '../../src/stepped/strategies.ts';
import * as sound from '../../src/stepped/scene.ts?stepped';
import * as settleInVain from '../../src/stepped/scene.ts?stepped=settle-in-vain';
import type { Guest, GuestBody, Scene } from '../../src/stepped/machine.ts';
import { readEventfd, steppedMachine, writeEventfd } from '../../src/stepped/machine.ts';

const FIRST = 3;
const SECOND = 4;
const THIRD = 5;
const EPOLL = 6;
const SEEDS = 300;

function explore(scene: Scene, threads: readonly GuestBody[], seeds = SEEDS): Record<string, number> {
  const room = { epoll: 'veridian', epolls: 2, interests: 4, files: 10, nofile: 12 } as const;
  const homes = threads.map((body, home) => ({ home, body }));
  const run = steppedMachine({
    scene,
    threads: homes,
    cpus: threads.length,
    eventfds: [0, 0, 0],
    lock: 'ttas',
    lockSpins: 0,
    room,
  });
  const found: Record<string, number> = {};
  for (let seed = 0; seed < seeds; seed++) {
    const { end, results } = run(mixed(seed));
    const wrong = end === 'done' ? auditMemory(I32.buffer) : [];
    const key = wrong.length > 0 ? wrong.join('; ') : end === 'done' ? `done ${JSON.stringify(results)}` : end;
    found[key] = (found[key] ?? 0) + 1;
  }
  return found;
}

/** Writes, and has nothing left to do. */
const leaver: GuestBody = function* (guest) {
  yield* writeEventfd(guest, FIRST, 1);
};
const reader: GuestBody = function* (guest) {
  yield* readEventfd(guest, FIRST);
};
/** Writes, and looks in vain for an answer. */
const asker: GuestBody = function* (guest) {
  yield* writeEventfd(guest, FIRST, 1);
  yield* readEventfd(guest, SECOND);
};
const answerer: GuestBody = function* (guest) {
  yield* readEventfd(guest, FIRST);
  yield* writeEventfd(guest, SECOND, 1);
};

/** Waits until the other looks in vain; then asks. */
const settler: GuestBody = function* (guest) {
  guest.results.push(yield guest.call('smplab_settle'));
  yield* writeEventfd(guest, FIRST, 1);
  yield* readEventfd(guest, SECOND);
};

describe('what one CPU did is met by another that rests', () => {
  it('before the one idles', () => {
    expect(explore(sound, [reader, leaver])).toEqual({ [`done ${JSON.stringify([[1], []])}`]: SEEDS });
  });
  it('before the one rests itself', () => {
    expect(explore(sound, [asker, answerer])).toEqual({ [`done ${JSON.stringify([[1], [1]])}`]: SEEDS });
  });
  it('is met by one who settles, too', () => {
    expect(explore(sound, [settler, answerer])).toEqual({ [`done ${JSON.stringify([[0, 1], [1]])}`]: SEEDS });
  });
  it('is a deadlock in some schedule, if who settles is taken for one who looks in vain', () => {
    expect(explore(settleInVain, [settler, answerer])['deadlock']).toBeGreaterThan(0);
  });
});

it('two that wait for each other are a deadlock in every schedule', () => {
  expect(explore(sound, [reader, reader], 20)).toEqual({ deadlock: 20 });
});

describe('the registry', () => {
  const eventAt = (guest: Guest, number: number): number => guest.buffer + 2048 + 64 * number;
  function* control(
    guest: Guest,
    number: number,
    op: number,
    fd: number,
    events: number,
  ): Generator<number, number, number> {
    I32.set([events, fd, 0], eventAt(guest, number) >> 2);
    return yield guest.call('epoll_ctl', EPOLL, op, fd, eventAt(guest, number));
  }

  it('tells a one-shot entry to one of two that scan', () => {
    const main: GuestBody = function* (guest) {
      yield guest.call('epoll_create1', 0);
      yield* control(guest, 0, EPOLL_CTL_ADD, FIRST, EPOLLIN | EPOLLONESHOT);
      yield* writeEventfd(guest, SECOND, 1);
      yield* writeEventfd(guest, FIRST, 1);
      guest.results.push(yield guest.call('epoll_wait', EPOLL, eventAt(guest, 0), 1, 0));
      yield* readEventfd(guest, THIRD);
    };
    const other: GuestBody = function* (guest) {
      yield* readEventfd(guest, SECOND);
      guest.results.push(yield guest.call('epoll_wait', EPOLL, eventAt(guest, 1), 1, 0));
      yield* writeEventfd(guest, THIRD, 1);
    };
    const found = Object.keys(explore(sound, [main, other]));
    // Who looked before the event was there had nothing to take.
    expect(
      found.filter((end) => !/^done \[\[[01],1\],\[1,[01]\]\]$/.test(end) || end.includes('[[0,1],[1,0]]')),
    ).toEqual([]);
    expect(found).toEqual(expect.arrayContaining(['done [[0,1],[1,1]]', 'done [[1,1],[1,0]]']));
    expect(found).not.toContain('done [[1,1],[1,1]]');
  });

  it('forgets an instance that is closed while another changes it or waits', () => {
    const main: GuestBody = function* (guest) {
      yield guest.call('epoll_create1', 0);
      yield* writeEventfd(guest, SECOND, 1);
      yield* control(guest, 0, EPOLL_CTL_ADD, FIRST, EPOLLIN);
      yield guest.call('close', EPOLL);
      yield* readEventfd(guest, THIRD);
    };
    const other: GuestBody = function* (guest) {
      yield* readEventfd(guest, SECOND);
      yield* control(guest, 1, EPOLL_CTL_ADD, SECOND, EPOLLIN);
      yield* control(guest, 1, EPOLL_CTL_DEL, FIRST, EPOLLIN);
      yield guest.call('epoll_wait', EPOLL, eventAt(guest, 1), 1, 0);
      yield* writeEventfd(guest, THIRD, 1);
    };
    const found = Object.keys(explore(sound, [main, other]));
    expect(found.filter((end) => !end.startsWith('done '))).toEqual([]);
  });
});
