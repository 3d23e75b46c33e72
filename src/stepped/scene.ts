/**
 * A whole small machine for the stepped scheduler: boot, a process with threads, files. Kernel code like any other, so
 * it is compiled as the kernel is, and a mutated kernel is loaded by loading this with its name.
 */
import type { BootConfig } from '../kernel/boot/plan.ts';
import { formatMemory, startCpu } from '../kernel/boot/format.ts';
import { createEventfd } from '../kernel/file/eventfd.ts';
import { MACHINE, MACHINE_RUNNING, Machine } from '../kernel/machine-record.ts';
import type { FdTablePtr } from '../kernel/process/fd-table.ts';
import { installFd, shareFdTable } from '../kernel/process/fd-table.ts';
import type { ProcessPtr } from '../kernel/process/process.ts';
import { Process } from '../kernel/process/process.ts';
import { launchThread, prepareThread, spawnProcess } from '../kernel/process/spawn.ts';
import type { TaskPtr } from '../kernel/task/task.ts';
import { Task } from '../kernel/task/task.ts';
import { assert } from '../shared-mem/panic.ts';
import { NULL } from '../shared-mem/pointer.ts';
import { recordAt } from '../shared-mem/slab.ts';

export { defaultBootConfig, planMemory } from '../kernel/boot/plan.ts';
export { cpuRecord } from '../kernel/cpu/cpu.ts';
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
