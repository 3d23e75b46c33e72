/**
 * The part of a CPU's record that locks need: who it is, what it holds, and its doorbell.
 *
 * A CPU sleeps on one word only, its doorbell: idle, waiting for a lock or for an interrupt alike. So whoever wants
 * the attention of a CPU has one thing to do, `ring`, and nobody needs to know what it sleeps for.
 *
 * Why no ring is lost: the sleeper stores `sleeping`, then Atomics.wait compares the doorbell with the value it read
 * before its last look at the world. The ringer adds to the doorbell, then loads `sleeping`. Both pairs are
 * sequentially consistent, so either the sleeper sees the new doorbell and does not sleep, or the ringer sees
 * `sleeping` and notifies.
 */
import { HELD_COUNT_OFF, HELD_MAX, HELD_OFF, HELD_STRIDE } from './guard.ts';
import { assert } from './panic.ts';
import type { CpuPtr, Ptr } from './pointer.ts';
import { atomic, cacheLine, f64, plain, plains, struct } from './struct.ts';

export const CpuCore = struct('CpuCore', {
  line: cacheLine(),
  index: plain('immutable'),
  /** This many regions with interrupts off are open. */
  irqDepth: plain('owned:cpu'),
  /** Turns of the lock wait now under way. */
  spun: plain('owned:cpu'),
  /** Turns before a lock wait sleeps. */
  spinBudget: plain('immutable'),
  /** Number of CPUs, and the distance in words from one record to the next; so a core can find its neighbours. */
  cpus: plain('immutable'),
  stride: plain('immutable'),
  first: plain<CpuPtr>('immutable'),
  lockSleeps: f64('owned:cpu'),
  heldCount: plain('owned:cpu'),
  /** A slab had no record left when this CPU last asked. */
  slabWasEmpty: plain('owned:cpu'),
  /** Counted with checks on only, as those are that it holds. */
  locksTaken: f64('owned:cpu'),
  heldLine: cacheLine(),
  /** Pairs (lock, class), in the order they were taken. Kept with checks on only. */
  held: plains(HELD_MAX * HELD_STRIDE, 'owned:cpu'),
  doorbellLine: cacheLine(),
  doorbell: atomic(),
  sleeping: atomic(),
  /** A bit for each kind of interrupt that waits to be taken. */
  pending: atomic(),
  /** The lock this CPU sleeps for, and its turn there. */
  sleepLock: atomic<Ptr<'SpinLock'>>(),
  sleepToken: atomic(),
});

assert(CpuCore.heldCount.off === HELD_COUNT_OFF && CpuCore.held.off === HELD_OFF, 'guard.ts and CpuCore disagree');

/** The record of CPU `index`. */
export function cpuAt(any: CpuPtr, index: number): CpuPtr {
  return (CpuCore.first.get(any) + index * CpuCore.stride.get(any)) as CpuPtr;
}

/** Makes that CPU look at the world again, if it sleeps or is about to. */
export function ring(target: CpuPtr): void {
  CpuCore.doorbell.add(target, 1);
  if (CpuCore.sleeping.load(target) !== 0) CpuCore.doorbell.notify(target);
}

/**
 * Sleeps until the doorbell differs from `seen`, or the time is over.
 * @param seen the doorbell as read before the caller last looked whether it must sleep
 * @param timeoutNs Infinity for ever
 * @returns false if the time ran out
 */
export function sleepOnDoorbell(self: CpuPtr, seen: number, timeoutNs: number): boolean {
  CpuCore.sleeping.store(self, 1);
  const rung = CpuCore.doorbell.wait(self, seen, timeoutNs);
  CpuCore.sleeping.store(self, 0);
  return rung;
}
