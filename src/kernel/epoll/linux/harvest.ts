/**
 * Delivery: the ready items are looked at again, one by one from the front, and what still holds is handed out (D1).
 *
 *     level-triggered   goes to the end of the ready list, to be looked at by the next wait (D2)
 *     EPOLLET           leaves the list until its source changes again (D3)
 *     EPOLLONESHOT      is disarmed until MOD (D10)
 *     not ready any more   leaves the list, and does not count
 *
 * The mutex is held over all of it; changes of sources go on, into the overflow (ready.ts).
 *
 * Linux: fs/eventpoll.c, ep_send_events, __ep_eventpoll_poll.
 */
import { cpu } from '../../../shared-mem/self.ts';
import { EPOLLET, EPOLLIN, EPOLLONESHOT, EPOLLRDNORM } from '../../abi/flags-event.ts';
import { Cpu } from '../../cpu/cpu.ts';
import type { FilePtr } from '../../file/file.ts';
import { lock, unlock } from '../../irq/locking.ts';
import type { TaskPtr } from '../../task/task.ts';
import { storeEvent } from '../event-store.ts';
import { wakeWaiters } from './callbacks.ts';
import { pollItem } from './items.ts';
import { beginHarvest, dropReady, endHarvest, firstReady, keepReady, PRIVATE_BITS } from './ready.ts';
import type { LinuxEpollPtr, LinuxItemPtr } from './records.ts';
import { LinuxEpoll, LinuxItem, linuxOf } from './records.ts';

/** What is delivered leaves the list with one of these. */
const TOLD_ONCE = EPOLLET | EPOLLONESHOT | 0;

/**
 * @param buffer user address for up to `max` events
 * @returns how many were handed out; -EFAULT if not even the first could be stored, and nothing is lost (E4)
 */
export function harvest(e: LinuxEpollPtr, t: TaskPtr, buffer: number, max: number): number {
  let count = 0;
  let fault = 0;
  let visited = 0;
  lock(LinuxEpoll.mutex.at(e));
  // What is listed now, and no more: what is delivered and listed again is the next wait's.
  for (let left = beginHarvest(e); left > 0 && count < max; left--) {
    const i = firstReady(e);
    visited++;
    const ready = pollItem(i, t);
    if (ready === 0) {
      dropReady(e, i);
      continue;
    }
    fault = storeEvent(t, buffer, count, ready, LinuxItem.dataLow.get(i), LinuxItem.dataHigh.get(i));
    // An item that could not be delivered stands first still.
    if (fault < 0) break;
    count++;
    const events = LinuxItem.events.peek(i);
    if ((events & TOLD_ONCE) === 0) {
      keepReady(e, i);
      continue;
    }
    if ((events & EPOLLONESHOT) !== 0) LinuxItem.events.store(i, events & PRIVATE_BITS);
    dropReady(e, i);
  }
  wakeNext(e, endHarvest(e));
  unlock(LinuxEpoll.mutex.at(e));
  countVisits(visited);
  return count > 0 ? count : fault;
}

/** Readiness of an instance as a source: is one of its listed items really ready? Those that are not leave the list (A8). */
export function pollInstance(epoll: FilePtr, t: TaskPtr): number {
  const e = linuxOf(epoll);
  let ready = 0;
  let visited = 0;
  lock(LinuxEpoll.mutex.at(e));
  for (let left = beginHarvest(e); left > 0 && ready === 0; left--) {
    const i = firstReady(e);
    visited++;
    if (pollItem(i, t) === 0) dropReady(e, i);
    else ready = EPOLLIN | EPOLLRDNORM;
  }
  wakeNext(e, endHarvest(e));
  unlock(LinuxEpoll.mutex.at(e));
  countVisits(visited);
  return ready;
}

/** What is ready still, or again, is the next waiter's (F7). */
function wakeNext(e: LinuxEpollPtr, first: LinuxItemPtr): void {
  if (first !== 0) wakeWaiters(e, LinuxItem.file.get(first), LinuxItem.events.peek(first));
}

/** Each file looked at is a unit of work: a long look must not hide the clock from the tick. */
function countVisits(visited: number): void {
  Cpu.repolls.set(cpu, Cpu.repolls.get(cpu) + visited);
  Cpu.workLeft.set(cpu, Cpu.workLeft.get(cpu) - visited);
}
