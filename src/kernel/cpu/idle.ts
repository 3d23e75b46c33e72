/**
 * A CPU with nothing to run: it spins for a settable while, for a wake that comes soon is cheapest met awake; then it
 * sleeps on its doorbell until the next tick or deadline.
 *
 * When every CPU idles, nothing but a timer can start anything. Two verdicts hang on that: with warp on, the clock may
 * jump to the next deadline; and if there is no deadline, no armed timer and nobody outside who may act, no task will
 * ever run again: a deadlock. Both are decided by looking twice: all idle, then run queues and deadlines, then still all
 * idle.
 *
 * Both looks are at one word, `Machine.idling`, which tells how many idle and how often one stopped. A count alone would
 * not do: between the looks a CPU may be given its task, run it into a sleep with a deadline and idle again, so that its
 * run queue was seen after the task was taken and its deadlines before one was armed. An unchanged word says that nobody
 * stopped idling in between; and who idles makes no task runnable and arms nothing, so what was seen was all true at
 * once. (The word comes round after 2^24 stops, which a CPU does not fit between its two looks.) A CPU stops idling
 * before it takes an expired timer.
 *
 * A CPU whose tasks only yield counts as idle while it rests, if none of them can find anything new (rest.ts).
 */
import { WARP } from '../../shared-mem/boot-constants.ts';
import { CpuCore, ring, sleepOnDoorbell } from '../../shared-mem/cpu-core.ts';
import { cpu } from '../../shared-mem/self.ts';
import { timersPush } from '../epoll/source.ts';
import { pollInterrupts } from '../irq/interrupts.ts';
import { MACHINE, MACHINE_DEAD, MACHINE_RUNNING, Machine, VERDICT_DEADLOCK } from '../machine-record.ts';
import { ringHost } from '../process/children.ts';
import { clockNow, hostNow, warpTo } from '../time/clock.ts';
import { checkClock, runTimers } from '../time/tick.ts';
import { earliestDeadline, restDeadline } from '../time/timers.ts';
import { Cpu, CPU_IDLE, CPU_KERNEL, cpuRecord } from './cpu.ts';
import { enterIdleQuiescence, leaveIdleQuiescence, noteQuiescence } from './quiescence.ts';
import { IDLERS, STOPPED, stopsOf } from './stops.ts';

/** Spin turns between two looks at the clock. */
const SPINS_PER_CLOCK = 64;

/** Returns when there may be something to do: a runnable task, a timer's work, an order to stop. */
export function idle(): void {
  Cpu.activity.set(cpu, CPU_IDLE);
  const met = spinForWork();
  if (met === 0) sleepForWork();
  Cpu.activity.set(cpu, CPU_KERNEL);
  // Work that came while spinning came before anything was due: the clock was looked at then.
  if (met === 0) checkClock();
  pollInterrupts();
  if (Cpu.timerDue.get(cpu) === 1) runTimers();
}

/** Plain looks: what comes between them and the sleep has rung the doorbell, with which the sleep compares. */
function workWaits(): boolean {
  return Cpu.runCount.peek(cpu) !== 0 || CpuCore.pending.peek(cpu) !== 0;
}

/**
 * @returns 1 if work came while spinning. After a tick that woke nobody there is no spinning: nothing is near. A spinner
 * is no idle CPU yet: who waits for quiet or for a grace period finds it at its next look at the clock.
 */
function spinForWork(): number {
  const spinNs = Machine.idleSpinNs.get(MACHINE);
  if (workWaits()) return 1;
  if (spinNs === 0 || Cpu.spunSinceWork.get(cpu) === 1) return 0;
  let endNs = 0;
  for (;;) {
    for (let i = 0; i < SPINS_PER_CLOCK; i++) {
      const seen = CpuCore.doorbell.load(cpu);
      if (workWaits()) {
        Cpu.idleSpins.set(cpu, Cpu.idleSpins.get(cpu) + 1);
        return 1;
      }
      CpuCore.doorbell.spin(cpu, seen);
    }
    noteQuiescence();
    const nowNs = clockNow();
    if (nowNs >= Cpu.nextTickNs.get(cpu) || nowNs >= Cpu.nextDeadlineNs.get(cpu)) return 0;
    const spunNs = WARP ? hostNow() : nowNs;
    if (endNs === 0) endNs = spunNs + spinNs;
    if (spunNs >= endNs) {
      Cpu.spunSinceWork.set(cpu, 1);
      return 0;
    }
  }
}

function sleepForWork(): void {
  enterIdleQuiescence();
  // What it did before is done: who looked earlier has not seen all of it.
  Machine.idling.add(MACHINE, STOPPED + 1);
  const seen = CpuCore.doorbell.load(cpu);
  if (!workWaits() && allQuiet() === 0) sleepUntilDue(seen);
  Machine.idling.add(MACHINE, STOPPED - 1);
  leaveIdleQuiescence();
}

function sleepUntilDue(seen: number): void {
  const leftNs = Math.min(Cpu.nextTickNs.get(cpu), Cpu.nextDeadlineNs.get(cpu)) - clockNow();
  if (leftNs <= 0) return;
  Cpu.idleSleeps.set(cpu, Cpu.idleSleeps.get(cpu) + 1);
  sleepOnDoorbell(cpu, seen, leftNs);
}

/** Do all CPUs idle, or rest in vain? @returns 1 if the clock was moved or the machine stopped, so that nobody should sleep now */
export function allQuiet(): number {
  const idling = Machine.idling.load(MACHINE);
  const cpus = Machine.cpus.get(MACHINE);
  if ((idling & IDLERS) !== cpus) return 0;
  let nextNs = Number.POSITIVE_INFINITY;
  let tickSleepers = 0;
  for (let i = 0; i < cpus; i++) {
    if (CpuCore.pending.load(cpuRecord(i)) !== 0) return 0;
    if (Cpu.runCount.load(cpuRecord(i)) !== 0) {
      // It was given a task and has not left its idling yet, or it rests, and something was done since its tasks looked.
      if (Cpu.lookedAfter.load(cpuRecord(i)) !== stopsOf(idling)) return 0;
      nextNs = Math.min(nextNs, restDeadline(cpuRecord(i)));
    }
    nextNs = Math.min(nextNs, earliestDeadline(cpuRecord(i)));
    // Its CPU wrote it before it began to idle, and would have to stop idling to write it again.
    tickSleepers += Cpu.tickSleepers.peek(cpuRecord(i));
  }
  const ticksMatter = Machine.armedTimers.load(MACHINE) > 0 || tickSleepers > 0;
  if (ticksMatter && timersPush() === 0) {
    // Who writes it has stopped idling first, and then this look counts for nothing.
    for (let i = 0; i < cpus; i++) nextNs = Math.min(nextNs, Cpu.nextTickNs.peek(cpuRecord(i)));
  }
  if (Machine.idling.load(MACHINE) !== idling) return 1;
  if (nextNs === Number.POSITIVE_INFINITY) {
    if (ticksMatter || Machine.outsideActors.load(MACHINE) !== 0 || Machine.liveTasks.load(MACHINE) === 0) return 0;
    return declareDeadlock();
  }
  if (!WARP) return 0;
  warpTo(nextNs);
  // Time has passed: who rests looks again.
  Machine.idling.add(MACHINE, STOPPED);
  ringAllCpus();
  return 1;
}

function declareDeadlock(): number {
  if (Machine.state.compareExchange(MACHINE, MACHINE_RUNNING, MACHINE_DEAD) !== MACHINE_RUNNING) return 0;
  Machine.verdict.store(MACHINE, VERDICT_DEADLOCK);
  ringAllCpus();
  ringHost();
  return 1;
}

/** Makes every CPU look at the clock and at the machine's state. */
export function ringAllCpus(): void {
  const cpus = Machine.cpus.get(MACHINE);
  for (let i = 0; i < cpus; i++) {
    if (cpuRecord(i) !== cpu) ring(cpuRecord(i));
  }
}
