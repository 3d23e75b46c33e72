/**
 * Linux's design, lower half: each file has a queue of its own, in which its blocked readers and writers, its pollers and
 * the callbacks of epoll items stand; a change wakes by its key, one exclusive waiter at most. Deadlines push their wakeups,
 * and ticks wake nobody.
 *
 * A signalfd has no state, so it has no queue: who waits for one stands in the queue of its own process's signals, and
 * so does the item of an epoll, in that of the process which added it (J8).
 *
 * Linux: kernel/sched/wait.c, __wake_up_common; fs/signalfd.c, signalfd_poll.
 */
import { cpu } from '../../../shared-mem/self.ts';
import { EPOLLHUP, EPOLLIN } from '../../abi/flags-event.ts';
import { Cpu } from '../../cpu/cpu.ts';
import type { FilePtr } from '../../file/file.ts';
import { File, KIND_SIGNALFD } from '../../file/file.ts';
import type { ProcessPtr } from '../../process/process.ts';
import { Process } from '../../process/process.ts';
import { REASON_SIGNAL, REASON_SOURCE, Task } from '../../task/task.ts';
import { WAKE_ALL, wakeQueue } from '../../wait/wait-queue.ts';
import type { WaitQueuePtr } from '../../wait/wait-queue-struct.ts';
import { WaitQueue } from '../../wait/wait-queue-struct.ts';
import { detachCallbacks } from '../callback-stand.ts';
import type { SourceOps } from '../source-ops.ts';

/** A change without a key (a close, a hangup) reaches everyone; one with a key a single exclusive waiter. */
function linuxChanged(f: FilePtr, keys: number): number {
  return wakeQueue(linuxQueueFor(f), keys, keys === 0 ? WAKE_ALL : 1, REASON_SOURCE, f);
}
function linuxChangedForOne(f: FilePtr, keys: number): number {
  return wakeQueue(File.queue.at(f), keys, 1, REASON_SOURCE, f);
}
/** Where Linux wakes nobody. */
function linuxMoved(_f: FilePtr, _keys: number): number {
  return 0;
}

function linuxQueueFor(f: FilePtr): WaitQueuePtr {
  if (File.kind.get(f) !== KIND_SIGNALFD) return File.queue.at(f);
  return Process.signalQueue.at(Task.process.get(Cpu.current.get(cpu)));
}

function linuxSignalPending(process: number, _task: number): number {
  return wakeQueue(Process.signalQueue.at(process as ProcessPtr), EPOLLIN, 1, REASON_SIGNAL, 0);
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

function linuxTick(): number {
  return 0;
}

export const linuxSource: SourceOps = {
  changed: linuxChanged,
  changedForOne: linuxChangedForOne,
  moved: linuxMoved,
  refused: linuxChangedForOne,
  queueFor: linuxQueueFor,
  signalPending: linuxSignalPending,
  processGone: linuxProcessGone,
  tick: linuxTick,
  timersPush: 1,
};
