/**
 * The ways out. A thread ends at a trap boundary of its own CPU, never from outside: to end a process is to mark every
 * thread of it and wake them all. The last thread takes the process with it: descriptors, memory, record.
 */
import { listRemove, List, ListNode } from '../../shared-mem/list.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { freeRecord, isAlive } from '../../shared-mem/slab.ts';
import { cpu } from '../../shared-mem/self.ts';
import { Cpu } from '../cpu/cpu.ts';
import { releaseFile } from '../file/ops-table.ts';
import { lock, unlock } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { endSignals, leaveSignals } from '../signal/end.ts';
import { tellParent } from '../signal/stop-report.ts';
import { futexWake } from '../syscall/futex-queues.ts';
import type { TaskPtr } from '../task/task.ts';
import { ATTENTION_KILLED, Frame, REASON_CHILD, REASON_KILL, Task, TASK_DEAD } from '../task/task.ts';
import { disarmTimer } from '../time/timers.ts';
import { WAKE_ALL, wakeQueue } from '../wait/wait-queue.ts';
import type { AddressSpacePtr } from './address-space.ts';
import { dropAddressSpace } from './address-space.ts';
import { leaveTree } from './children.ts';
import type { FdTablePtr } from './fd-table.ts';
import { FdTable, nextOpenFd, removeFd } from './fd-table.ts';
import type { ProcessPtr } from './process.ts';
import { MEMORY_KEY, Process, PROCESS_EXITING, PROCESS_LIVE, THREAD_KEY } from './process.ts';
import { retireTask } from './limbo.ts';
import { wakeThreads } from './threads.ts';
import { leaveUsageLocked } from './usage.ts';
import { userRangeOk, writeUser32 } from './user-memory.ts';

/**
 * Begins the end of a process: every thread ends at its next boundary. The first status wins.
 * @param status as wait4 gives it: code << 8, or a signal's number
 */
export function exitProcess(p: ProcessPtr, status: number): void {
  if (Process.state.compareExchange(p, PROCESS_LIVE, PROCESS_EXITING) !== PROCESS_LIVE) return;
  Process.exitStatus.store(p, status);
  lock(Process.lock.at(p));
  let node = List.first.get(Process.threads.at(p));
  while (node !== 0) {
    Task.attention.or(Task.threadNode.outer(node), ATTENTION_KILLED);
    node = ListNode.next.get(node);
  }
  unlock(Process.lock.at(p));
  wakeThreads(p, NULL, REASON_KILL);
}

/**
 * Marks every thread of the calling task's process but itself, and wakes them, so that it will be alone.
 * @returns how many there still are
 */
export function killOtherThreads(t: TaskPtr): number {
  const p = Task.process.get(t) as ProcessPtr;
  lock(Process.lock.at(p));
  const others = Process.liveThreads.get(p) - 1;
  for (let node = List.first.get(Process.threads.at(p)); node !== 0; node = ListNode.next.get(node)) {
    const other = Task.threadNode.outer(node);
    if (other !== t) Task.attention.or(other, ATTENTION_KILLED);
  }
  unlock(Process.lock.at(p));
  wakeThreads(p, t, REASON_KILL);
  return others;
}

/** Ends a task that runs on this CPU, between two traps. Its generator is dropped by the trap loop. */
export function exitThread(t: TaskPtr): void {
  const p = Task.process.get(t);
  Cpu.ending.set(cpu, 1);
  disarmTimer(Task.timer.at(t));
  leaveSignals(t);
  clearTidWord(t);
  dropFdTable(replaceFdTable(t, NULL));
  lock(Process.lock.at(p));
  listRemove(Process.threads.at(p), Task.threadNode.at(t));
  leaveUsageLocked(t, p);
  const left = Process.liveThreads.get(p) - 1;
  Process.liveThreads.set(p, left);
  endSignals(t, p, left === 0);
  // For `smplab_settle` and joiners an end is progress like a completed call.
  Process.completedCalls.add(p, 1);
  Task.state.store(t, TASK_DEAD);
  unlock(Process.lock.at(p));
  if (left !== 0) tellParent(p);
  freeFrames(t);
  // The first thread's number is the process's: its record stays for as long as the process can be found by it.
  const isMain = Task.tid.get(t) === Process.pid.get(p);
  Cpu.residents.sub(cpu, 1);
  Machine.liveTasks.sub(MACHINE, 1);
  if (left === 0) {
    returnMemory(p);
    leaveTree(p);
  } else {
    // An execve may be waiting to be alone.
    wakeQueue(Process.childQueue.at(p), THREAD_KEY, WAKE_ALL, REASON_CHILD, 0);
  }
  if (!isMain) retireTask(t);
  Cpu.ending.set(cpu, 0);
}

/** Tells who joins the thread by its word (CLONE_CHILD_CLEARTID). */
export function clearTidWord(t: TaskPtr): void {
  const clear = Task.clearTid.get(t);
  if (clear === 0 || userRangeOk(t, clear, 4) === 0) return;
  Task.clearTid.set(t, 0);
  writeUser32(clear, 0);
  futexWake(clear, 1);
}

/** Drops the frames of handlers that will never return. */
export function freeFrames(t: TaskPtr): void {
  for (;;) {
    const fr = Task.frame.get(t);
    if (fr === Task.firstFrame.at(t)) return;
    Task.frame.set(t, Frame.below.get(fr));
    freeRecord(Machine.frames.at(MACHINE), fr);
  }
}

/** The process needs its address space no more (an end, or execve); a parent that lent it (vfork) goes on. */
export function returnMemory(p: ProcessPtr): void {
  dropAddressSpace(Process.addressSpace.get(p) as AddressSpacePtr);
  Process.memoryReturned.store(p, 1);
  const lender = Process.lender.get(p);
  // Killed while it waited, it may be gone; found alive now, its record stays until this trap is over.
  if (lender === 0 || !isAlive(lender, Process.lenderGeneration.get(p))) return;
  Process.lender.set(p, NULL);
  wakeQueue(Process.childQueue.at(lender), MEMORY_KEY, WAKE_ALL, REASON_CHILD, 0);
}

/**
 * The task uses another table from now on, or none. Who takes a reference to it from another task does so under the
 * process's lock.
 * @returns the old one, whose reference is the caller's now
 */
export function replaceFdTable(t: TaskPtr, table: FdTablePtr): FdTablePtr {
  const p = Task.process.get(t);
  lock(Process.lock.at(p));
  const old = Task.fdTable.get(t) as FdTablePtr;
  Task.fdTable.set(t, table);
  unlock(Process.lock.at(p));
  return old;
}

/** Drops a reference to a table; with the last one its descriptors are closed: the slots outlive the record. */
export function dropFdTable(table: FdTablePtr): void {
  if (FdTable.refs.sub(table, 1) !== 1) return;
  for (let fd = nextOpenFd(table, 0); fd >= 0; fd = nextOpenFd(table, fd + 1)) {
    const f = removeFd(table, fd);
    if (f !== 0) releaseFile(f);
  }
  freeRecord(Machine.fdTables.at(MACHINE), table);
}
