/**
 * Thread numbers. A tid is made of the task's place in its slab and of how often that place was used before, so a
 * number is not given again until its place was reused, and looking one up takes neither a table nor a lock.
 */
import type { Ptr } from '../../shared-mem/pointer.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { generationOf, recordAt, recordIndex, Slab } from '../../shared-mem/slab.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { TaskPtr } from './task.ts';
import { Task, TASK_DEAD, TASK_FREE } from './task.ts';

/** Numbers stay below this, as Linux's pid_max does. */
const TID_LIMIT = 0x3fffffff;

/** The number of a task just allocated; the first one of a machine is 1. */
export function newTid(t: TaskPtr): number {
  const slab = Machine.tasks.at(MACHINE);
  const capacity = Slab.capacity.get(slab);
  const lives = (generationOf(t) - 1) >>> 1;
  return ((lives % Math.floor(TID_LIMIT / capacity)) * capacity + recordIndex(slab, t) + 1) | 0;
}

/** @returns the living task of that number, or 0; one that is being made does not live yet */
export function taskByTid(tid: number): TaskPtr {
  const t = recordByTid(tid);
  const state = t === 0 ? TASK_FREE : Task.state.load(t);
  return state === TASK_FREE || state === TASK_DEAD ? NULL : t;
}

/** @returns the process of that task, or whose first thread it was and which has others left; else 0 */
export function processOfTid(tid: number): Ptr<'Process'> {
  const t = recordByTid(tid);
  return t === 0 ? NULL : Task.process.get(t);
}

/** The record stays readable until this trap is over, even if its task ends meanwhile (process/limbo.ts). */
function recordByTid(tid: number): TaskPtr {
  if (tid <= 0) return NULL;
  const slab = Machine.tasks.at(MACHINE);
  const t = recordAt(slab, (tid - 1) % Slab.capacity.get(slab)) as TaskPtr;
  // A place never used so far has generation 0 and, its memory being zero, tid 0.
  return (generationOf(t) & 1) === 1 && Task.tid.get(t) === tid ? t : NULL;
}
