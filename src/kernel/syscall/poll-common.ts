/**
 * What poll and select share: standing in the queues of many files, the end of their time, telling what is left of it.
 *
 * Where the design gives each file a queue, they stand in every one of them, and each stand keeps its file alive, for the
 * queue lies in the file's record; leaving the queues drops those references (wait/wait-queue.ts). In a global queue they
 * stand once and keep nothing.
 */
import { ENOMEM } from '../abi/errno.ts';
import { timespecLayout, timevalLayout } from '../abi/layout.ts';
import { queueForFile } from '../epoll/source.ts';
import type { FilePtr } from '../file/file.ts';
import { tryHoldFile } from '../file/lifetime.ts';
import { releaseFile } from '../file/ops-table.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { userRangeOk, writeTimespec, writeUser64 } from '../process/user-memory.ts';
import { signalDeliverable } from '../signal/deliver.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { ERESTARTNOHAND, Frame, Task, YIELD } from '../task/task.ts';
import { clockNow } from '../time/clock.ts';
import { standHolding, standInQueue } from '../wait/wait-queue.ts';

/**
 * Stands where a change of `f` wakes.
 * @param keys EPOLL bits that are waited for
 * @param inGlobal what the last stand of this call answered, 0 for the first
 * @returns 1 if the task stands in the global queue by now, else 0; -ENOMEM when no stand is left, YIELD where nobody stands
 */
export function standAtFile(t: TaskPtr, f: FilePtr, keys: number, inGlobal: number): number {
  const q = queueForFile(f);
  if (q === 0) return YIELD;
  if (q === Machine.globalQueue.at(MACHINE)) {
    return inGlobal === 1 || standInQueue(q, t, 0, 0) === 1 ? 1 : -ENOMEM;
  }
  // A file that just died needs no stand, for the next pass finds its slot empty.
  if (tryHoldFile(f) === 0 || standHolding(q, t, keys, f) === 1) return inGlobal;
  releaseFile(f);
  return -ENOMEM;
}

/** A timeout of so many ns begins now; 0 is to look once, Infinity for ever. */
export function beginTimeout(fr: FramePtr, timeoutNs: number): void {
  const waits = timeoutNs > 0 && timeoutNs !== Number.POSITIVE_INFINITY;
  Frame.nonblocking.set(fr, timeoutNs === 0 ? 1 : 0);
  Frame.deadlineNs.set(fr, waits ? clockNow() + timeoutNs : Number.POSITIVE_INFINITY);
}

/** Nothing ready and the time over: Linux looks at signals even then, with a timeout of 0 too (do_poll). */
export function nothingCame(t: TaskPtr): number {
  return Task.attention.load(t) !== 0 && signalDeliverable(t) === 1 ? -ERESTARTNOHAND : 0;
}

/** However a call ends, it tells what is left of its timeout (L4). One of 0, or one unwritable by now, stays. */
export function writeTimespecLeft(t: TaskPtr, fr: FramePtr, at: number): void {
  const deadlineNs = Frame.deadlineNs.get(fr);
  if (deadlineNs === Number.POSITIVE_INFINITY || userRangeOk(t, at, timespecLayout.size) === 0) return;
  writeTimespec(at, Math.max(0, deadlineNs - clockNow()));
}

/** The same for a timeval. */
export function writeTimevalLeft(t: TaskPtr, fr: FramePtr, at: number): void {
  const deadlineNs = Frame.deadlineNs.get(fr);
  if (deadlineNs === Number.POSITIVE_INFINITY || userRangeOk(t, at, timevalLayout.size) === 0) return;
  const leftUs = Math.floor(Math.max(0, deadlineNs - clockNow()) / 1000);
  const seconds = Math.floor(leftUs / 1e6);
  writeUser64(at + timevalLayout.seconds, seconds);
  writeUser64(at + timevalLayout.microseconds, leftUs - seconds * 1e6);
}
