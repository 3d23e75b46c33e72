/**
 * Birth of processes and threads. A task is pinned to its home CPU from birth on, because its generator cannot move
 * between host threads; the CPU with the fewest tasks is chosen unless the caller names one.
 *
 * A birth has two steps. `prepareThread` makes the task and lists it with its process; `launchThread` makes it runnable,
 * and from then on it may end at any moment. What the newborn must find (its number in user memory, its place in the
 * tree) is done between the two.
 */
import { CLASS_PROCESS, CLASS_SIGNAL } from '../../shared-mem/locks/classes.ts';
import { listAppend } from '../../shared-mem/list.ts';
import type { CpuPtr } from '../../shared-mem/pointer.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { allocRecord, freeRecord } from '../../shared-mem/slab.ts';
import { EAGAIN } from '../abi/errno.ts';
import { SIGCHLD } from '../abi/flags-signal.ts';
import { Cpu, cpuRecord } from '../cpu/cpu.ts';
import { initClassLock, lock, unlock } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { createDevice, DEVICE_NULL } from '../file/device.ts';
import { releaseFile } from '../file/ops-table.ts';
import { O_RDWR } from '../abi/flags-file.ts';
import { joinStop } from '../signal/job-control.ts';
import { inheritAffinity, mayRunOn } from '../task/affinity.ts';
import { enqueueRunnable } from '../task/run-queue.ts';
import type { TaskPtr } from '../task/task.ts';
import { Frame, Task, TASK_RUNNABLE } from '../task/task.ts';
import { newTid } from '../task/tid.ts';
import { clockNow } from '../time/clock.ts';
import { Timer, TIMER_TASK } from '../time/timers.ts';
import { initWaitQueue } from '../wait/wait-queue.ts';
import type { AddressSpacePtr } from './address-space.ts';
import { dropAddressSpace, newAddressSpace, userBaseOf } from './address-space.ts';
import { dropFdTable } from './exit.ts';
import type { FdTablePtr } from './fd-table.ts';
import { FdTable, installFd, newFdTable } from './fd-table.ts';
import type { ProcessPtr } from './process.ts';
import { Process, PROCESS_EXITING, PROCESS_LIVE } from './process.ts';

/** For `home`: let the kernel choose. */
export const ANY_CPU = -1;

/**
 * A process of the host's, with one thread and descriptors 0, 1, 2 on /dev/null.
 * @param image program and arguments, by the number that every CPU knows
 * @param entry index into the program's exported table
 * @returns the pid, or -EAGAIN when processes, tasks, tables or files are exhausted
 */
export function spawnProcess(image: number, entry: number, argument: number, home: number): number {
  const space = newAddressSpace(0);
  if (space === 0) return -EAGAIN;
  const p = newProcess(space, image, SIGCHLD);
  const table = p === 0 ? NULL : newFdTable();
  const opened = table !== 0 && openNull(table) === 1;
  const t = opened ? prepareThread(p, NULL, table, entry, argument, home) : NULL;
  if (t === 0) {
    if (table !== 0) dropFdTable(table);
    if (p !== 0) freeRecord(Machine.processes.at(MACHINE), p);
    dropAddressSpace(space);
    return -EAGAIN;
  }
  const pid = Process.pid.get(p);
  Process.hostBorn.set(p, 1);
  Process.group.store(p, pid);
  Process.session.store(p, pid);
  Process.state.store(p, PROCESS_LIVE);
  launchThread(t);
  return pid;
}

/**
 * A process without threads, which takes over the reference to its address space. It is not there for others (state 0)
 * until its maker says so, for then all of it must be.
 * @returns it, or 0: none is left
 */
export function newProcess(space: AddressSpacePtr, image: number, exitSignal: number): ProcessPtr {
  const p = allocRecord(Machine.processes.at(MACHINE)) as ProcessPtr;
  if (p === 0) return NULL;
  initClassLock(Process.lock.at(p), CLASS_PROCESS, 0);
  initClassLock(Process.signalLock.at(p), CLASS_SIGNAL, 0);
  initWaitQueue(Process.signalQueue.at(p));
  initWaitQueue(Process.childQueue.at(p));
  Process.addressSpace.set(p, space);
  Process.userBase.set(p, userBaseOf(space));
  Process.userBytes.set(p, Machine.userBytes.get(MACHINE));
  Process.image.set(p, image);
  Process.exitSignal.set(p, exitSignal);
  Process.startedAtNs.set(p, clockNow());
  return p;
}

/** @returns 1, or 0 when files are exhausted; what was opened closes with the table */
function openNull(table: FdTablePtr): number {
  lock(FdTable.lock.at(table));
  FdTable.limit.set(table, Machine.nofile.get(MACHINE));
  unlock(FdTable.lock.at(table));
  for (let fd = 0; fd < 3; fd++) {
    const f = createDevice(DEVICE_NULL, O_RDWR);
    if (f === 0) return 0;
    // Fewer than three numbers may be allowed; then there are no more.
    if (installFd(table, f, 0, 0) < 0) releaseFile(f);
  }
  return 1;
}

/**
 * A thread of a process, listed but not yet runnable. It takes over the reference to its descriptor table.
 * @param creator whose signal mask and affinity it inherits, or 0
 * @returns the task, or 0 when none is left or the process is ending; then the reference is still the caller's
 */
export function prepareThread(
  p: ProcessPtr,
  creator: TaskPtr,
  table: FdTablePtr,
  entry: number,
  argument: number,
  home: number,
): TaskPtr {
  const t = allocRecord(Machine.tasks.at(MACHINE)) as TaskPtr;
  if (t === 0) return NULL;
  const tid = newTid(t);
  Task.tid.set(t, tid);
  Task.home.set(t, home === ANY_CPU ? leastLoadedCpu(creator) : cpuRecord(home));
  Task.process.set(t, p);
  Task.fdTable.set(t, table);
  Task.image.set(t, Process.image.get(p));
  Task.entry.set(t, entry);
  Task.entryArgument.set(t, argument);
  if (creator !== 0) {
    inheritAffinity(t, creator);
    Task.blockedLow.store(t, Task.blockedLow.load(creator));
    Task.blockedHigh.store(t, Task.blockedHigh.load(creator));
  }
  Task.frame.set(t, Task.firstFrame.at(t));
  Frame.call.set(Task.firstFrame.at(t), -1);
  Timer.kind.set(Task.timer.at(t), TIMER_TASK);
  lock(Process.lock.at(p));
  if (Process.state.load(p) === PROCESS_EXITING) {
    unlock(Process.lock.at(p));
    freeRecord(Machine.tasks.at(MACHINE), t);
    return NULL;
  }
  if (Process.mainThread.get(p) === 0) {
    Process.mainThread.set(p, t);
    Process.pid.set(p, tid);
  }
  listAppend(Process.threads.at(p), Task.threadNode.at(t));
  Process.liveThreads.set(p, Process.liveThreads.get(p) + 1);
  joinStop(t, p);
  unlock(Process.lock.at(p));
  return t;
}

/** The thread lives: it runs as soon as its CPU comes to it. */
export function launchThread(t: TaskPtr): void {
  Cpu.residents.add(Task.home.get(t) as CpuPtr, 1);
  Machine.liveTasks.add(MACHINE, 1);
  Task.state.store(t, TASK_RUNNABLE);
  enqueueRunnable(t);
}

/** Among those that the creator's mask allows, its own at least. @param creator 0: among all */
function leastLoadedCpu(creator: TaskPtr): CpuPtr {
  let best: CpuPtr = NULL;
  let fewest = 0;
  for (let i = 0; i < Machine.cpus.get(MACHINE); i++) {
    if (creator !== 0 && !mayRunOn(creator, i)) continue;
    const candidate = cpuRecord(i);
    const residents = Cpu.residents.load(candidate);
    if (best === 0 || residents < fewest) {
      best = candidate;
      fewest = residents;
    }
  }
  return best;
}
