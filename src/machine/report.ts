/**
 * The report of a machine that ended badly: what each CPU was doing and which locks it held, every task and what it
 * sleeps on. Made from a copy of the memory, so that it can be made whatever state the CPUs are in.
 */
import { syscallSpec } from '../kernel/abi/syscalls.ts';
import { Cpu, CPU_ACTIVITY_NAMES } from '../kernel/cpu/cpu.ts';
import { File, KIND_NAMES } from '../kernel/file/file.ts';
import { Machine, VERDICT_DEADLOCK, VERDICT_LOCKUP, VERDICT_PANIC, VERDICT_PROGRAM } from '../kernel/machine-record.ts';
import { Process } from '../kernel/process/process.ts';
import {
  Frame,
  REASON_NAMES,
  Task,
  TASK_RUNNABLE,
  TASK_RUNNING,
  TASK_STATE_NAMES,
  TASK_WOKEN,
} from '../kernel/task/task.ts';
import { EVENT_CALL, EVENT_SLEEP, EVENT_WAKE } from '../kernel/task/wake.ts';
import { CpuCore } from '../shared-mem/cpu-core.ts';
import { EventRing, RING_RECORD_WORDS, RING_RECORDS } from '../shared-mem/event-ring.ts';
import { HELD_STRIDE } from '../shared-mem/guard.ts';
import { LOCK_CLASSES } from '../shared-mem/locks/classes.ts';
import { SpinLock } from '../shared-mem/locks/spin-lock.ts';
import type { Snapshot } from './snapshot.ts';

export const VERDICT_NAMES: Readonly<Record<number, string>> = {
  [VERDICT_PANIC]: 'panic',
  [VERDICT_DEADLOCK]: 'deadlock',
  [VERDICT_LOCKUP]: 'lockup',
  [VERDICT_PROGRAM]: 'program error',
};

const RECENT_EVENTS = 8;
const TASKS_SHOWN_MAX = 64;
const AWAKE: ReadonlySet<number> = new Set([TASK_RUNNABLE, TASK_RUNNING, TASK_WOKEN]);

/** @param cause what ended the machine, in a sentence: the first line, if there is one */
export function machineReport(snapshot: Snapshot, cause?: string): string {
  const lines = cause === undefined ? [] : [`smplab: ${cause}`, ''];
  for (let c = 0; c < snapshot.config.cpus; c++) lines.push(...cpuLines(snapshot, c));
  lines.push('', ...taskLines(snapshot));
  return lines.join('\n');
}

function cpuLines(s: Snapshot, index: number): string[] {
  const record = s.cpu(index);
  const current = s.word(record, Cpu.current);
  const doing = CPU_ACTIVITY_NAMES[s.word(record, Cpu.activity)] ?? '?';
  const held = heldLocks(s, record).map(({ name }) => name);
  const sleepLock = s.word(record, CpuCore.sleepLock);
  const parts = [`CPU ${index}: ${doing}`];
  if (current !== 0) parts.push(`runs task ${s.word(current, Task.tid)}`);
  parts.push(`${s.word(record, Cpu.runCount)} runnable`);
  parts.push(held.length > 0 ? `holds ${held.join(' > ')}` : 'holds no lock');
  if (sleepLock !== 0) parts.push(`sleeps for ${lockWords(s, sleepLock)}`);
  const ring = record + Cpu.events.off;
  const recent = recentEvents(s, ring);
  if (recent.length === 0) return [parts.join(', ')];
  const dropped = s.word(ring, EventRing.dropped);
  const lost = dropped > 0 ? ` (of ${s.word(ring, EventRing.written)}; ${dropped} were dropped)` : '';
  return [parts.join(', '), `  last${lost}: ${recent.join('; ')}`];
}

/** Kept with checks on only. */
function heldLocks(s: Snapshot, record: number): { readonly lock: number; readonly name: string }[] {
  return Array.from({ length: s.word(record, CpuCore.heldCount) }, (_, i) => ({
    lock: s.word(record, CpuCore.held, i * HELD_STRIDE),
    name: className(s.word(record, CpuCore.held, i * HELD_STRIDE + 1)),
  }));
}

function className(lockClass: number): string {
  return LOCK_CLASSES[lockClass]?.name ?? '?';
}

/** Which lock it is, and who has it, as far as that was noted. */
function lockWords(s: Snapshot, lock: number): string {
  const name = className((s.word(lock, SpinLock.info) >> 8) & 0xff);
  const holders = Array.from({ length: s.config.cpus }, (_, index) => index).filter((index) =>
    heldLocks(s, s.cpu(index)).some((each) => each.lock === lock),
  );
  const holder = holders.length > 0 ? `, which CPU ${holders.join(' and ')} holds` : '';
  return `a lock of class ${name} (word ${lock})${holder}`;
}

/** The flight recorder's last entries; written with checks on only. */
function recentEvents(s: Snapshot, ring: number): string[] {
  const written = s.word(ring, EventRing.written);
  const events: string[] = [];
  for (let n = Math.max(0, written - RECENT_EVENTS); n < written; n++) {
    const at = (n % RING_RECORDS) * RING_RECORD_WORDS;
    const kind = s.word(ring, EventRing.records, at);
    const tid = s.word(ring, EventRing.records, at + 1);
    const detail = s.word(ring, EventRing.records, at + 2);
    if (kind === EVENT_WAKE) events.push(`woke ${tid} (${REASON_NAMES[detail] ?? '?'})`);
    if (kind === EVENT_SLEEP) events.push(`${tid} sleeps`);
    if (kind === EVENT_CALL) events.push(`${tid} ${syscallSpec(detail)?.name ?? 'unknown call'}`);
  }
  return events;
}

/** Those that run or could come first: among thousands that sleep they are what one looks for. */
function taskLines(s: Snapshot): string[] {
  const awake: number[] = [];
  const others: number[] = [];
  let count = 0;
  for (const task of s.living('tasks')) {
    count++;
    const list = AWAKE.has(s.word(task, Task.state)) ? awake : others;
    if (list.length < TASKS_SHOWN_MAX) list.push(task);
  }
  const lines = [...awake, ...others].slice(0, TASKS_SHOWN_MAX).map((task) => taskLine(s, task));
  if (count > lines.length) lines.push(`... and ${count - lines.length} more tasks`);
  return count === 0 ? ['no tasks'] : lines;
}

function taskLine(s: Snapshot, task: number): string {
  const process = s.word(task, Task.process);
  const home = s.word(s.word(task, Task.home), CpuCore.index);
  const stopped = s.word(task, Task.stopped) === 1;
  const state = stopped ? 'stopped' : (TASK_STATE_NAMES[s.word(task, Task.state)] ?? '?');
  const where = `task ${s.word(task, Task.tid)} of process ${s.word(process, Process.pid)} on CPU ${home}: ${state}`;
  const frame = s.word(task, Task.frame);
  const call = s.word(frame, Frame.call);
  const name = call >= 0 ? syscallSpec(call)?.name : undefined;
  if (name === undefined) return where;
  return `${where} in ${name}(${describeCall(s, frame)})`;
}

function describeCall(s: Snapshot, frame: number): string {
  const parts: string[] = [];
  const file = s.word(frame, Frame.file);
  if (file !== 0) parts.push(KIND_NAMES[s.word(file, File.kind)] ?? 'file');
  const deadline = s.float(frame, Frame.deadlineNs);
  parts.push(Number.isFinite(deadline) ? `until ${(deadline / 1e6).toFixed(3)} ms` : 'for ever');
  return parts.join(', ');
}

/** The verdict of a machine's memory, by name, or undefined while it has none. */
export function verdictOf(s: Snapshot): string | undefined {
  return VERDICT_NAMES[s.machine(Machine.verdict)];
}
