/**
 * The consumer's side (drain_ready_events): entries from the front, each turned into one event of what is pending, until
 * the caller's slots are full. A wait costs what the queue holds, whatever is watched.
 *
 *     nobody has the number      dropped, counted as an empty dequeue
 *     another generation         dropped, counted as stale; bits of the new one stay
 *     nothing pending            dropped, counted as an empty dequeue
 *     else                       the pending bits are taken, and handed out without a look at the file
 *
 * What was taken and could not be stored is lost: WASIX fills its list of events first, and the guest's memory after.
 *
 * Source: wasmerio/wasmer, lib/wasix/src/os/epoll/mod.rs and lib/wasix/src/syscalls/wasix/epoll_wait.rs.
 */
import { NULL } from '../../../shared-mem/pointer.ts';
import { cpu } from '../../../shared-mem/self.ts';
import { EFAULT } from '../../abi/errno.ts';
import { EPOLLIN } from '../../abi/flags-event.ts';
import { Cpu } from '../../cpu/cpu.ts';
import type { FilePtr } from '../../file/file.ts';
import { File, KIND_SIGNALFD } from '../../file/file.ts';
import { fileOps } from '../../file/ops-table.ts';
import { lock, unlock } from '../../irq/locking.ts';
import { userRangeOk } from '../../process/user-memory.ts';
import type { TaskPtr } from '../../task/task.ts';
import { REASON_SOURCE } from '../../task/task.ts';
import { wakeOne, wakeQueue } from '../../wait/wait-queue.ts';
import { epollEventSize, storeEvent } from '../event-store.ts';
import { eventsOfBits, repairReadyQueue } from './push.ts';
import { looksEmpty, NAMES_NOBODY, takeNamed } from './queue.ts';
import type { WasixEpollPtr, WasixSubPtr } from './records.ts';
import { WasixEpoll, WasixSub } from './records.ts';

/** @param buffer user address for `max` events @returns how many were handed out, or -EFAULT */
export function drainReadyEvents(e: WasixEpollPtr, t: TaskPtr, buffer: number, max: number): number {
  let count = 0;
  let taken = 0;
  lock(WasixEpoll.mutex.at(e));
  // The whole array is looked at, though only once there is an event.
  const stored = userRangeOk(t, buffer, max * epollEventSize()) === 1;
  while (count < max) {
    // With an event in hand a hint is enough: who lists more after this look wakes somebody for it, or the next wait finds it.
    if (count > 0 && looksEmpty(e)) break;
    const s = takeNamed(e);
    if (s === NULL) break;
    taken++;
    if (s === NAMES_NOBODY) continue;
    const ready = takeEvents(e, s) & stillMeant(s, t);
    if (ready === 0) continue;
    if (stored) storeEvent(t, buffer, count, ready, WasixSub.dataLow.get(s), WasixSub.dataHigh.get(s));
    count++;
  }
  unlock(WasixEpoll.mutex.at(e));
  // Each entry is a unit of work: a long drain must not hide the clock from the tick.
  Cpu.workLeft.set(cpu, Cpu.workLeft.get(cpu) - taken);
  return count > 0 && !stored ? -EFAULT : count;
}

/**
 * The order matters: the entry is spare already, bits are taken, then handlers may list the subscription again; and then
 * one look for bits that came between (push.ts). @returns events, or 0
 */
function takeEvents(e: WasixEpollPtr, s: WasixSubPtr): number {
  const bits = WasixSub.pending.exchange(s, 0);
  WasixSub.enqueued.store(s, 0);
  if (bits === 0) Cpu.emptyDequeues.set(cpu, Cpu.emptyDequeues.get(cpu) + 1);
  if (repairReadyQueue(s) === 1) notifyInstance(e, WasixSub.file.get(s), WasixSub.events.get(s));
  return eventsOfBits(bits, WasixSub.events.get(s));
}

/**
 * A signalfd has no state of its own, so whatever signal comes to its process tells it: it alone is asked whether that was
 * meant for it. WASIX has none.
 */
function stillMeant(s: WasixSubPtr, t: TaskPtr): number {
  const f = WasixSub.file.get(s);
  return File.kind.get(f) === KIND_SIGNALFD ? fileOps[KIND_SIGNALFD]!.poll(f, t) : -1;
}

/** An entry was listed: one of those who wait is woken, and whoever polls the instance. @param keys only noted */
export function notifyInstance(e: WasixEpollPtr, source: FilePtr, keys: number): void {
  const f = WasixEpoll.file.get(e);
  wakeOne(WasixEpoll.waiters.at(e), REASON_SOURCE, source, keys);
  wakeQueue(File.queue.at(f), EPOLLIN, 1, REASON_SOURCE, f);
}
