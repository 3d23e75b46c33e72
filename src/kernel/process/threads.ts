/**
 * The threads of a process, as others reach them: by position, or all of them. A thread that was found stays readable
 * until the trap is over, even if it ends meanwhile (limbo.ts).
 */
import { List, ListNode } from '../../shared-mem/list.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { generationOf } from '../../shared-mem/slab.ts';
import { lock, unlock } from '../irq/locking.ts';
import type { TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';
import { wakeTask } from '../task/wake.ts';
import type { ProcessPtr } from './process.ts';
import { Process } from './process.ts';

/** The thread at a position of the list, or 0. */
export function threadAt(p: ProcessPtr, index: number): TaskPtr {
  lock(Process.lock.at(p));
  let node = List.first.get(Process.threads.at(p));
  for (let i = 0; i < index && node !== 0; i++) node = ListNode.next.get(node);
  unlock(Process.lock.at(p));
  return node === 0 ? NULL : Task.threadNode.outer(node);
}

/**
 * Wakes every thread but `except` (0: none is excepted), in one pass under the process's lock: the run queues' locks,
 * which a wake takes, rank below it. Who is woken and ends waits for this lock, so the list does not change meanwhile.
 */
export function wakeThreads(p: ProcessPtr, except: TaskPtr, reason: number): void {
  lock(Process.lock.at(p));
  for (let node = List.first.get(Process.threads.at(p)); node !== 0; node = ListNode.next.get(node)) {
    const t = Task.threadNode.outer(node);
    if (t !== except) wakeTask(t, generationOf(t), reason, 0, 0);
  }
  unlock(Process.lock.at(p));
}
