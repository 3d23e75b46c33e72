/**
 * Linux's design, lower half: each file has a queue of its own, in which its blocked readers and writers, its pollers and
 * the callbacks of epoll items stand; a change wakes by its key, one exclusive waiter at most. Deadlines push their wakeups,
 * and ticks wake nobody.
 */
import { EPOLLERR, EPOLLHUP, EPOLLIN } from '../../abi/flags-event.ts';
import type { ProcessPtr } from '../../process/process.ts';
import { Process } from '../../process/process.ts';
import { REASON_SIGNAL } from '../../task/task.ts';
import { WAKE_ALL, wakeQueue } from '../../wait/wait-queue.ts';
import { WaitQueue } from '../../wait/wait-queue-struct.ts';
import { detachCallbacks } from '../callback-stand.ts';
import type { SourceOps } from '../source-ops.ts';
import { changeUntold, ownQueueChanged, ownQueueChangedForOne, ownQueueFor, tickUntold } from '../source-parts.ts';

/** Linux tells every item without a key (signalfd_notify); each has these two bits, and who reads has the third. */
function linuxSignalPending(process: number, _task: number): number {
  const keys = EPOLLIN | EPOLLERR | EPOLLHUP;
  return wakeQueue(Process.signalQueue.at(process as ProcessPtr), keys, 1, REASON_SIGNAL, 0);
}

/**
 * Items in other processes' instances still stand in the queue (J8): they are told of it once, and then stand nowhere, so
 * that they report nothing more (D15). Linux: signalfd_cleanup, POLLFREE.
 */
function linuxProcessGone(process: number): number {
  const q = Process.signalQueue.at(process as ProcessPtr);
  if (WaitQueue.waiterCount.load(q) === 0) return 0;
  wakeQueue(q, EPOLLHUP, WAKE_ALL, REASON_SIGNAL, 0);
  detachCallbacks(q);
  return 0;
}

export const linuxSource: SourceOps = {
  changed: ownQueueChanged,
  changedForOne: ownQueueChangedForOne,
  moved: changeUntold,
  refused: ownQueueChangedForOne,
  queueFor: ownQueueFor,
  signalPending: linuxSignalPending,
  processGone: linuxProcessGone,
  tick: tickUntold,
  timersPush: 1,
};
