/**
 * What a design of epoll answers about sources: where blocked readers, writers and pollers stand, whom a change wakes,
 * whether timers push their wakeups. Files call these and know no design.
 *
 * This is the lower half of a design; the upper half (epoll/design-ops.ts: the epoll verbs) polls files and so stands above
 * them.
 */
import { MACHINE, Machine } from '../machine-record.ts';
import type { FilePtr } from '../file/file.ts';
import { kevlarSource } from './kevlar/source.ts';
import { linuxSource } from './linux/source.ts';
import { wasixSource } from './wasix/source.ts';
import type { SourceOps } from './source-ops.ts';
import { veridianSource } from './veridian/source.ts';
import type { WaitQueuePtr } from '../wait/wait-queue-struct.ts';

/** By design number: the order of DESIGN_NAMES. */
export const sourceOps: readonly SourceOps[] = [kevlarSource, linuxSource, wasixSource, veridianSource];

/**
 * A file's state changed so that its readiness may have. Called after the state's lock is released.
 * @param keys the readiness that changed (EPOLL bits), 0 for all (close, hangup)
 */
export function sourceChanged(f: FilePtr, keys: number): void {
  sourceOps[Machine.design.get(MACHINE)]!.changed(f, keys);
}

/** As `sourceChanged`, where Linux wakes one exclusive waiter only (blocked readers of a pipe, accept). */
export function sourceChangedForOne(f: FilePtr, keys: number): void {
  sourceOps[Machine.design.get(MACHINE)]!.changedForOne(f, keys);
}

/**
 * A file's state moved where Linux wakes nobody: a write to a pipe that had data and was never polled, a read that did
 * not start from full. Designs that wake on everything do so here too.
 */
export function sourceMoved(f: FilePtr, keys: number): void {
  sourceOps[Machine.design.get(MACHINE)]!.moved(f, keys);
}

/**
 * A call failed and changed nothing, where Linux tells the watchers all the same: a write to a full pipe that was ever
 * polled. Only a design that is exact about edges does anything here.
 */
export function sourceRefused(f: FilePtr, keys: number): void {
  sourceOps[Machine.design.get(MACHINE)]!.refused(f, keys);
}

/** The queue in which those stand who wait for `f`, or 0 where the design lets them stay runnable. */
export function queueForFile(f: FilePtr): WaitQueuePtr {
  return sourceOps[Machine.design.get(MACHINE)]!.queueFor(f);
}

/** A signal was made pending for the process (task 0) or one thread. Watchers of signalfds may want to know. */
export function signalBecamePending(process: number, task: number): void {
  sourceOps[Machine.design.get(MACHINE)]!.signalPending(process, task);
}

/** Nobody can refer to a process any more: whoever stands in its queue of signals otherwise than by a task lets go of it. */
export function processGone(process: number): void {
  sourceOps[Machine.design.get(MACHINE)]!.processGone(process);
}

/** The tick of this CPU. */
export function designTick(): void {
  sourceOps[Machine.design.get(MACHINE)]!.tick();
}

/** 1: a deadline wakes its sleeper when it is due. 0: sleepers look at the clock whenever something wakes them. */
export function timersPush(): number {
  return sourceOps[Machine.design.get(MACHINE)]!.timersPush;
}
