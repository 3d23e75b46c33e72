/**
 * One CPU of a lock torture, on a thread of its own: takes the lock again and again until it is told to stop, and does
 * under it what two CPUs at once would get wrong. The build makes a bundle of it like that of a CPU's worker, so the lock
 * that is tortured is the one that machines use: the same door, doorbell and spin budget, with checks or without.
 *
 * Nothing here waits but the lock itself, so whoever does not come out is the lock's fault: the host sees it (lock.ts).
 */
import { setFlagsFromString } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { clockOffset } from '../cpu-worker/clock-offset.ts';
import { formatMemory, startCpu } from '../kernel/boot/format.ts';
import { Cpu, cpuRecord, histogramBucket } from '../kernel/cpu/cpu.ts';
import { IRQ_CALL, pollInterrupts, raiseInterrupt } from '../kernel/irq/interrupts.ts';
import { lock, lockIrqOff, unlock, unlockIrqOn } from '../kernel/irq/locking.ts';
import { MACHINE, Machine } from '../kernel/machine-record.ts';
import { hostNow } from '../kernel/time/clock.ts';
import { CpuCore, sleepOnDoorbell } from '../shared-mem/cpu-core.ts';
import { CLASS_FILE, CLASS_WAITQUEUE } from '../shared-mem/locks/classes.ts';
import { initLock } from '../shared-mem/locks/lock.ts';
import { attach, cpu } from '../shared-mem/self.ts';
import type { HammerOrder, LockTortureCpuPtr } from './lock-record.ts';
import {
  DOING_ENDED,
  DOING_HOLD,
  DOING_REST,
  DOING_WAIT,
  LockTorture,
  LockTortureCpu,
  placesOf,
} from './lock-record.ts';

/** Every so many acquisitions the holder notes when it lets go: a clock read costs as much as many a handoff. */
const ROUNDS_PER_STAMP = 8;
const ROUNDS_PER_REST = 16;
/** Every so many rounds a CPU interrupts the next one, where interrupts are off under the lock. */
const ROUNDS_PER_INTERRUPT = 32;
const WAIT_NS = 100e6;

const data = workerData as { smplab: { memory: SharedArrayBuffer }; hammer: HammerOrder };
const order = data.hammer;

// As the CPUs of a machine run.
setFlagsFromString('--max-inlined-bytecode-size-cumulative=3000');
attach(data.smplab.memory);
const { torture, cpus } = placesOf(order.config);
const mine: LockTortureCpuPtr = cpus[order.index]!;
const theLock = LockTorture.lock.at(torture);

/** xorshift32, of its own for each CPU. */
let random = (Math.imul(order.seed, 0x9e3779b1) ^ Math.imul(order.index + 1, 0x85ebca6b)) | 1;
function randomBelow(limit: number): number {
  random ^= random << 13;
  random ^= random >>> 17;
  random ^= random << 5;
  return ((random >>> 0) / 0x1_0000_0000) * limit;
}

function begin(): void {
  if (order.index === 0) {
    formatMemory(order.config, order.times);
    initLock(theLock, order.kind, order.irqOff ? CLASS_WAITQUEUE : CLASS_FILE, 0);
  } else {
    while (Machine.sealed.load(MACHINE) === 0) Machine.sealed.wait(MACHINE, 0, WAIT_NS);
  }
  startCpu(order.index, clockOffset(order.times.hostNs));
  // Threads start at different times; whoever began alone would be far ahead of the others.
  LockTorture.ready.add(torture, 1);
  LockTorture.ready.notify(torture);
  for (let ready = 0; ready < order.config.cpus; ready = LockTorture.ready.load(torture)) {
    LockTorture.ready.wait(torture, ready, WAIT_NS);
  }
}

function hammer(): void {
  const next = cpuRecord((order.index + 1) % order.config.cpus);
  for (let round = 1; LockTorture.stop.load(torture) === 0; round++) {
    LockTortureCpu.doing.set(mine, DOING_WAIT);
    if (order.irqOff) lockIrqOff(theLock);
    else lock(theLock);
    LockTortureCpu.doing.set(mine, DOING_HOLD);
    inside(round);
    if (order.irqOff) unlockIrqOn(theLock);
    else unlock(theLock);
    LockTortureCpu.doing.set(mine, DOING_REST);
    if (order.irqOff && round % ROUNDS_PER_INTERRUPT === 0) raiseInterrupt(next, IRQ_CALL);
    if (order.restNs > 0 && round % ROUNDS_PER_REST === 0) {
      sleepOnDoorbell(cpu, CpuCore.doorbell.load(cpu), randomBelow(order.restNs));
    }
  }
}

/** What is done under the lock. */
function inside(round: number): void {
  const me = order.index + 1;
  const interruptsBefore = Cpu.interruptsTaken.get(cpu);
  const releasedAtNs = LockTorture.releasedAtNs.get(torture);
  if (releasedAtNs !== 0) {
    if (LockTorture.lastOwner.get(torture) !== me) noteHandoff(hostNow() - releasedAtNs);
    LockTorture.releasedAtNs.set(torture, 0);
  }
  if (LockTorture.owner.get(torture) !== 0) noteIntruder(LockTorture.owner.get(torture));
  LockTorture.owner.set(torture, me);
  const counter = LockTorture.counter.get(torture);
  LockTortureCpu.acquisitions.set(mine, LockTortureCpu.acquisitions.get(mine) + 1);
  if (order.holdNs > 0) holdOn(randomBelow(order.holdNs));
  // As code under the lock does that takes and leaves another one.
  if (order.irqOff) pollInterrupts();
  LockTorture.counter.set(torture, counter + 1);
  LockTorture.lastOwner.set(torture, me);
  if (LockTorture.owner.get(torture) !== me) noteIntruder(LockTorture.owner.get(torture));
  LockTorture.owner.set(torture, 0);
  if (order.irqOff && Cpu.interruptsTaken.get(cpu) !== interruptsBefore) {
    LockTortureCpu.interruptsInside.set(mine, LockTortureCpu.interruptsInside.get(mine) + 1);
  }
  if (round % ROUNDS_PER_STAMP === 0) LockTorture.releasedAtNs.set(torture, hostNow());
}

function noteHandoff(ns: number): void {
  const bucket = histogramBucket(ns);
  LockTortureCpu.handoffs.setAt(mine, bucket, LockTortureCpu.handoffs.getAt(mine, bucket) + 1);
}

function noteIntruder(who: number): void {
  if (LockTortureCpu.intrusions.get(mine) === 0) LockTortureCpu.intruder.set(mine, who);
  LockTortureCpu.intrusions.set(mine, LockTortureCpu.intrusions.get(mine) + 1);
}

function holdOn(ns: number): void {
  const endNs = hostNow() + ns;
  while (hostNow() < endNs);
}

begin();
hammer();
LockTortureCpu.doing.set(mine, DOING_ENDED);
parentPort!.postMessage('ended');
