/**
 * Waking one task. Any CPU may, at any time, by handle: (task, generation). Among all who try, exactly one wins the
 * compareExchange SLEEPING -> RUNNABLE, and that one lists the task. A task that has enqueued itself somewhere but has
 * not slept yet is RUNNING; a wake turns it to WOKEN, and its commit to sleep fails.
 */
import { CHECKS, PROFILE } from '../../shared-mem/boot-constants.ts';
import { ringWrite } from '../../shared-mem/event-ring.ts';
import { holds } from '../../shared-mem/guard.ts';
import { CLASS_WAITQUEUE } from '../../shared-mem/locks/classes.ts';
import { assert } from '../../shared-mem/panic.ts';
import { cpu } from '../../shared-mem/self.ts';
import { generationOf, isAlive } from '../../shared-mem/slab.ts';
import { Cpu, WAKE_BATCH } from '../cpu/cpu.ts';
import { hostNow } from '../time/clock.ts';
import { enqueueRunnable } from './run-queue.ts';
import type { TaskPtr } from './task.ts';
import { Task, TASK_RUNNABLE, TASK_RUNNING, TASK_SLEEPING, TASK_WOKEN } from './task.ts';

export const EVENT_WAKE = 1;
export const EVENT_SLEEP = 2;
export const EVENT_CALL = 3;

/**
 * @param reason REASON_*
 * @param source the file whose change is the cause, or 0
 * @param keys which readiness changed (EPOLL bits), 0 for any
 * @returns 1 if the task was asleep and this call woke it
 */
export function wakeTask(t: TaskPtr, generation: number, reason: number, source: number, keys: number): number {
  if (CHECKS) assert(mayResume(), 'a task is resumed while a wait queue is locked');
  if (!isAlive(t, generation)) return 0;
  for (;;) {
    const state = Task.state.load(t);
    if (state === TASK_SLEEPING) {
      if (Task.state.compareExchange(t, TASK_SLEEPING, TASK_RUNNABLE) !== TASK_SLEEPING) continue;
      Task.wokenBy.set(t, reason);
      Task.wokenSource.set(t, source);
      Task.wokenGeneration.set(t, source === 0 ? 0 : generationOf(source));
      Task.wokenKeys.set(t, keys);
      if (PROFILE) Task.wokenAtNs.set(t, hostNow());
      if (CHECKS) ringWrite(Cpu.events.at(cpu), EVENT_WAKE, Task.tid.get(t), reason, source);
      enqueueRunnable(t);
      return 1;
    }
    if (state === TASK_RUNNING) {
      if (Task.state.compareExchange(t, TASK_RUNNING, TASK_WOKEN) !== TASK_RUNNING) continue;
      if (PROFILE) Cpu.queued.set(cpu, Cpu.queued.get(cpu) + 1);
      return 0;
    }
    if (PROFILE && (state === TASK_RUNNABLE || state === TASK_WOKEN)) Cpu.queued.set(cpu, Cpu.queued.get(cpu) + 1);
    return 0;
  }
}

/**
 * Who wakes a queue takes its tasks off it, lets go of it, and only then resumes them: a queue that is locked over many
 * resumes keeps everybody waiting. What is too many for a batch is resumed at once (wait/wait-queue.ts).
 */
function mayResume(): boolean {
  return !holds(0, CLASS_WAITQUEUE) || Cpu.batched.get(cpu) >= WAKE_BATCH;
}
