/**
 * Which items of an instance are ready, and in which order. Called by changes of sources, under the lock of the source's
 * queue (linuxCallback), and by whoever holds the instance's mutex.
 *
 *     at rest        a callback appends to `ready`
 *     harvest        looks at `ready` from the front, without the ready lock; callbacks go to the overflow meanwhile. What
 *                    it delivers and is level-triggered goes to the end, the first of them noted as `delivered`
 *     harvest ends   the overflow is put in front of `delivered`
 *
 * So arrivals during a harvest stand behind what was there before, and before what was delivered just now (E17, E18).
 *
 * Linux: fs/eventpoll.c, ep_poll_callback, ep_start_scan, ep_done_scan.
 */
import { inList, List, listAppend, listInsertBefore, listRemove } from '../../../shared-mem/list.ts';
import { acquire, release } from '../../../shared-mem/locks/lock.ts';
import { NULL } from '../../../shared-mem/pointer.ts';
import { EPOLLET, EPOLLEXCLUSIVE, EPOLLIN, EPOLLONESHOT, EPOLLOUT, EPOLLWAKEUP } from '../../abi/flags-event.ts';
import { interruptsOff, interruptsOn } from '../../irq/interrupts.ts';
import { WaitQueue } from '../../wait/wait-queue-struct.ts';
import type { LinuxEpollPtr, LinuxItemPtr } from './records.ts';
import { LinuxEpoll, LinuxItem, OVERFLOW_END } from './records.ts';

/** Bits that ask for no readiness: an item with these alone is disarmed. */
export const PRIVATE_BITS: number = EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE;

/** What `linuxCallback` answers: nothing happened; the instance's waiters are to be woken; and one exclusive wake is used up. */
export const CALLBACK_PASSED = 0;
export const CALLBACK_WAKES = 1;
export const CALLBACK_CONSUMES = 2;

/** A source changed. @param keys the readiness that changed, 0 for all @returns CALLBACK_* */
export function linuxCallback(i: LinuxItemPtr, keys: number): number {
  const events = LinuxItem.events.load(i);
  if ((events & ~PRIVATE_BITS) === 0 || (keys !== 0 && (keys & events) === 0)) return CALLBACK_PASSED;
  const e = LinuxItem.epoll.get(i);
  acquire(LinuxEpoll.readyLock.at(e));
  noteReadyLocked(e, i);
  release(LinuxEpoll.readyLock.at(e));
  if ((events & EPOLLEXCLUSIVE) === 0) return CALLBACK_WAKES;
  return isSatisfied(e, events, keys) ? CALLBACK_CONSUMES : CALLBACK_WAKES;
}

/** Is an exclusive watcher served by this wake? Only if someone waits, and for just that readiness (F11, F13). */
function isSatisfied(e: LinuxEpollPtr, events: number, keys: number): boolean {
  if (WaitQueue.waiterCount.load(LinuxEpoll.waiters.at(e)) === 0) return false;
  const both = keys & (EPOLLIN | EPOLLOUT);
  if (both === 0) return true;
  return both !== (EPOLLIN | EPOLLOUT) && (events & both) !== 0;
}

/** Lists an item that is not listed yet; during a harvest, in the overflow. */
function noteReadyLocked(e: LinuxEpollPtr, i: LinuxItemPtr): void {
  if (LinuxEpoll.harvesting.get(e) === 1) {
    if (LinuxItem.nextOverflow.get(i) !== 0) return;
    const last = LinuxEpoll.overflowLast.get(e);
    LinuxItem.nextOverflow.set(i, OVERFLOW_END);
    LinuxEpoll.overflowLast.set(e, i);
    if (last === 0) LinuxEpoll.overflowFirst.set(e, i);
    else LinuxItem.nextOverflow.set(last, i);
    return;
  }
  if (!inList(LinuxItem.readyNode.at(i))) listAppend(LinuxEpoll.ready.at(e), LinuxItem.readyNode.at(i));
}

/** ADD and MOD found the file ready. @returns 1 if it was not listed before */
export function listReady(e: LinuxEpollPtr, i: LinuxItemPtr): number {
  interruptsOff();
  acquire(LinuxEpoll.readyLock.at(e));
  const fresh = inList(LinuxItem.readyNode.at(i)) ? 0 : 1;
  if (fresh === 1) listAppend(LinuxEpoll.ready.at(e), LinuxItem.readyNode.at(i));
  release(LinuxEpoll.readyLock.at(e));
  interruptsOn();
  return fresh;
}

/** An item is removed: under the mutex, so no harvest runs, and out of its queue, so no callback comes. */
export function forgetReady(e: LinuxEpollPtr, i: LinuxItemPtr): void {
  interruptsOff();
  acquire(LinuxEpoll.readyLock.at(e));
  if (inList(LinuxItem.readyNode.at(i))) listRemove(LinuxEpoll.ready.at(e), LinuxItem.readyNode.at(i));
  release(LinuxEpoll.readyLock.at(e));
  interruptsOn();
}

/** From here on the ready list belongs to the caller, who holds the mutex. @returns how many stand there */
export function beginHarvest(e: LinuxEpollPtr): number {
  interruptsOff();
  acquire(LinuxEpoll.readyLock.at(e));
  LinuxEpoll.harvesting.set(e, 1);
  const count = List.count.get(LinuxEpoll.ready.at(e));
  release(LinuxEpoll.readyLock.at(e));
  interruptsOn();
  return count;
}

/** @returns the front item, or 0; during a harvest of the caller's, as are the two below */
export function firstReady(e: LinuxEpollPtr): LinuxItemPtr {
  const node = List.first.get(LinuxEpoll.ready.at(e));
  return node === 0 ? NULL : LinuxItem.readyNode.outer(node);
}

/** An item is not ready any more, or tells of no more than the next change of its source. */
export function dropReady(e: LinuxEpollPtr, i: LinuxItemPtr): void {
  listRemove(LinuxEpoll.ready.at(e), LinuxItem.readyNode.at(i));
}

/** The front item was delivered and stays ready as far as its file is: it stands last. Most often it is alone there. */
export function keepReady(e: LinuxEpollPtr, i: LinuxItemPtr): void {
  const node = LinuxItem.readyNode.at(i);
  if (LinuxEpoll.delivered.get(e) === 0) LinuxEpoll.delivered.set(e, node);
  if (List.last.get(LinuxEpoll.ready.at(e)) === node) return;
  listRemove(LinuxEpoll.ready.at(e), node);
  listAppend(LinuxEpoll.ready.at(e), node);
}

/** The harvest is over. @returns the first item that is ready now, or 0 */
export function endHarvest(e: LinuxEpollPtr): LinuxItemPtr {
  interruptsOff();
  acquire(LinuxEpoll.readyLock.at(e));
  if (LinuxEpoll.overflowFirst.get(e) !== 0) listOverflowLocked(e);
  LinuxEpoll.delivered.set(e, NULL);
  LinuxEpoll.harvesting.set(e, 0);
  const first = List.first.get(LinuxEpoll.ready.at(e));
  release(LinuxEpoll.readyLock.at(e));
  interruptsOn();
  return first === 0 ? NULL : LinuxItem.readyNode.outer(first);
}

function listOverflowLocked(e: LinuxEpollPtr): void {
  const delivered = LinuxEpoll.delivered.get(e);
  let i = LinuxEpoll.overflowFirst.get(e);
  while (i !== OVERFLOW_END) {
    const next = LinuxItem.nextOverflow.get(i);
    LinuxItem.nextOverflow.set(i, NULL);
    const node = LinuxItem.readyNode.at(i);
    if (!inList(node)) listInsertBefore(LinuxEpoll.ready.at(e), delivered, node);
    i = next;
  }
  LinuxEpoll.overflowFirst.set(e, NULL);
  LinuxEpoll.overflowLast.set(e, NULL);
}
