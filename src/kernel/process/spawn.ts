/**
 * Birth of processes and threads. A task is pinned to its home CPU from birth on, because its generator cannot move
 * between host threads; the CPU with the fewest tasks is chosen unless the caller names one.
 */
import { CLASS_PROCESS, CLASS_SIGNAL } from '../../shared-mem/locks/classes.ts';
import { initLock } from '../../shared-mem/locks/lock.ts';
import { listAppend } from '../../shared-mem/list.ts';
import type { CpuPtr } from '../../shared-mem/pointer.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { allocRecord, freeRecord, recordIndex } from '../../shared-mem/slab.ts';
import { EAGAIN } from '../abi/errno.ts';
import { Cpu, cpuRecord } from '../cpu/cpu.ts';
import { lock, unlock } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { createDevice, DEVICE_NULL } from '../file/device.ts';
import { releaseFile } from '../file/ops-table.ts';
import { O_RDWR } from '../abi/flags-file.ts';
import { enqueueRunnable } from '../task/run-queue.ts';
import type { TaskPtr } from '../task/task.ts';
import { Frame, Task, TASK_RUNNABLE } from '../task/task.ts';
import { newTid } from '../task/tid.ts';
import { clockNow } from '../time/clock.ts';
import { Timer, TIMER_TASK } from '../time/timers.ts';
import { initWaitQueue } from '../wait/wait-queue.ts';
import { dropFdTable } from './exit.ts';
import type { FdTablePtr } from './fd-table.ts';
import { FdTable, initFdTable, installFd } from './fd-table.ts';
import type { ProcessPtr } from './process.ts';
import { Process, PROCESS_EXITING, PROCESS_LIVE } from './process.ts';
import { writeUser32, zeroBytes } from './user-memory.ts';

/** For `home`: let the kernel choose. */
export const ANY_CPU = -1;

/**
 * A process with one thread and descriptors 0, 1, 2 on /dev/null.
 * @param image program and arguments, by the number that every CPU knows
 * @param entry index into the program's exported table
 * @returns the pid, or -EAGAIN when processes, tasks or tables are exhausted
 */
export function spawnProcess(image: number, entry: number, argument: number, home: number): number {
  const p = allocRecord(Machine.processes.at(MACHINE)) as ProcessPtr;
  if (p === 0) return -EAGAIN;
  const table = allocRecord(Machine.fdTables.at(MACHINE)) as FdTablePtr;
  if (table === 0) {
    freeRecord(Machine.processes.at(MACHINE), p);
    return -EAGAIN;
  }
  initFdTable(table);
  const lockKind = Machine.lockKind.get(MACHINE);
  initLock(Process.lock.at(p), lockKind, CLASS_PROCESS, 0);
  initLock(Process.signalLock.at(p), lockKind, CLASS_SIGNAL, 0);
  initWaitQueue(Process.signalQueue.at(p), lockKind, 0);
  const bytes = Machine.userBytes.get(MACHINE);
  const base = Machine.userBase.get(MACHINE) + recordIndex(Machine.processes.at(MACHINE), p) * bytes;
  Process.fdTable.set(p, table);
  Process.userBase.set(p, base);
  Process.userBytes.set(p, bytes);
  Process.image.set(p, image);
  Process.startedAtNs.set(p, clockNow());
  Process.state.store(p, PROCESS_LIVE);
  zeroBytes(base, bytes);
  openNull(table);
  const t = spawnThread(p, NULL, entry, argument, home, 0, 0, 0);
  if (t === 0) {
    dropFdTable(table);
    freeRecord(Machine.processes.at(MACHINE), p);
    return -EAGAIN;
  }
  return Process.pid.get(p);
}

function openNull(table: FdTablePtr): void {
  lock(FdTable.lock.at(table));
  FdTable.limit.set(table, Machine.nofile.get(MACHINE));
  unlock(FdTable.lock.at(table));
  for (let fd = 0; fd < 3; fd++) {
    const f = createDevice(DEVICE_NULL, O_RDWR);
    if (f !== 0 && installFd(table, f, 0, 0) < 0) releaseFile(f);
  }
}

/**
 * A thread of a process, runnable at once.
 * @param parent whose signal mask it inherits, or 0
 * @param clearTid user address that its exit clears, or 0
 * @param firstTidAt, secondTidAt user addresses that get its number before it can run, or 0
 * @returns the task, or 0 when none is left or the process is ending
 */
export function spawnThread(
  p: ProcessPtr,
  parent: TaskPtr,
  entry: number,
  argument: number,
  home: number,
  clearTid: number,
  firstTidAt: number,
  secondTidAt: number,
): TaskPtr {
  const t = allocRecord(Machine.tasks.at(MACHINE)) as TaskPtr;
  if (t === 0) return NULL;
  const tid = newTid(t);
  const cpuOfTask = home === ANY_CPU ? leastLoadedCpu() : cpuRecord(home);
  Task.tid.set(t, tid);
  Task.home.set(t, cpuOfTask);
  Task.process.set(t, p);
  Task.image.set(t, Process.image.get(p));
  Task.entry.set(t, entry);
  Task.entryArgument.set(t, argument);
  Task.clearTid.set(t, clearTid);
  if (parent !== 0) {
    Task.blockedLow.store(t, Task.blockedLow.load(parent));
    Task.blockedHigh.store(t, Task.blockedHigh.load(parent));
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
  unlock(Process.lock.at(p));
  if (firstTidAt !== 0) writeUser32(firstTidAt, tid);
  if (secondTidAt !== 0) writeUser32(secondTidAt, tid);
  Cpu.residents.add(cpuOfTask, 1);
  Machine.liveTasks.add(MACHINE, 1);
  Task.state.store(t, TASK_RUNNABLE);
  enqueueRunnable(t);
  return t;
}

function leastLoadedCpu(): CpuPtr {
  let best = cpuRecord(0);
  let fewest = Cpu.residents.load(best);
  for (let i = 1; i < Machine.cpus.get(MACHINE); i++) {
    const candidate = cpuRecord(i);
    const residents = Cpu.residents.load(candidate);
    if (residents < fewest) {
      best = candidate;
      fewest = residents;
    }
  }
  return best;
}
