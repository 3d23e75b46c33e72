/**
 * Timers: each CPU's heap has the earliest first, and what stands in it knows where; nobody believes to be armed who is
 * not; the count of timers that may still wake somebody is theirs.
 */
import { Cpu } from '../cpu/cpu.ts';
import { Machine } from '../machine-record.ts';
import { Task } from '../task/task.ts';
import { Timer, TIMER_FILE } from '../time/timers.ts';
import { auditLock } from './slabs.ts';
import { cpuAddress } from './tasks.ts';
import type { MemoryView } from './view.ts';
import { complain, see, seeFloat, seeMachine } from './view.ts';

/** @param tasks those that have not ended */
export function auditTimers(v: MemoryView, tasks: readonly number[]): void {
  const armed = new Set<number>();
  for (let i = 0; i < seeMachine(v, Machine.cpus); i++) auditHeap(v, i, armed);
  for (const t of tasks) {
    const timer = t + Task.timer.off;
    if (see(v, timer, Timer.place) !== 0 && !armed.has(timer)) {
      complain(v, `task ${see(v, t, Task.tid)}: believes its deadline armed, and no heap has it`);
    }
  }
  let outside = 0;
  for (const timer of armed) if (see(v, timer, Timer.kind) === TIMER_FILE) outside++;
  const counted = seeMachine(v, Machine.armedTimers);
  if (counted !== outside) complain(v, `machine: counts ${counted} armed timers, and ${outside} stand in heaps`);
}

function auditHeap(v: MemoryView, index: number, armed: Set<number>): void {
  const c = cpuAddress(v, index);
  const what = `CPU ${index}: timers`;
  auditLock(v, c + Cpu.timerLock.off, what);
  const heap = see(v, c, Cpu.timerHeap);
  const count = see(v, c, Cpu.timerCount);
  if (count < 0 || count > see(v, c, Cpu.timerCapacity)) {
    complain(v, `${what}: ${count} of ${see(v, c, Cpu.timerCapacity)}`);
    return;
  }
  for (let place = 0; place < count; place++) {
    const timer = v.words[heap + place]!;
    if (armed.has(timer)) complain(v, `${what}: ${timer} stands in a heap twice`);
    armed.add(timer);
    if (see(v, timer, Timer.place) !== place + 1) complain(v, `${what}: ${timer} believes to stand elsewhere`);
    if (see(v, timer, Timer.cpu) !== c) complain(v, `${what}: ${timer} believes to be another CPU's`);
    if (place === 0) continue;
    const above = v.words[heap + ((place - 1) >> 1)]!;
    if (seeFloat(v, above, Timer.deadlineNs) > seeFloat(v, timer, Timer.deadlineNs)) {
      complain(v, `${what}: place ${place} is due before the one above it`);
    }
  }
}
