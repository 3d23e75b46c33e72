/**
 * Deadlines of one CPU: a binary heap, earliest first, under the CPU's timer lock.
 *
 * A timer is embedded in what it is for (a sleeping task, a timerfd) and knows which CPU's heap it is in and where, so
 * that anyone can disarm it. A timer that another CPU put here with an earlier deadline than all before raises an
 * interrupt, for the owner may be asleep until its old deadline.
 */
import { CHECKS } from '../../shared-mem/boot-constants.ts';
import { assert, panic } from '../../shared-mem/panic.ts';
import { setWordAt, wordAt } from '../../shared-mem/plain.ts';
import { cpu } from '../../shared-mem/self.ts';
import type { CpuPtr, Ptr } from '../../shared-mem/pointer.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { atomic, f64, plain, struct } from '../../shared-mem/struct.ts';
import { CLASS_TIMERS } from '../../shared-mem/locks/classes.ts';
import { Cpu } from '../cpu/cpu.ts';
import { IRQ_CALL, raiseInterrupt } from '../irq/interrupts.ts';
import { lockIrqOff, unlockIrqOn } from '../irq/locking.ts';

export type TimerPtr = Ptr<'Timer'>;

const UNDER_TIMER_LOCK = `class:${CLASS_TIMERS}:timers`;

export const Timer = struct('Timer', {
  deadlineNs: f64(UNDER_TIMER_LOCK),
  /** Position in the heap plus one; 0: not armed. */
  place: plain(UNDER_TIMER_LOCK),
  /** The CPU whose heap it is in, or was last. */
  cpu: atomic<CpuPtr>(),
  /** What expires: TIMER_TASK (a sleeping task), TIMER_FILE (a timerfd), TIMER_PROCESS (its ITIMER_REAL). */
  kind: plain('immutable'),
  owner: plain('immutable'),
});
export const TIMER_TASK = 1;
export const TIMER_FILE = 2;
export const TIMER_PROCESS = 3;

/** Arms (or moves) a timer in the heap of `target`. */
export function armTimer(target: CpuPtr, t: TimerPtr, deadlineNs: number): void {
  disarmTimer(t);
  lockIrqOff(Cpu.timerLock.at(target));
  const count = Cpu.timerCount.get(target);
  if (count === Cpu.timerCapacity.get(target)) panic('more timers armed than records exist');
  Timer.deadlineNs.set(t, deadlineNs);
  Timer.cpu.store(t, target);
  Cpu.timerCount.set(target, count + 1);
  siftUp(target, t, count);
  const first = Timer.place.get(t) === 1;
  unlockIrqOn(Cpu.timerLock.at(target));
  if (!first) return;
  if (target === cpu) Cpu.nextDeadlineNs.set(cpu, deadlineNs);
  else raiseInterrupt(target, IRQ_CALL);
}

/** Takes a timer out of whatever heap it is in; nothing if it is in none. */
export function disarmTimer(t: TimerPtr): void {
  // A plain look: who arms and disarms one timer does so under that timer's own lock, or is its only task.
  if (Timer.place.peek(t) === 0) return;
  const target = Timer.cpu.load(t);
  lockIrqOff(Cpu.timerLock.at(target));
  const place = Timer.place.get(t);
  if (place !== 0) removeTimerAt(target, place - 1);
  unlockIrqOn(Cpu.timerLock.at(target));
}

/** @returns a timer of this CPU that is due, now disarmed, or 0; notes the next deadline when none is */
export function takeExpired(nowNs: number): TimerPtr {
  lockIrqOff(Cpu.timerLock.at(cpu));
  let due: TimerPtr = NULL;
  let next = Number.POSITIVE_INFINITY;
  if (Cpu.timerCount.get(cpu) > 0) {
    const first = heapTimer(cpu, 0);
    next = Timer.deadlineNs.get(first);
    if (next <= nowNs) {
      due = first;
      removeTimerAt(cpu, 0);
    }
  }
  Cpu.nextDeadlineNs.set(cpu, next);
  unlockIrqOn(Cpu.timerLock.at(cpu));
  return due;
}

/** The earliest deadline of a CPU, Infinity if it has none. */
export function earliestDeadline(target: CpuPtr): number {
  lockIrqOff(Cpu.timerLock.at(target));
  const none = Cpu.timerCount.get(target) === 0;
  const deadlineNs = none ? Number.POSITIVE_INFINITY : Timer.deadlineNs.get(heapTimer(target, 0));
  unlockIrqOn(Cpu.timerLock.at(target));
  return deadlineNs;
}

/** The earliest deadline of those who stay runnable on a CPU that rests. */
export function restDeadline(target: CpuPtr): number {
  lockIrqOff(Cpu.timerLock.at(target));
  const deadlineNs = Cpu.restDeadlineNs.get(target);
  unlockIrqOn(Cpu.timerLock.at(target));
  return deadlineNs;
}
/** Of this CPU. */
export function setRestDeadline(deadlineNs: number): void {
  lockIrqOff(Cpu.timerLock.at(cpu));
  Cpu.restDeadlineNs.set(cpu, deadlineNs);
  unlockIrqOn(Cpu.timerLock.at(cpu));
}

function heapTimer(target: CpuPtr, index: number): TimerPtr {
  return wordAt(Cpu.timerHeap.get(target) + index) as TimerPtr;
}

function putTimer(target: CpuPtr, index: number, t: TimerPtr): void {
  setWordAt(Cpu.timerHeap.get(target) + index, t);
  Timer.place.set(t, index + 1);
}

function siftUp(target: CpuPtr, t: TimerPtr, from: number): void {
  const deadlineNs = Timer.deadlineNs.get(t);
  let index = from;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heapTimer(target, parent);
    if (Timer.deadlineNs.get(above) <= deadlineNs) break;
    putTimer(target, index, above);
    index = parent;
  }
  putTimer(target, index, t);
}

function siftDown(target: CpuPtr, t: TimerPtr, from: number): void {
  const count = Cpu.timerCount.get(target);
  const deadlineNs = Timer.deadlineNs.get(t);
  let index = from;
  for (;;) {
    let child = index * 2 + 1;
    if (child >= count) break;
    const right = child + 1;
    if (right < count) {
      const leftNs = Timer.deadlineNs.get(heapTimer(target, child));
      if (Timer.deadlineNs.get(heapTimer(target, right)) < leftNs) child = right;
    }
    const below = heapTimer(target, child);
    if (Timer.deadlineNs.get(below) >= deadlineNs) break;
    putTimer(target, index, below);
    index = child;
  }
  putTimer(target, index, t);
}

function removeTimerAt(target: CpuPtr, index: number): void {
  const last = Cpu.timerCount.get(target) - 1;
  if (CHECKS) assert(index <= last, 'a timer stands outside its heap');
  Timer.place.set(heapTimer(target, index), 0);
  Cpu.timerCount.set(target, last);
  if (index === last) return;
  const moved = heapTimer(target, last);
  siftDown(target, moved, index);
  siftUp(target, moved, Timer.place.get(moved) - 1);
}
