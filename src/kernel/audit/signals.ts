/**
 * Signals: every record of a pending one stands in the set of a thread or a process, under a bit that is set; a stop waits
 * for as many threads as have not stopped.
 */
import { highBit, lowBit } from '../signal/mask.ts';
import { PendingSet, QueuedSignal } from '../signal/pending-struct.ts';
import { Process } from '../process/process.ts';
import { ATTENTION_STOP, Task } from '../task/task.ts';
import type { MemoryView } from './view.ts';
import { complain, livesIn, livingOf, see, tally, walkList } from './view.ts';

/** @param tasks those that have not ended */
export function auditSignals(v: MemoryView, tasks: readonly number[]): void {
  let queued = 0;
  const stopping = new Map<number, number>();
  for (const t of tasks) {
    const what = `task ${see(v, t, Task.tid)}`;
    queued += auditPending(v, t + Task.pending.off, what);
    const p = see(v, t, Task.process);
    if ((see(v, t, Task.attention) & ATTENTION_STOP) !== 0) tally(stopping, p);
    if (see(v, t, Task.stopped) === 1 && see(v, p, Process.stopSignal) === 0) {
      complain(v, `${what}: is stopped, and its process is not`);
    }
  }
  for (const p of livingOf(v, 'processes')) {
    const what = `process ${see(v, p, Process.pid)}`;
    queued += auditPending(v, p + Process.pending.off, what);
    const left = see(v, p, Process.stopLeft);
    const found = stopping.get(p) ?? 0;
    if (left !== found) complain(v, `${what}: its stop waits for ${left} threads, and ${found} have not stopped`);
  }
  const live = livingOf(v, 'signalInfos').length;
  if (live !== queued) complain(v, `slab signalInfos: ${live} live, and ${queued} signals are queued`);
}

/** @returns how many signals of the set are queued in records of the slab */
function auditPending(v: MemoryView, set: number, what: string): number {
  const nodes = walkList(v, set + PendingSet.queued.off, `${what}: pending signals`);
  let ofSlab = 0;
  for (const node of nodes) {
    const record = node - QueuedSignal.node.off;
    if (record !== set + PendingSet.own.off) ofSlab++;
    if (record !== set + PendingSet.own.off && !livesIn(v, 'signalInfos', record)) {
      complain(v, `${what}: ${record} is pending, which is no living record`);
      continue;
    }
    const signal = see(v, record, QueuedSignal.signal);
    const low = see(v, set, PendingSet.low) & lowBit(signal);
    const high = see(v, set, PendingSet.high) & highBit(signal);
    if ((low | high) === 0) complain(v, `${what}: signal ${signal} is queued, and not pending`);
  }
  return ofSlab;
}
