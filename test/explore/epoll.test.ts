/**
 * Promise: no event is lost between those who change files and those who wait in epolls. The whole kernel on two and three
 * CPUs, over hundreds of schedules, with the race detector and an audit of the memory afterwards; and the steps of
 * the argument in epoll/linux are each shown to be needed, by leaving them out.
 */
import { describe, expect, it } from 'vitest';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD } from '../../src/kernel/abi/flags-event.ts';
import { EPOLLET, EPOLLEXCLUSIVE, EPOLLHUP, EPOLLIN, EPOLLONESHOT } from '../../src/kernel/abi/flags-event.ts';
import type { EpollDesign } from '../../src/kernel/abi/types.ts';
import { auditMemory } from '../../src/kernel/audit/audit.ts';
import { I32 } from '../../src/stepped/doors/self.ts';
import { mixed } from '../../src/stepped/strategies.ts';
import { edgesAreTold, forEveryDesign } from '../designs.ts';
import * as sound from '../../src/stepped/scene.ts?stepped';
import * as addLooksFirst from '../../src/stepped/scene.ts?stepped=add-looks-first';
import * as deafHarvest from '../../src/stepped/scene.ts?stepped=deaf-harvest';
import * as noRepair from '../../src/stepped/scene.ts?stepped=no-repair';
import * as primesFirst from '../../src/stepped/scene.ts?stepped=primes-first';
import * as modLooksFirst from '../../src/stepped/scene.ts?stepped=mod-looks-first';
import type { Guest, GuestBody, Scene, Setup } from '../../src/stepped/machine.ts';
import { readEventfd, steppedMachine, writeEventfd } from '../../src/stepped/machine.ts';

type Body = Generator<number, number, number>;

/** Four eventfds, the last of them a semaphore, are open when a guest begins; what it makes comes after them. */
const FIRST = 3;
const SECOND = 4;
const THIRD = 5;
const FOURTH = 6;
const EPOLL = 7;
const INNER = 8;
const LET_IN = 0x7fff_ffff;

/** Where a guest keeps events, apart from the others' by its number. */
const eventAt = (guest: Guest, number: number): number => guest.buffer + 2048 + 64 * number;

function* control(guest: Guest, number: number, epoll: number, op: number, fd: number, events: number): Body {
  I32.set([events, fd, 0], eventAt(guest, number) >> 2);
  return yield guest.call('epoll_ctl', epoll, op, fd, eventAt(guest, number));
}
/** @returns the descriptor that an event tells of, or what the wait answered instead */
function* wait(guest: Guest, number: number, epoll: number, timeoutMs = -1): Body {
  const r = yield guest.call('epoll_wait', epoll, eventAt(guest, number), 1, timeoutMs);
  return r === 1 ? I32[(eventAt(guest, number) >> 2) + 1]! : r;
}

function explore(
  epoll: EpollDesign,
  scene: Scene,
  threads: readonly GuestBody[],
  seeds: number,
): Record<string, number> {
  const homes: Setup['threads'] = threads.map((body, home) => ({ home, body }));
  const room = { epoll, epolls: 3, interests: 8, files: 12, nofile: 12 };
  const rest = { cpus: threads.length, eventfds: [0, 0, 0, 1], lock: 'ttas', lockSpins: 0, room };
  const run = steppedMachine({ scene, threads: homes, ...rest });
  const found: Record<string, number> = {};
  for (let seed = 0; seed < seeds; seed++) {
    const { end, results } = run(mixed(seed));
    const wrong = end === 'done' ? auditMemory(I32.buffer) : [];
    const key = wrong.length > 0 ? wrong.join('; ') : end === 'done' ? `done ${JSON.stringify(results)}` : end;
    found[key] = (found[key] ?? 0) + 1;
  }
  return found;
}

/** ADD, and a write that may come before it, during it or after it. */
const adds: readonly GuestBody[] = [
  function* (guest) {
    yield guest.call('epoll_create1', 0);
    yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, FIRST, EPOLLIN | EPOLLET);
    guest.results.push(yield* wait(guest, 0, EPOLL));
  },
  function* (guest) {
    yield* writeEventfd(guest, FIRST, 1);
  },
];

/** What fired once is armed anew while the next write comes. */
const rearms: readonly GuestBody[] = [
  function* (guest) {
    yield guest.call('epoll_create1', 0);
    yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, FIRST, EPOLLIN | EPOLLONESHOT);
    guest.results.push(yield* wait(guest, 0, EPOLL));
    yield* readEventfd(guest, FIRST);
    yield* writeEventfd(guest, SECOND, 1);
    yield* control(guest, 0, EPOLL, EPOLL_CTL_MOD, FIRST, EPOLLIN | EPOLLONESHOT);
    guest.results.push(yield* wait(guest, 0, EPOLL));
  },
  function* (guest) {
    yield* writeEventfd(guest, FIRST, 1);
    yield* readEventfd(guest, SECOND);
    yield* writeEventfd(guest, FIRST, 1);
  },
];

/** Two edges, the second of which may come while the first is handed out; which may be told twice, as on Linux. */
const twoEdges: readonly GuestBody[] = [
  function* (guest) {
    yield guest.call('epoll_create1', 0);
    yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, FIRST, EPOLLIN | EPOLLET);
    yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, SECOND, EPOLLIN | EPOLLET);
    while ((yield* wait(guest, 0, EPOLL)) !== SECOND) {}
    guest.results.push(SECOND);
  },
  function* (guest) {
    yield* writeEventfd(guest, FIRST, 1);
    yield* writeEventfd(guest, SECOND, 1);
  },
];

/** A write, and then the hangup, which may come while the write is handed out. The pipe's ends stand behind the instance. */
const hangsUp: readonly GuestBody[] = [
  function* (guest) {
    yield guest.call('epoll_create1', 0);
    yield guest.call('pipe2', guest.buffer, 0);
    // A hangup is asked for by name, since VeridianOS's design tells it only then.
    yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, EPOLL + 1, EPOLLIN | EPOLLHUP);
    yield* writeEventfd(guest, FIRST, 1);
    for (;;) {
      yield* wait(guest, 0, EPOLL);
      if ((I32[eventAt(guest, 0) >> 2]! & EPOLLHUP) !== 0) return;
    }
  },
  function* (guest) {
    yield* readEventfd(guest, FIRST);
    yield guest.call('write', EPOLL + 2, guest.buffer, 1);
    yield guest.call('close', EPOLL + 2);
  },
];

forEveryDesign((epoll) => {
  it('a hangup that comes while a write is handed out is told', () => {
    expect(explore(epoll, sound, hangsUp, 400)).toEqual({ 'done [[],[1]]': 400 });
  });
  it('a file that becomes ready while it is added is told', () => {
    expect(explore(epoll, sound, adds, 400)).toEqual({ 'done [[3],[]]': 400 });
  });
  it('a file that becomes ready while it is armed anew is told again', () => {
    expect(explore(epoll, sound, rearms, 400)).toEqual({ 'done [[3,1,3],[1]]': 400 });
  });
  it.skipIf(!edgesAreTold(epoll))('an edge that comes while another is handed out is told by the next wait', () => {
    expect(explore(epoll, sound, twoEdges, 400)).toEqual({ 'done [[4],[]]': 400 });
  });
  it.skipIf(!edgesAreTold(epoll))('of two waiters at one instance each is told one of two edges', () => {
    const waits: GuestBody = function* (guest) {
      yield* readEventfd(guest, THIRD);
      guest.results.push(yield* wait(guest, 1, EPOLL));
      yield* writeEventfd(guest, FOURTH, 1);
    };
    const main: GuestBody = function* (guest) {
      yield guest.call('epoll_create1', 0);
      yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, FIRST, EPOLLIN | EPOLLET);
      yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, SECOND, EPOLLIN | EPOLLET);
      yield* writeEventfd(guest, THIRD, 1);
      yield* writeEventfd(guest, FIRST, 1);
      yield* writeEventfd(guest, SECOND, 1);
      guest.results.push(yield* wait(guest, 0, EPOLL));
      yield* readEventfd(guest, FOURTH);
    };
    const found = Object.keys(explore(epoll, sound, [main, waits], 400));
    expect(found.filter((end) => !end.startsWith('done '))).toEqual([]);
    expect(found).toEqual(expect.arrayContaining(['done [[3,1],[1,4]]', 'done [[4,1],[1,3]]']));
  });
});

describe.each([
  ['an item looks before it stands in the queue', addLooksFirst, adds],
  ['a changed item looks before its mask is stored', modLooksFirst, rearms],
  ['a harvest hears nothing', deafHarvest, twoEdges],
] as const)('where %s', (_step, broken, threads) => {
  it('an event is lost', () => {
    expect(explore('linux', broken, threads, 400)['deadlock']).toBeGreaterThan(0);
  });
});

describe.each([
  ['a drain is not followed by a look for what came meanwhile', noRepair, hangsUp],
  ['a subscription is told what is so before its handler is in', primesFirst, adds],
] as const)('where on the design of WASIX %s', (_step, broken, threads) => {
  it('an event is lost', () => {
    expect(explore('wasix', broken, threads, 1000)['deadlock']).toBeGreaterThan(0);
  });
});

describe.each(['linux', 'wasix'] as const)('on the design of %s', (epoll) => {
  it('a file that is closed, an instance that is closed and a write that is under way leave nothing', () => {
    const main: GuestBody = function* (guest) {
      yield guest.call('epoll_create1', 0);
      yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, FIRST, EPOLLIN);
      yield* writeEventfd(guest, SECOND, 1);
      yield* writeEventfd(guest, THIRD, 1);
      yield guest.call('close', FIRST);
      yield* readEventfd(guest, FOURTH);
      yield* readEventfd(guest, FOURTH);
    };
    const closes: GuestBody = function* (guest) {
      yield* readEventfd(guest, SECOND);
      yield guest.call('close', EPOLL);
      yield* writeEventfd(guest, FOURTH, 1);
    };
    const writes: GuestBody = function* (guest) {
      yield* readEventfd(guest, THIRD);
      yield* writeEventfd(guest, FIRST, 1);
      yield* control(guest, 2, EPOLL, EPOLL_CTL_DEL, FIRST, 0);
      yield* writeEventfd(guest, FOURTH, 1);
    };
    const found = Object.keys(explore(epoll, sound, [main, closes, writes], 400));
    expect(found.filter((end) => !end.startsWith('done '))).toEqual([]);
  });
});

describe('on the design of Linux', () => {
  it('an outer instance is told through an inner one, whatever becomes of that', () => {
    const main: GuestBody = function* (guest) {
      yield guest.call('epoll_create1', 0);
      yield guest.call('epoll_create1', 0);
      yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, INNER, EPOLLIN);
      yield* control(guest, 0, INNER, EPOLL_CTL_ADD, FIRST, EPOLLIN);
      guest.results.push(yield* wait(guest, 0, EPOLL));
      yield guest.call('close', INNER);
      guest.results.push(yield* wait(guest, 0, EPOLL, 0));
    };
    const writes: GuestBody = function* (guest) {
      yield* writeEventfd(guest, FIRST, 1);
      yield* writeEventfd(guest, FIRST, 1);
    };
    expect(explore('linux', sound, [main, writes], 400)).toEqual({ 'done [[8,0],[]]': 400 });
  });

  it('an exclusive wake goes to an instance where somebody waits', () => {
    const main: GuestBody = function* (guest) {
      yield guest.call('epoll_create1', 0);
      yield guest.call('epoll_create1', 0);
      yield* control(guest, 0, EPOLL, EPOLL_CTL_ADD, FIRST, EPOLLIN | EPOLLEXCLUSIVE);
      yield* control(guest, 0, INNER, EPOLL_CTL_ADD, FIRST, EPOLLIN | EPOLLEXCLUSIVE);
      yield* writeEventfd(guest, SECOND, LET_IN);
      guest.results.push(yield* wait(guest, 0, INNER));
    };
    const writes: GuestBody = function* (guest) {
      yield* readEventfd(guest, SECOND);
      yield* writeEventfd(guest, FIRST, 1);
    };
    expect(explore('linux', sound, [main, writes], 400)).toEqual({ [`done [[3],[${LET_IN}]]`]: 400 });
  });
});
