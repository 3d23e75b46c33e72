/**
 * Interrupts: a pending word per CPU, a bit for each kind, merged by OR: raising one that is pending already changes
 * nothing. They are taken at trap boundaries, when idle, whenever interrupts go back on (unlock), and at every turn of
 * a lock wait with interrupts on. The handler runs on the CPU's record, not as a task.
 *
 * "Off" is a depth: code that takes a lock shared with a handler raises it, so that no handler runs on this CPU until
 * the lock is free. Nothing here disables anything on the host: an interrupt can only be taken where this file is
 * called.
 */
import { CpuCore, ring } from '../../shared-mem/cpu-core.ts';
import type { CpuPtr } from '../../shared-mem/pointer.ts';
import { cpu } from '../../shared-mem/self.ts';
import { Cpu } from '../cpu/cpu.ts';

/** The tick or a deadline is due. */
export const IRQ_TIMER = 1;
/** Another CPU made a task of this one runnable. */
export const IRQ_RESCHEDULE = 2;
/** Leave the run loop at the next trap boundary: pause, stop, death. */
export const IRQ_STOP = 4;
/** Run the deferred calls: another CPU wants this one to look at its timers. */
export const IRQ_CALL = 8;

/** Makes `target` take an interrupt of that kind soon, and wakes it if it sleeps. */
export function raiseInterrupt(target: CpuPtr, kind: number): void {
  if ((CpuCore.pending.or(target, kind) & kind) !== 0) return;
  if (target !== cpu) ring(target);
}

export function interruptsOff(): void {
  CpuCore.irqDepth.set(cpu, CpuCore.irqDepth.get(cpu) + 1);
}

/** Leaves the innermost region with interrupts off; the outermost takes what came meanwhile. */
export function interruptsOn(): void {
  const depth = CpuCore.irqDepth.get(cpu) - 1;
  CpuCore.irqDepth.set(cpu, depth);
  if (depth === 0 && CpuCore.pending.peek(cpu) !== 0) takeInterrupts();
}

/** Takes what is pending, if interrupts are on. */
export function pollInterrupts(): void {
  if (CpuCore.pending.peek(cpu) !== 0 && CpuCore.irqDepth.get(cpu) === 0) takeInterrupts();
}

/**
 * The handler: acknowledges what is pending, counts it, and leaves a note of what follows. Like Linux's softirqs, the
 * longer work (expired deadlines, the tick's wake-ups: time/tick.ts) is done from the note at the next trap boundary
 * or idle step of this CPU, a few hundred ns away, where no lock can be in its way. IRQ_STOP stays pending: it is a
 * state, and the run loop leaves when it sees it.
 */
export function takeInterrupts(): void {
  if (CpuCore.pending.peek(cpu) === 0) return;
  const kinds = CpuCore.pending.and(cpu, IRQ_STOP) & ~IRQ_STOP;
  if (kinds === 0) return;
  Cpu.interruptsTaken.set(cpu, Cpu.interruptsTaken.get(cpu) + 1);
  if ((kinds & IRQ_RESCHEDULE) !== 0) Cpu.needResched.set(cpu, 1);
  if ((kinds & (IRQ_TIMER | IRQ_CALL)) !== 0) Cpu.timerDue.set(cpu, 1);
}
