/**
 * The timers of a process: ITIMER_REAL, which setitimer and alarm share, and the two that count its time on CPUs.
 *
 * The real one stands in the heap of the CPU that set it, with its exact deadline, and sends SIGALRM. A periodic one is
 * not set anew when it expires but when its SIGALRM is taken, on its old grid: so one that nobody takes costs nothing,
 * and while SIGALRM is ignored, it rests for good. While it waits in the heap, the machine is not at rest (cpu/idle.ts
 * looks at every heap), so it needs no place among `Machine.armedTimers`, which would make the clock of a warped machine
 * stop at every tick.
 *
 * A CPU's clock is looked at by its ticks alone, and so are the other two: each tick that finds a task running is charged
 * whole to its process, user time and kernel time alike. They last one tick longer than asked for, as on Linux, so that
 * none is early.
 *
 * Everything here is under the signal lock of the process. Linux: kernel/time/itimer.c; posixtimer_rearm_itimer.
 */
import { cpu } from '../../shared-mem/self.ts';
import { lockIrqOff, unlockIrqOn } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { ProcessPtr } from '../process/process.ts';
import { CPU_TIMERS, Process } from '../process/process.ts';
import { armTimer, disarmTimer, Timer, TIMER_PROCESS } from '../time/timers.ts';

/** A deadline that has passed and was not looked at yet is told as this much. */
const OVERDUE_NS = 1000;
/** Linux's KTIME_MAX, nearly: no deadline lies behind it. */
const LATEST_NS = 9.2e18;

/** Sets the real timer. @param valueNs 0 disarms it and forgets the interval */
export function setRealTimerLocked(p: ProcessPtr, valueNs: number, intervalNs: number, nowNs: number): void {
  disarmRealTimerLocked(p);
  Process.realIntervalNs.set(p, valueNs === 0 ? 0 : intervalNs);
  if (valueNs !== 0) armRealTimerLocked(p, Math.min(nowNs + valueNs, LATEST_NS));
}

function armRealTimerLocked(p: ProcessPtr, expiryNs: number): void {
  const timer = Process.realTimer.at(p);
  Timer.kind.set(timer, TIMER_PROCESS);
  Timer.owner.set(timer, p);
  Process.realExpiryNs.set(p, expiryNs);
  Process.realArmed.set(p, 1);
  armTimer(cpu, timer, expiryNs);
}

export function disarmRealTimerLocked(p: ProcessPtr): void {
  Process.realArmed.set(p, 0);
  disarmTimer(Process.realTimer.at(p));
}

/** What is left of the real timer, 0 if it is not armed. */
export function realTimerLeftLocked(p: ProcessPtr, nowNs: number): number {
  if (Process.realArmed.get(p) === 0) return 0;
  const leftNs = Process.realExpiryNs.get(p) - nowNs;
  return leftNs > 0 ? leftNs : OVERDUE_NS;
}

/**
 * The heap's deadline has passed. The timer may have been set anew, or its process ended, since it left the heap.
 * @returns true if SIGALRM is to be sent
 */
export function realTimerExpired(p: ProcessPtr, nowNs: number): boolean {
  lockIrqOff(Process.signalLock.at(p));
  const due = Process.realArmed.get(p) === 1 && nowNs >= Process.realExpiryNs.get(p);
  if (due) Process.realArmed.set(p, 0);
  unlockIrqOn(Process.signalLock.at(p));
  return due;
}

/** Somebody takes a SIGALRM of the process: a periodic timer that has expired goes on, with its next deadline to come. */
export function rearmRealTimerLocked(p: ProcessPtr, nowNs: number): void {
  const intervalNs = Process.realIntervalNs.get(p);
  if (intervalNs === 0 || Process.realArmed.get(p) === 1) return;
  const expiryNs = Process.realExpiryNs.get(p);
  const periods = Math.max(0, Math.floor((nowNs - expiryNs) / intervalNs) + 1);
  armRealTimerLocked(p, expiryNs + periods * intervalNs);
}

/** Sets one of the timers that count time on CPUs. @param which 0 virtual, 1 prof */
export function setCpuTimerLocked(p: ProcessPtr, which: number, valueNs: number, intervalNs: number): void {
  const before = Process.cpuLeftNs.getAt(p, which) > 0 ? 1 : 0;
  Process.cpuLeftNs.setAt(p, which, valueNs === 0 ? 0 : valueNs + Machine.tickNs.get(MACHINE));
  Process.cpuIntervalNs.setAt(p, which, valueNs === 0 ? 0 : intervalNs);
  Process.cpuTimersArmed.add(p, (valueNs === 0 ? 0 : 1) - before);
}

/**
 * A task of the process ran for so long.
 * @returns a bit for each timer that expired by it: 1 virtual, 2 prof
 */
export function chargeCpuTimers(p: ProcessPtr, ranNs: number): number {
  if (Process.cpuTimersArmed.load(p) === 0) return 0;
  let expired = 0;
  lockIrqOff(Process.signalLock.at(p));
  for (let which = 0; which < CPU_TIMERS; which++) {
    const leftNs = Process.cpuLeftNs.getAt(p, which);
    if (leftNs === 0) continue;
    const intervalNs = Process.cpuIntervalNs.getAt(p, which);
    const nextNs = leftNs > ranNs ? leftNs - ranNs : intervalNs;
    Process.cpuLeftNs.setAt(p, which, nextNs);
    if (leftNs > ranNs) continue;
    expired |= 1 << which;
    if (nextNs === 0) Process.cpuTimersArmed.sub(p, 1);
  }
  unlockIrqOn(Process.signalLock.at(p));
  return expired;
}
