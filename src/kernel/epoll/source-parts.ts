/**
 * Parts of which designs make their lower halves: those of designs in which each file has a queue of its own (Linux,
 * WASIX), and the answers of a design that does not do a thing.
 *
 * A signalfd has no state of its own, so it has no queue: who waits for one stands in the queue of its own process's
 * signals, and so does what an epoll keeps there, in that of the process which added it (J8).
 *
 * Linux: kernel/sched/wait.c, __wake_up_common; fs/signalfd.c, signalfd_poll.
 */
import { cpu } from '../../shared-mem/self.ts';
import { EPOLLIN } from '../abi/flags-event.ts';
import { Cpu } from '../cpu/cpu.ts';
import type { FilePtr } from '../file/file.ts';
import { File, KIND_SIGNALFD } from '../file/file.ts';
import type { ProcessPtr } from '../process/process.ts';
import { Process } from '../process/process.ts';
import { REASON_SIGNAL, REASON_SOURCE, Task } from '../task/task.ts';
import { WAKE_ALL, wakeQueue } from '../wait/wait-queue.ts';
import type { WaitQueuePtr } from '../wait/wait-queue-struct.ts';

export function ownQueueFor(f: FilePtr): WaitQueuePtr {
  if (File.kind.get(f) !== KIND_SIGNALFD) return File.queue.at(f);
  return Process.signalQueue.at(Task.process.get(Cpu.current.get(cpu)));
}

/** A change without a key (a close, a hangup) reaches everyone; one with a key a single exclusive waiter. */
export function ownQueueChanged(f: FilePtr, keys: number): number {
  return wakeQueue(ownQueueFor(f), keys, keys === 0 ? WAKE_ALL : 1, REASON_SOURCE, f);
}

export function ownQueueChangedForOne(f: FilePtr, keys: number): number {
  return wakeQueue(File.queue.at(f), keys, 1, REASON_SOURCE, f);
}

export function signalQueueWoken(process: number, _task: number): number {
  return wakeQueue(Process.signalQueue.at(process as ProcessPtr), EPOLLIN, 1, REASON_SIGNAL, 0);
}

/** Nobody is told. */
export function changeUntold(_f: FilePtr, _keys: number): number {
  return 0;
}

export function signalUntold(_process: number, _task: number): number {
  return 0;
}

/** Nothing of a design stands in what a process takes with it. */
export function processGoneUntold(_process: number): number {
  return 0;
}

export function tickUntold(): number {
  return 0;
}
