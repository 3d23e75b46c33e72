/**
 * Tasks and CPUs: who is runnable stands on the run queue of its home once, who is not does not; the counts of tasks,
 * frames, threads and residents are those of the records; no CPU holds anything.
 */
import { CpuCore } from '../../shared-mem/cpu-core.ts';
import { Cpu } from '../cpu/cpu.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { AddressSpace } from '../process/address-space.ts';
import { FdTable } from '../process/fd-table.ts';
import { Process } from '../process/process.ts';
import { Frame, Task, TASK_DEAD, TASK_FREE, TASK_RUNNABLE, TASK_SLEEPING, TASK_STATE_NAMES } from '../task/task.ts';
import { auditLock } from './slabs.ts';
import type { MemoryView } from './view.ts';
import { complain, livesIn, livingOf, see, seeMachine, tally, walkList } from './view.ts';

export function cpuAddress(v: MemoryView, index: number): number {
  return seeMachine(v, Machine.firstCpu) + index * Cpu.size;
}

/** @returns the tasks that have not ended */
export function auditTasks(v: MemoryView): number[] {
  const listed = new Map<number, number>();
  for (let i = 0; i < seeMachine(v, Machine.cpus); i++) auditCpu(v, i, listed);
  const tasks = livingOf(v, 'tasks').filter((t) => see(v, t, Task.state) !== TASK_DEAD);
  const residents = new Map<number, number>();
  let frames = 0;
  for (const t of tasks) {
    tally(residents, see(v, t, Task.home));
    auditTask(v, t, listed.get(t) ?? 0);
    frames += framesAbove(v, t);
  }
  for (let i = 0; i < seeMachine(v, Machine.cpus); i++) {
    const c = cpuAddress(v, i);
    const count = residents.get(c) ?? 0;
    if (see(v, c, Cpu.residents) !== count)
      complain(v, `CPU ${i}: counts ${see(v, c, Cpu.residents)} residents, and is home of ${count}`);
  }
  const liveTasks = seeMachine(v, Machine.liveTasks);
  if (liveTasks !== tasks.length) complain(v, `machine: counts ${liveTasks} tasks, and ${tasks.length} live`);
  const liveFrames = livingOf(v, 'frames').length;
  if (liveFrames !== frames) complain(v, `slab frames: ${liveFrames} live, and tasks have ${frames}`);
  return tasks;
}

function auditCpu(v: MemoryView, index: number, listed: Map<number, number>): void {
  const c = cpuAddress(v, index);
  const what = `CPU ${index}`;
  if (see(v, c, CpuCore.heldCount) !== 0) complain(v, `${what}: holds locks between two traps`);
  if (see(v, c, CpuCore.irqDepth) !== 0) complain(v, `${what}: has interrupts off between two traps`);
  if (see(v, c, CpuCore.sleepLock) !== 0) complain(v, `${what}: sleeps for a lock between two traps`);
  if (see(v, c, Cpu.current) !== 0) complain(v, `${what}: runs a task while it rests`);
  auditLock(v, c + Cpu.runLock.off, `${what}: run queue`);
  const nodes = walkList(v, c + Cpu.runList.off, `${what}: run queue`);
  const count = see(v, c, Cpu.runCount);
  if (count !== nodes.length) complain(v, `${what}: counts ${count} runnable tasks, and ${nodes.length} are listed`);
  for (const node of nodes) {
    const t = node - Task.runNode.off;
    tally(listed, t);
    if (!livesIn(v, 'tasks', t)) complain(v, `${what}: lists ${t}, which is no living task`);
    else if (see(v, t, Task.home) !== c) complain(v, `${what}: lists task ${see(v, t, Task.tid)} of another CPU`);
  }
}

function auditTask(v: MemoryView, t: number, timesListed: number): void {
  const state = see(v, t, Task.state);
  const what = `task ${see(v, t, Task.tid)}`;
  const name = TASK_STATE_NAMES[state] ?? `in state ${state}`;
  const wanted = state === TASK_RUNNABLE ? 1 : 0;
  if (timesListed !== wanted) complain(v, `${what}: is ${name}, and stands ${timesListed} times on run queues`);
  if (state !== TASK_RUNNABLE && state !== TASK_SLEEPING) complain(v, `${what}: is ${name} while its CPU rests`);
  if (state === TASK_FREE) complain(v, `${what}: was made and never launched`);
  const p = see(v, t, Task.process);
  if (!livesIn(v, 'processes', p)) complain(v, `${what}: its process is gone`);
  if (!livesIn(v, 'fdTables', see(v, t, Task.fdTable))) complain(v, `${what}: its descriptor table is gone`);
}

/** The frames of a task, the one of its interrupted call last. */
export function framesOf(v: MemoryView, t: number): number[] {
  const frames: number[] = [];
  const first = t + Task.firstFrame.off;
  for (let fr = see(v, t, Task.frame); ; fr = see(v, fr, Frame.below)) {
    frames.push(fr);
    if (fr === first) return frames;
    if (livesIn(v, 'frames', fr) && frames.length < v.words.length) continue;
    complain(v, `task ${see(v, t, Task.tid)}: its frames lead to ${fr}, which is none`);
    return frames;
  }
}

function framesAbove(v: MemoryView, t: number): number {
  return framesOf(v, t).length - 1;
}

/** Who is whose thread, whose child, and whose memory. @param tasks those that have not ended */
export function auditProcesses(v: MemoryView, tasks: readonly number[]): void {
  auditLock(v, MACHINE + Machine.treeLock.off, 'process tree');
  const threads = new Map<number, number>();
  for (const t of tasks) tally(threads, see(v, t, Task.process));
  const spaces = new Map<number, number>();
  const tables = new Map<number, number>();
  for (const t of tasks) tally(tables, see(v, t, Task.fdTable));
  for (const p of livingOf(v, 'processes')) {
    auditProcess(v, p, threads.get(p) ?? 0);
    if (see(v, p, Process.liveThreads) > 0) tally(spaces, see(v, p, Process.addressSpace));
  }
  auditReferences(v, 'addressSpaces', spaces);
  auditReferences(v, 'fdTables', tables);
}

function auditProcess(v: MemoryView, p: number, threads: number): void {
  const what = `process ${see(v, p, Process.pid)}`;
  const live = see(v, p, Process.liveThreads);
  const listed = walkList(v, p + Process.threads.off, `${what}: threads`);
  if (live !== threads || listed.length !== threads) {
    complain(v, `${what}: counts ${live} threads, lists ${listed.length}, and has ${threads}`);
  }
  for (const node of listed) {
    const t = node - Task.threadNode.off;
    if (!livesIn(v, 'tasks', t) || see(v, t, Task.process) !== p) complain(v, `${what}: lists a thread of another's`);
  }
  for (const node of walkList(v, p + Process.children.off, `${what}: children`)) {
    const child = node - Process.siblingNode.off;
    if (!livesIn(v, 'processes', child)) complain(v, `${what}: has a child that is gone`);
    else if (see(v, child, Process.parent) !== p) complain(v, `${what}: has a child of another's`);
  }
}

/** Records that begin with a header and a count of references, as address spaces and descriptor tables do. */
function auditReferences(
  v: MemoryView,
  slab: 'addressSpaces' | 'fdTables',
  expected: ReadonlyMap<number, number>,
): void {
  const field = slab === 'addressSpaces' ? AddressSpace.refs : FdTable.refs;
  for (const record of livingOf(v, slab)) {
    const refs = see(v, record, field);
    const found = expected.get(record) ?? 0;
    if (refs !== found) complain(v, `slab ${slab}: ${record} counts ${refs} users, and has ${found}`);
  }
}
