/**
 * WASIX's design, lower half: each file has a queue of its own, in which its blocked readers and writers, its pollers and
 * the handlers of subscriptions stand. A change is told to every handler; of those who are blocked, one exclusive waiter
 * is woken. Deadlines push their wakeups, and ticks wake nobody.
 *
 * A source calls its handlers when something happened to it, and only then: a call that failed says nothing.
 */
import { cpu } from '../../../shared-mem/self.ts';
import { EPOLLIN } from '../../abi/flags-event.ts';
import { Cpu } from '../../cpu/cpu.ts';
import type { FilePtr } from '../../file/file.ts';
import { File, KIND_SIGNALFD } from '../../file/file.ts';
import type { ProcessPtr } from '../../process/process.ts';
import { Process } from '../../process/process.ts';
import { REASON_SIGNAL, REASON_SOURCE, Task } from '../../task/task.ts';
import { WAKE_ALL, wakeQueue } from '../../wait/wait-queue.ts';
import type { WaitQueuePtr } from '../../wait/wait-queue-struct.ts';
import { detachCallbacks } from '../callback-stand.ts';
import type { SourceOps } from '../source-ops.ts';

/** A change without a key (a close, a hangup) reaches everyone; one with a key a single exclusive waiter. */
function wasixChanged(f: FilePtr, keys: number): number {
  return wakeQueue(wasixQueueFor(f), keys, keys === 0 ? WAKE_ALL : 1, REASON_SOURCE, f);
}
function wasixChangedForOne(f: FilePtr, keys: number): number {
  return wakeQueue(File.queue.at(f), keys, 1, REASON_SOURCE, f);
}
function wasixSilent(_f: FilePtr, _keys: number): number {
  return 0;
}

/** A signalfd has no state of its own: who waits for one stands in the queue of its process's signals. */
function wasixQueueFor(f: FilePtr): WaitQueuePtr {
  if (File.kind.get(f) !== KIND_SIGNALFD) return File.queue.at(f);
  return Process.signalQueue.at(Task.process.get(Cpu.current.get(cpu)));
}

function wasixSignalPending(process: number, _task: number): number {
  return wakeQueue(Process.signalQueue.at(process as ProcessPtr), EPOLLIN, 1, REASON_SIGNAL, 0);
}

/** Handlers in instances of other processes stand in its queue of signals: they go, and nobody is told. */
function wasixProcessGone(process: number): number {
  detachCallbacks(Process.signalQueue.at(process as ProcessPtr));
  return 0;
}

function wasixTick(): number {
  return 0;
}

export const wasixSource: SourceOps = {
  changed: wasixChanged,
  changedForOne: wasixChangedForOne,
  moved: wasixSilent,
  refused: wasixSilent,
  queueFor: wasixQueueFor,
  signalPending: wasixSignalPending,
  processGone: wasixProcessGone,
  tick: wasixTick,
  timersPush: 1,
};
