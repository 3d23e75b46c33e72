/**
 * Promises of WASIX's ready queue: the unit tests that the project itself has of it (lib/wasix/src/os/epoll/mod.rs), on the
 * records of a machine in which nothing runs.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT } from '../../src/kernel/abi/flags-event.ts';
import { auditMemory } from '../../src/kernel/audit/audit.ts';
import { Cpu } from '../../src/kernel/cpu/cpu.ts';
import { drainReadyEvents } from '../../src/kernel/epoll/wasix/drain.ts';
import { wasixOps } from '../../src/kernel/epoll/wasix/instance.ts';
import {
  eventsOfBits,
  FAILED,
  hasInterest,
  HUNG_UP,
  pendingBitsOf,
  popInterest,
  pushInterest,
  READABLE,
  repairReadyQueue,
  sourceTells,
  trackedBits,
  WRITABLE,
} from '../../src/kernel/epoll/wasix/push.ts';
import {
  WasixEpoll,
  type WasixEpollPtr,
  WasixSub,
  type WasixSubPtr,
  wasixOf,
} from '../../src/kernel/epoll/wasix/records.ts';
import { addSubscription, findSubscription, modifySubscription } from '../../src/kernel/epoll/wasix/subscriptions.ts';
import { createEventfd } from '../../src/kernel/file/eventfd.ts';
import type { FilePtr } from '../../src/kernel/file/file.ts';
import { lock, unlock } from '../../src/kernel/irq/locking.ts';
import type { TaskPtr } from '../../src/kernel/task/task.ts';
import { List } from '../../src/shared-mem/list.ts';
import { cpu, I32 } from '../../src/shared-mem/self.ts';
import { bootWithThread } from './ordinary-machine.ts';

const ALL = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP;
let t: TaskPtr;
let e: WasixEpollPtr;
/** Where events are handed out, and where those of epoll_ctl lie. */
let buffer = 0;
let event = 0;

beforeEach(() => {
  ({ t, buffer } = bootWithThread({ epoll: 'wasix', cpus: 1, epolls: 1, interests: 4 }));
  event = buffer + 1024;
  e = wasixOf(wasixOps.create(t, 0) as FilePtr);
});

function placeEvent(events: number, data: number): number {
  I32.set([events, data, 0], event >> 2);
  return event;
}
/** An eventfd that nothing is ready for but what a test pushes; what ADD told is taken out. */
function watched(fd: number, events: number, data = fd): WasixSubPtr {
  const f = createEventfd(0, 0, 0);
  lock(WasixEpoll.mutex.at(e));
  expect(addSubscription(e, f, fd, placeEvent(events, data), t)).toBe(0);
  const s = findSubscription(e, fd);
  unlock(WasixEpoll.mutex.at(e));
  drained(8);
  return s;
}
function changed(s: WasixSubPtr, events: number): void {
  lock(WasixEpoll.mutex.at(e));
  const f = WasixSub.file.get(s);
  expect(modifySubscription(e, s, f, placeEvent(events, 1), t)).toBe(0);
  unlock(WasixEpoll.mutex.at(e));
}
/** @returns pairs of events and data */
function drained(max: number): number[][] {
  const count = drainReadyEvents(e, t, buffer, max);
  return Array.from({ length: count }, (_, i) => [I32[(buffer >> 2) + i * 3]!, I32[(buffer >> 2) + i * 3 + 1]!]);
}
function queued(): number {
  return I32[WasixEpoll.ready.at(e) + List.count.off]!;
}
const counters = (): number[] =>
  [Cpu.enqueueAttempts, Cpu.dedupeHits, Cpu.staleDrops, Cpu.emptyDequeues].map((field) => field.get(cpu));

describe('bits', () => {
  test.each([
    [EPOLLIN, READABLE],
    [EPOLLOUT, WRITABLE],
    [EPOLLHUP, HUNG_UP],
    [EPOLLERR, FAILED],
  ])('readiness %i is bit %i, both ways', (events, bit) => {
    expect(pendingBitsOf(events)).toBe(bit);
    expect(eventsOfBits(bit, ALL)).toBe(events);
  });
  test('hangups and errors are handed out whatever was asked', () => {
    expect(eventsOfBits(HUNG_UP | FAILED | WRITABLE, EPOLLIN)).toBe(EPOLLHUP | EPOLLERR);
  });
  test('and tracked when nothing was', () => expect(trackedBits(0)).toBe(HUNG_UP | FAILED));
});

describe('a subscription', () => {
  test('is of the number that it was added under, whatever its data says', () => {
    const s = watched(5, EPOLLIN, 77);
    pushInterest(s, READABLE);
    expect(WasixSub.fd.get(s)).toBe(5);
    expect(drained(8)).toEqual([[EPOLLIN, 77]]);
  });
  test('whose bit is taken back leaves that of another', () => {
    const [a, b] = [watched(10, EPOLLIN), watched(11, EPOLLIN)];
    pushInterest(a, READABLE);
    pushInterest(b, READABLE);
    expect(popInterest(a, READABLE)).toBe(1);
    expect([hasInterest(a, READABLE), hasInterest(b, READABLE), queued()]).toEqual([0, 1, 2]);
    expect(drained(8)).toEqual([[EPOLLIN, 11]]);
    expect(counters()[3]).toBe(1);
  });
  test('whose bit is taken back keeps its others', () => {
    const s = watched(12, ALL);
    pushInterest(s, READABLE);
    pushInterest(s, WRITABLE);
    expect(popInterest(s, READABLE)).toBe(1);
    expect(drained(8)).toEqual([[EPOLLOUT, 12]]);
  });
  test('is listed once until it is drained', () => {
    const s = watched(7, ALL);
    const [attempts, hits] = counters();
    pushInterest(s, READABLE);
    pushInterest(s, READABLE);
    pushInterest(s, WRITABLE);
    expect(queued()).toBe(1);
    expect(counters().slice(0, 2)).toEqual([attempts! + 3, hits! + 2]);
    expect(drained(8)).toEqual([[EPOLLIN | EPOLLOUT, 7]]);
    pushInterest(s, READABLE);
    expect(queued()).toBe(1);
  });
  test('of an eventfd hears that it is writable only if it asked', () => {
    const s = watched(9, EPOLLIN | EPOLLET);
    expect(sourceTells(s, EPOLLOUT)).toBe(0);
    expect(sourceTells(s, EPOLLIN)).toBe(1);
    expect(drained(8)).toEqual([[EPOLLIN, 9]]);
  });
});

describe('a drain', () => {
  test('keeps several apart that are ready for the same, first in first out', () => {
    const [a, b] = [watched(10, EPOLLIN), watched(11, EPOLLIN)];
    pushInterest(b, READABLE);
    pushInterest(a, READABLE);
    expect(drained(8)).toEqual([
      [EPOLLIN, 11],
      [EPOLLIN, 10],
    ]);
  });
  test('leaves in the queue what its budget does not hold', () => {
    const [a, b] = [watched(90, ALL), watched(91, ALL)];
    pushInterest(a, READABLE);
    pushInterest(b, WRITABLE);
    expect(drained(1)).toEqual([[EPOLLIN, 90]]);
    expect([queued(), WasixSub.enqueued.load(b), WasixSub.pending.load(b)]).toEqual([1, 1, WRITABLE]);
    expect(drained(1)).toEqual([[EPOLLOUT, 91]]);
    expect([queued(), WasixSub.enqueued.load(b), WasixSub.pending.load(b)]).toEqual([0, 0, 0]);
  });
  test('drops an entry of an earlier generation, and keeps the bits of the new one', () => {
    const s = watched(22, EPOLLIN);
    pushInterest(s, READABLE);
    changed(s, EPOLLIN);
    WasixSub.pending.store(s, READABLE);
    WasixSub.enqueued.store(s, 1);
    expect(drained(8)).toEqual([]);
    expect(WasixSub.pending.load(s)).toBe(READABLE);
    expect(counters()[2]).toBe(1);
  });
  test('is repaired: bits that came meanwhile list the subscription again', () => {
    const s = watched(44, ALL);
    WasixSub.pending.store(s, WRITABLE);
    expect(repairReadyQueue(s)).toBe(1);
    expect([WasixSub.enqueued.load(s), queued()]).toEqual([1, 1]);
    expect(drained(8)).toEqual([[EPOLLOUT, 44]]);
  });
});

test('changes that nobody waits after do not fill the queue', () => {
  const s = watched(3, EPOLLOUT);
  for (let i = 0; i < 1000; i++) changed(s, EPOLLOUT);
  expect(queued()).toBeLessThan(20);
  expect(auditMemory(I32.buffer).filter((problem) => /^epoll|readyEntries|lost/.test(problem))).toEqual([]);
  expect(drained(8)).toEqual([[EPOLLOUT, 1]]);
});
