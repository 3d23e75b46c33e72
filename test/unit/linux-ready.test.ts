/**
 * Promises of the ready list of Linux's design, on the records of a machine in which nothing runs: in which order items
 * stand after a harvest, which nobody can see from outside when a change comes in the middle of one.
 */
import { beforeEach, expect, test } from 'vitest';
import { EPOLLET, EPOLLIN } from '../../src/kernel/abi/flags-event.ts';
import { harvest } from '../../src/kernel/epoll/linux/harvest.ts';
import { linuxOps } from '../../src/kernel/epoll/linux/instance.ts';
import { activateItem, makeItem } from '../../src/kernel/epoll/linux/items.ts';
import {
  beginHarvest,
  dropReady,
  endHarvest,
  firstReady,
  keepReady,
  linuxCallback,
} from '../../src/kernel/epoll/linux/ready.ts';
import { LinuxEpoll, type LinuxEpollPtr, type LinuxItemPtr, linuxOf } from '../../src/kernel/epoll/linux/records.ts';
import { createEventfd } from '../../src/kernel/file/eventfd.ts';
import type { FilePtr } from '../../src/kernel/file/file.ts';
import { lock, unlock } from '../../src/kernel/irq/locking.ts';
import { interruptsOff, interruptsOn } from '../../src/kernel/irq/interrupts.ts';
import type { TaskPtr } from '../../src/kernel/task/task.ts';
import { I32 } from '../../src/shared-mem/self.ts';
import { bootWithThread } from './ordinary-machine.ts';

let t: TaskPtr;
let e: LinuxEpollPtr;
let buffer = 0;

beforeEach(() => {
  ({ t, buffer } = bootWithThread({ epoll: 'linux', cpus: 1, epolls: 1, interests: 8 }));
  e = linuxOf(linuxOps.create(t, 0) as FilePtr);
});

/** An eventfd that is ready, watched under a number that its events bear too. The mutex is the caller's. */
function ready(fd: number, events = EPOLLIN): LinuxItemPtr {
  const f = createEventfd(1, 0, 0);
  const event = buffer + 1024;
  I32.set([events, fd, 0], event >> 2);
  lock(LinuxEpoll.mutex.at(e));
  const i = makeItem(e, f, fd, event) as LinuxItemPtr;
  expect(i).toBeGreaterThan(0);
  activateItem(e, i, t);
  unlock(LinuxEpoll.mutex.at(e));
  return i;
}
function changed(i: LinuxItemPtr): void {
  interruptsOff();
  linuxCallback(i, EPOLLIN);
  interruptsOn();
}
/** @returns the numbers that a wait for at most `max` events hands out, in their order */
function waited(max: number): number[] {
  const count = harvest(e, t, buffer, max);
  return Array.from({ length: count }, (_, at) => I32[(buffer >> 2) + at * 3 + 1]!);
}

test('what was left stands first, then what changed meanwhile, then what was delivered', () => {
  const [a, b, , d] = [ready(1), ready(2), ready(3), ready(4, EPOLLIN | EPOLLET)];
  // The edge of d is told; from here on it is not listed.
  expect(waited(4)).toEqual([1, 2, 3, 4]);
  lock(LinuxEpoll.mutex.at(e));
  expect(beginHarvest(e)).toBe(3);
  expect(firstReady(e)).toBe(a);
  keepReady(e, a);
  changed(d);
  changed(a);
  expect(firstReady(e)).toBe(b);
  keepReady(e, b);
  endHarvest(e);
  unlock(LinuxEpoll.mutex.at(e));
  expect(waited(4)).toEqual([3, 4, 1, 2]);
});

test('what leaves the list and changes before the harvest is over is listed again', () => {
  const a = ready(1);
  lock(LinuxEpoll.mutex.at(e));
  expect(beginHarvest(e)).toBe(1);
  changed(a);
  dropReady(e, a);
  expect(firstReady(e)).toBe(0);
  expect(endHarvest(e)).toBe(a);
  unlock(LinuxEpoll.mutex.at(e));
  expect(waited(1)).toEqual([1]);
});

test('one event at a time goes round all that are ready', () => {
  for (const fd of [1, 2, 3]) ready(fd);
  expect([1, 2, 3, 4].map(() => waited(1)[0])).toEqual([1, 2, 3, 1]);
  expect([1, 2].map(() => waited(2))).toEqual([
    [2, 3],
    [1, 2],
  ]);
});
