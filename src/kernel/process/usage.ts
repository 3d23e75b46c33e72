/**
 * What getrusage and wait4 tell: how often the CPU was switched to others, voluntarily (the task slept) or not (its slice
 * was over, or it yielded, and another was there). Nobody accounts for time on a CPU, nor for memory: all else is 0.
 *
 * Counted where the trap loop switches (cpu-worker/trap-loop.ts). A thread that ends leaves its counts to the process, a
 * process to whoever waits for it; who is never waited for is never counted, as on Linux.
 *
 * Linux: kernel/sys.c getrusage, kernel/exit.c wait_task_zombie.
 */
import { List, ListNode } from '../../shared-mem/list.ts';
import { rusageLayout } from '../abi/layout.ts';
import { lock, unlock } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';
import type { ProcessPtr } from './process.ts';
import { Process } from './process.ts';
import { writeUser64, zeroBytes } from './user-memory.ts';

/** Places of the two counts. */
const VOLUNTARY = 0;
const INVOLUNTARY = 1;

function switchesOfThread(t: TaskPtr, which: number): number {
  return (which === VOLUNTARY ? Task.voluntarySwitches.peek(t) : Task.involuntarySwitches.peek(t)) >>> 0;
}

/** Of all its threads, living or not. */
function switchesOfProcess(p: ProcessPtr, which: number): number {
  lock(Process.lock.at(p));
  let count = Process.endedSwitches.getAt(p, which);
  for (let node = List.first.get(Process.threads.at(p)); node !== 0; node = ListNode.next.get(node)) {
    count += switchesOfThread(Task.threadNode.outer(node), which);
  }
  unlock(Process.lock.at(p));
  return count;
}

/** A thread ends; its process's lock is held. */
export function leaveUsageLocked(t: TaskPtr, p: ProcessPtr): void {
  for (let which = VOLUNTARY; which <= INVOLUNTARY; which++) {
    Process.endedSwitches.setAt(p, which, Process.endedSwitches.getAt(p, which) + switchesOfThread(t, which));
  }
}

/** `parent` has waited for `child`; the lock of the tree is held. */
export function inheritUsageLocked(parent: ProcessPtr, child: ProcessPtr): void {
  for (let which = VOLUNTARY; which <= INVOLUNTARY; which++) {
    const all = switchesOfProcess(child, which) + Process.childSwitches.getAt(child, which);
    Process.childSwitches.setAt(parent, which, Process.childSwitches.getAt(parent, which) + all);
  }
}

/** Writes a struct rusage, whose range was checked. */
function writeUsage(at: number, voluntary: number, involuntary: number): void {
  zeroBytes(at, rusageLayout.size);
  writeUser64(at + rusageLayout.voluntarySwitches, voluntary);
  writeUser64(at + rusageLayout.involuntarySwitches, involuntary);
}

export function writeUsageOfThread(t: TaskPtr, at: number): void {
  writeUsage(at, switchesOfThread(t, VOLUNTARY), switchesOfThread(t, INVOLUNTARY));
}

export function writeUsageOfProcess(p: ProcessPtr, at: number): void {
  writeUsage(at, switchesOfProcess(p, VOLUNTARY), switchesOfProcess(p, INVOLUNTARY));
}

export function writeUsageOfChildren(p: ProcessPtr, at: number): void {
  lock(Machine.treeLock.at(MACHINE));
  const voluntary = Process.childSwitches.getAt(p, VOLUNTARY);
  const involuntary = Process.childSwitches.getAt(p, INVOLUNTARY);
  unlock(Machine.treeLock.at(MACHINE));
  writeUsage(at, voluntary, involuntary);
}

/** Of a child that has told something to who waited: its own, and its children's. */
export function writeUsageOfBoth(p: ProcessPtr, at: number): void {
  lock(Machine.treeLock.at(MACHINE));
  const voluntary = switchesOfProcess(p, VOLUNTARY) + Process.childSwitches.getAt(p, VOLUNTARY);
  const involuntary = switchesOfProcess(p, INVOLUNTARY) + Process.childSwitches.getAt(p, INVOLUNTARY);
  unlock(Machine.treeLock.at(MACHINE));
  writeUsage(at, voluntary, involuntary);
}
