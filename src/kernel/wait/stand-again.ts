/**
 * Poll and select look up their descriptors in every pass, but stand where they stood in the first one until they return,
 * whatever becomes of the descriptors meanwhile: a number that names another file by then is looked at, and does not wake.
 * Callers: the `enqueue` of poll and select, and `resumeCall` (sleep.ts).
 *
 * Promise: as after `standInQueue`, a wake reaches the task from here on, and the caller looks at its sources once more.
 *
 * Linux: fs/select.c, do_poll (pt->_qproc is NULL after the first pass).
 */
import { inList, listAppend, listPrepend } from '../../shared-mem/list.ts';
import type { FilePtr } from '../file/file.ts';
import { File } from '../file/file.ts';
import { lockIrqOff, unlockIrqOn } from '../irq/locking.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, Task } from '../task/task.ts';
import { WaitEntry, WaitQueue } from './wait-queue-struct.ts';

/** In `Frame.waited`: the call's stands are for as long as it lasts. */
const STANDS_TO_THE_END = 2;

/** A wake took it off some of its queues: it stands there again. @returns 0 if it stands nowhere yet */
export function standAgain(t: TaskPtr, fr: FramePtr): number {
  Frame.waited.set(fr, STANDS_TO_THE_END);
  let entry = Task.waits.get(t);
  if (entry === 0) return 0;
  while (entry !== 0) {
    const q = WaitEntry.queue.peek(entry);
    lockIrqOff(WaitQueue.lock.at(q));
    if (!inList(WaitEntry.node.at(entry))) {
      const held = WaitEntry.held.get(entry) as FilePtr;
      // As `standHolding` places it.
      if (held !== 0 && q === File.queue.at(held)) listPrepend(WaitQueue.list.at(q), WaitEntry.node.at(entry));
      else listAppend(WaitQueue.list.at(q), WaitEntry.node.at(entry));
      WaitQueue.waiterCount.add(q, 1);
    }
    unlockIrqOn(WaitQueue.lock.at(q));
    entry = WaitEntry.nextOfTask.get(entry);
  }
  return 1;
}

/** Woken in vain, does it leave its queues before it enqueues once more? */
export function leavesBetween(fr: FramePtr): boolean {
  return Frame.waited.get(fr) !== STANDS_TO_THE_END;
}
