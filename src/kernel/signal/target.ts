/**
 * Which thread a signal is for. The threads of a process stand still for as long as its lock is held, and their masks for
 * as long as its signal lock is; both are, here.
 */
import { List, ListNode } from '../../shared-mem/list.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import type { ProcessPtr } from '../process/process.ts';
import { Process } from '../process/process.ts';
import type { TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';
import { inMask } from './mask.ts';

export function blocks(t: TaskPtr, signal: number): boolean {
  return inMask(Task.blockedLow.peek(t), Task.blockedHigh.peek(t), signal);
}

/** Who is told of a signal for the process: the main thread unless it blocks it, else the lowest tid that does not. */
export function targetLocked(p: ProcessPtr, signal: number): TaskPtr {
  const main = Process.mainThread.get(p);
  let target: TaskPtr = NULL;
  for (let node = List.first.get(Process.threads.at(p)); node !== 0; node = ListNode.next.get(node)) {
    const t = Task.threadNode.outer(node);
    if (blocks(t, signal)) continue;
    if (t === main) return t;
    if (target === 0 || Task.tid.get(t) < Task.tid.get(target)) target = t;
  }
  return target;
}

/** The thread whose mask speaks for the process: the main one, or while that is gone the oldest. */
export function firstThreadLocked(p: ProcessPtr): TaskPtr {
  const main = Process.mainThread.get(p);
  let first: TaskPtr = NULL;
  for (let node = List.first.get(Process.threads.at(p)); node !== 0; node = ListNode.next.get(node)) {
    const t = Task.threadNode.outer(node);
    if (t === main) return t;
    if (first === 0) first = t;
  }
  return first;
}
