/**
 * A whole small machine for the stepped scheduler: boot, a process with threads, files. Kernel code like any other, so
 * it is compiled as the kernel is, and a mutated kernel is loaded by loading this with its name.
 */
import type { BootConfig } from '../kernel/boot/plan.ts';
import { formatMemory, startCpu } from '../kernel/boot/format.ts';
import { Cpu, cpuRecord } from '../kernel/cpu/cpu.ts';
import { deadFilesWait, enterIdleQuiescence, leaveIdleQuiescence, noteQuiescence } from '../kernel/cpu/quiescence.ts';
import { reclaimDeadFiles } from '../kernel/file/ops-table.ts';
import { endedWait, reclaimEnded } from '../kernel/process/limbo.ts';
import { createEventfd } from '../kernel/file/eventfd.ts';
import { MACHINE, MACHINE_RUNNING, Machine } from '../kernel/machine-record.ts';
import type { FdTablePtr } from '../kernel/process/fd-table.ts';
import { installFd, shareFdTable } from '../kernel/process/fd-table.ts';
import type { ProcessPtr } from '../kernel/process/process.ts';
import { Process } from '../kernel/process/process.ts';
import { launchThread, prepareThread, spawnProcess } from '../kernel/process/spawn.ts';
import { syscallOps } from '../kernel/syscall/ops-table.ts';
import type { TaskPtr } from '../kernel/task/task.ts';
import { Frame, RESUME_CALL, Task, TASK_SLEEPING, WAIT, YIELD } from '../kernel/task/task.ts';
import { assert } from '../shared-mem/panic.ts';
import type { CpuPtr } from '../shared-mem/pointer.ts';
import { NULL } from '../shared-mem/pointer.ts';
import { generationOf, recordAt } from '../shared-mem/slab.ts';

export { defaultBootConfig, planMemory } from '../kernel/boot/plan.ts';
export { cpuRecord };
export { runCpu } from '../cpu-worker/trap-loop.ts';

/** Lays the memory out and starts every CPU's record; the last one started is the one that goes on. */
export function bootScene(config: BootConfig): void {
  assert(formatMemory(config, { hostNs: 0, wallSeconds: 0, wallNs: 0 }), 'the memory was laid out before');
  for (let i = config.cpus - 1; i >= 0; i--) startCpu(i, 0);
  Machine.state.store(MACHINE, MACHINE_RUNNING);
}

/** A process whose main thread starts at entry 0 on CPU `home`. */
export function spawnMain(home: number): ProcessPtr {
  assert(spawnProcess(0, 0, 0, home) > 0, 'no process');
  return recordAt(Machine.processes.at(MACHINE), 0) as ProcessPtr;
}

export function addThread(p: ProcessPtr, entry: number, home: number): TaskPtr {
  const t = prepareThread(p, NULL, shareFdTable(tableOfMain(p)), entry, 0, home);
  assert(t !== 0, 'no thread');
  launchThread(t);
  return t;
}

function tableOfMain(p: ProcessPtr): FdTablePtr {
  return Task.fdTable.get(Process.mainThread.peek(p)) as FdTablePtr;
}

/** @returns the descriptor */
export function openEventfd(p: ProcessPtr, semaphore: number): number {
  return installFd(tableOfMain(p), createEventfd(0, semaphore, 0), 0, 0);
}

/** What a run left behind: live tasks, and the verdict of the kernel itself. */
export function liveTasks(): number {
  return Machine.liveTasks.load(MACHINE);
}
export function verdict(): number {
  return Machine.verdict.load(MACHINE);
}
export function userBase(p: ProcessPtr): number {
  return Process.userBase.get(p);
}

/**
 * Asked when nothing moves any more. @returns 1 if the task sleeps, and its call would not wait if it were tried again: the
 * wakeup that it needed was lost. Trying may change memory, so nothing of the run is of use afterwards.
 */
export function sleepsInVain(t: TaskPtr): number {
  if (isLive(t) === 0 || Task.state.load(t) !== TASK_SLEEPING) return 0;
  const fr = Task.frame.get(t);
  const call = Frame.call.get(fr);
  // It sleeps in no call: its process is stopped.
  if (call < 0 || Frame.resume.get(fr) !== RESUME_CALL) return 0;
  const r = syscallOps[call]!.attempt(t, fr);
  return r === WAIT || r === YIELD ? 0 : 1;
}
/** The task in place `index` of its slab, alive or not. */
export function taskAt(index: number): TaskPtr {
  return recordAt(Machine.tasks.at(MACHINE), index) as TaskPtr;
}
export function isLive(t: TaskPtr): number {
  return generationOf(t) & 1;
}
/** Which call the task is in: its index in the table of system calls. */
export function callOf(t: TaskPtr): number {
  return Frame.call.get(Task.frame.get(t));
}
export function homeOf(t: TaskPtr): CpuPtr {
  return Task.home.get(t);
}
/** Tasks in the run queue of a CPU. */
export function runnableOn(index: number): number {
  return Cpu.runCount.load(cpuRecord(index));
}

/** What an idle CPU does when it is woken for nothing: what waits for a grace period is given back. */
export function settleCpu(): void {
  leaveIdleQuiescence();
  noteQuiescence();
  if (deadFilesWait()) reclaimDeadFiles();
  if (endedWait()) reclaimEnded();
  enterIdleQuiescence();
}
export function tidOf(t: TaskPtr): number {
  return Task.tid.get(t);
}
