/**
 * Kevlar, lower half: one global wait queue, POLL_WAIT_QUEUE. Whoever waits for anything stands in it, and whatever
 * changes wakes all of them; each looks for itself whether it was meant. Every tick of every CPU wakes them too, which
 * is how timeouts and timerfds are noticed: nothing pushes them. Delivery of a signal ends in a wake of all as well,
 * which is how signalfd needs no code of its own.
 *
 * Source: levkropp/kevlar, kernel/poll.rs and kernel/process/wait_queue.rs.
 */
import type { FilePtr } from '../../file/file.ts';
import { Changes, File } from '../../file/file.ts';
import { MACHINE, Machine } from '../../machine-record.ts';
import { REASON_SIGNAL, REASON_SOURCE, REASON_TICK } from '../../task/task.ts';
import { wakeEverybody } from '../../wait/wait-queue.ts';
import type { WaitQueuePtr } from '../../wait/wait-queue-struct.ts';
import type { SourceOps } from '../source-ops.ts';
import { changeUntold, processGoneUntold } from '../source-parts.ts';

/**
 * Wakes everybody, whatever changed. The generation grows only while an edge-triggered interest watches; otherwise a
 * poll cache takes it as "do not trust me" (bug 14 of its history: a cache that trusted a frozen generation froze level
 * triggering). A plain look at the watchers will do: it comes after the atomic release of the source's own lock, so it
 * cannot be older than the change, and a watcher that came later polls what was changed.
 */
function kevlarChanged(f: FilePtr, keys: number): number {
  const changes = File.changes.get(f);
  // A count of 0 is for good: sources that change without being told of it (time, nested readiness) keep none.
  if (Changes.watchers.peek(changes) !== 0 && Changes.count.peek(changes) !== 0) {
    // Nor may it come round to 0 after 2^32 changes.
    if (Changes.count.add(changes, 1) === -1) Changes.count.add(changes, 1);
  }
  return wakeEverybody(Machine.globalQueue.at(MACHINE), REASON_SOURCE, f, keys);
}

function kevlarQueueFor(_f: FilePtr): WaitQueuePtr {
  return Machine.globalQueue.at(MACHINE);
}

function kevlarSignalPending(_process: number, _task: number): number {
  return wakeEverybody(Machine.globalQueue.at(MACHINE), REASON_SIGNAL, 0, 0);
}

function kevlarTick(): number {
  return wakeEverybody(Machine.globalQueue.at(MACHINE), REASON_TICK, 0, 0);
}

export const kevlarSource: SourceOps = {
  changed: kevlarChanged,
  changedForOne: kevlarChanged,
  moved: kevlarChanged,
  refused: changeUntold,
  queueFor: kevlarQueueFor,
  signalPending: kevlarSignalPending,
  processGone: processGoneUntold,
  tick: kevlarTick,
  timersPush: 0,
};
