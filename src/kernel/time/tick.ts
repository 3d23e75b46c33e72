/**
 * What a timer interrupt leaves to do: the tick (HZ times a second on every CPU) and expired deadlines. Done between
 * traps or when idle, where no lock is held.
 *
 * Ticks are counted as interrupts taken. A CPU that comes late finds several due; the first is taken and the others
 * are coalesced, counted apart: the grid stays where it was.
 */
import { cpu } from '../../shared-mem/self.ts';
import { CpuCore } from '../../shared-mem/cpu-core.ts';
import { generationOf } from '../../shared-mem/slab.ts';
import { Cpu, histogramBucket } from '../cpu/cpu.ts';
import { endInVain } from '../cpu/stops.ts';
import { designTick } from '../epoll/source.ts';
import { SIGALRM, SIGPROF, SIGVTALRM } from '../abi/flags-signal.ts';
import type { FilePtr } from '../file/file.ts';
import { timerfdExpired } from '../file/timerfd.ts';
import { IRQ_TIMER, takeInterrupts } from '../irq/interrupts.ts';
import { MACHINE, MACHINE_DEAD, Machine } from '../machine-record.ts';
import type { ProcessPtr } from '../process/process.ts';
import { chargeCpuTimers, realTimerExpired } from '../signal/itimer.ts';
import { sendFromKernel } from '../signal/send.ts';
import type { TaskPtr } from '../task/task.ts';
import { REASON_TIMEOUT, Task } from '../task/task.ts';
import { wakeTask } from '../task/wake.ts';
import { clockNow } from './clock.ts';
import { takeExpired, Timer, TIMER_FILE, TIMER_TASK } from './timers.ts';

/** Units of work between two looks at the clock. */
export const WORK_PER_CLOCK = 64;
/** If they took more than this part of a tick, for a guest computes between its traps, one will do; then two, four ... */
const SLOW_PART_OF_TICK = 0.25;

/** Reads the clock; raises this CPU's timer interrupt, and takes it, if something is due. */
export function checkClock(): void {
  const nowNs = clockNow();
  const isSlow = nowNs - Cpu.checkedAtNs.get(cpu) > Machine.tickNs.get(MACHINE) * SLOW_PART_OF_TICK;
  Cpu.checkedAtNs.set(cpu, nowNs);
  const work = isSlow ? 1 : Math.min(WORK_PER_CLOCK, 2 * Cpu.workGiven.get(cpu) + 1);
  Cpu.workGiven.set(cpu, work);
  Cpu.workLeft.set(cpu, work);
  if (nowNs >= Cpu.nextTickNs.get(cpu) || nowNs >= Cpu.nextDeadlineNs.get(cpu)) {
    CpuCore.pending.or(cpu, IRQ_TIMER);
    takeInterrupts();
  }
}

/** The timer interrupt's work. */
export function runTimers(): void {
  // A dead machine is reported as it died: its ticks wake nobody any more.
  if (Machine.state.load(MACHINE) === MACHINE_DEAD) return;
  Cpu.timerDue.set(cpu, 0);
  const nowNs = clockNow();
  const lateNs = nowNs - Cpu.nextTickNs.get(cpu);
  if (lateNs >= 0) takeTick(lateNs);
  for (;;) {
    const timer = takeExpired(nowNs);
    if (timer === 0) return;
    endInVain();
    const owner = Timer.owner.get(timer);
    const kind = Timer.kind.get(timer);
    if (kind === TIMER_TASK) wakeTask(owner as TaskPtr, generationOf(owner), REASON_TIMEOUT, 0, 0);
    else if (kind === TIMER_FILE) timerfdExpired(owner as FilePtr);
    else if (realTimerExpired(owner as ProcessPtr, nowNs)) sendFromKernel(owner as ProcessPtr, SIGALRM);
  }
}

function takeTick(lateNs: number): void {
  const tickNs = Machine.tickNs.get(MACHINE);
  const missed = Math.floor(lateNs / tickNs);
  Cpu.nextTickNs.set(cpu, Cpu.nextTickNs.get(cpu) + (missed + 1) * tickNs);
  Cpu.ticksTaken.set(cpu, Cpu.ticksTaken.get(cpu) + 1);
  Cpu.ticksCoalesced.set(cpu, Cpu.ticksCoalesced.get(cpu) + missed);
  const bucket = histogramBucket(lateNs);
  Cpu.tickLateness.setAt(cpu, bucket, Cpu.tickLateness.getAt(cpu, bucket) + 1);
  designTick();
  chargeTask((missed + 1) * tickNs);
  const slice = Cpu.sliceLeft.get(cpu) - 1;
  Cpu.sliceLeft.set(cpu, slice);
  if (slice <= 0 && Cpu.runCount.load(cpu) > 0) Cpu.needResched.set(cpu, 1);
}

/** The task that this CPU runs, if it runs one, has used up the ticks that were due. */
function chargeTask(ranNs: number): void {
  const t = Cpu.current.get(cpu) as TaskPtr;
  if (t === 0) return;
  const p = Task.process.get(t) as ProcessPtr;
  const expired = chargeCpuTimers(p, ranNs);
  if ((expired & 1) !== 0) sendFromKernel(p, SIGVTALRM);
  if ((expired & 2) !== 0) sendFromKernel(p, SIGPROF);
}
