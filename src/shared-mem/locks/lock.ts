/**
 * Taking and leaving a spinlock: spin a bounded while, then sleep on the doorbell until a release kicks.
 *
 * Sleeping is what lets more CPUs than host cores make progress: a spinner would burn the time slice that the holder
 * needs. Why no kick is lost: the waiter announces itself (`sleepLock`, `announce`), then asks for its turn once
 * more, then sleeps; the releaser leaves the lock and learns whether anyone is announced. All are sequentially consistent, so
 * one of the two sees the other. A waiter that gets the lock withdraws its announcement before it can release, so a
 * release never spends its kick on the holder.
 *
 * These functions take no interrupts: kernel/irq/locking.ts wraps them for code that runs with interrupts on.
 */
import { CHECKS } from '../boot-constants.ts';
import { CpuCore, cpuAt, ring, sleepOnDoorbell } from '../cpu-core.ts';
import { HELD_MAX } from '../guard.ts';
import { panic } from '../panic.ts';
import type { CpuPtr } from '../pointer.ts';
import { NULL } from '../pointer.ts';
import { cpu } from '../self.ts';
import { CLASS_SLAB, LOCK_CLASSES } from './classes.ts';
import type { LockOps, SpinLockPtr } from './spin-lock.ts';
import { ACQUIRED, lockClassOf, lockKindOf, lockLevelOf, SpinLock } from './spin-lock.ts';
import { ticketOps } from './ticket.ts';
import { ttasOps } from './ttas.ts';

/** In the order of LOCK_NAMES. */
export const lockOps: readonly LockOps[] = [ttasOps, ticketOps];

/** A lock's first and only initialisation; its words are already 0. */
export function initLock(l: SpinLockPtr, kind: number, lockClass: number, level: number): void {
  SpinLock.info.set(l, kind | (lockClass << 8) | (level << 16));
}

export function acquire(l: SpinLockPtr): void {
  let turn = beginAcquire(l);
  while (turn !== ACQUIRED) turn = awaitTurn(l, turn);
  if (CHECKS) pushHeld(l);
}

/** The first step of taking a lock: ACQUIRED, or the turn to wait for with `awaitTurn`. */
export function beginAcquire(l: SpinLockPtr): number {
  if (CHECKS) checkOrder(l);
  return lockOps[lockKindOf(l)]!.begin(l);
}

/** One turn of waiting; past the spin budget it sleeps. */
export function awaitTurn(l: SpinLockPtr, turn: number): number {
  const spun = CpuCore.spun.get(cpu) + 1;
  if (spun <= CpuCore.spinBudget.get(cpu)) {
    const now = lockOps[lockKindOf(l)]!.step(l, turn);
    // The next wait has a budget of its own.
    CpuCore.spun.set(cpu, now === ACQUIRED ? 0 : spun);
    return now;
  }
  CpuCore.spun.set(cpu, 0);
  return sleepForTurn(l, turn);
}

function sleepForTurn(l: SpinLockPtr, turn: number): number {
  const seen = CpuCore.doorbell.load(cpu);
  CpuCore.sleepToken.store(cpu, turn);
  CpuCore.sleepLock.store(cpu, l);
  lockOps[lockKindOf(l)]!.announce(l, 1);
  let now = lockOps[lockKindOf(l)]!.step(l, turn);
  if (now !== ACQUIRED) {
    CpuCore.lockSleeps.set(cpu, CpuCore.lockSleeps.get(cpu) + 1);
    sleepOnDoorbell(cpu, seen, Number.POSITIVE_INFINITY);
    now = lockOps[lockKindOf(l)]!.step(l, now);
  }
  CpuCore.sleepLock.store(cpu, NULL);
  lockOps[lockKindOf(l)]!.announce(l, -1);
  return now;
}

export function release(l: SpinLockPtr): void {
  if (CHECKS) popHeld(l);
  if (lockOps[lockKindOf(l)]!.leave(l) !== 0) kickSleeper(l);
}

/** Rings the next in line (FIFO locks), or the first sleeper after this CPU (the others). */
function kickSleeper(l: SpinLockPtr): void {
  const cpus = CpuCore.cpus.get(cpu);
  const self = CpuCore.index.get(cpu);
  for (let i = 1; i <= cpus; i++) {
    const other = cpuAt(cpu, (self + i) % cpus) as CpuPtr;
    if (CpuCore.sleepLock.load(other) !== l) continue;
    const turn = CpuCore.sleepToken.load(other);
    if (lockOps[lockKindOf(l)]!.isNext(l, turn) === 0) continue;
    ring(other);
    return;
  }
}

/** Panics unless this CPU may take `l` now: what it holds ranks above, or is of the same class and may nest. */
function checkOrder(l: SpinLockPtr): void {
  const lockClass = lockClassOf(l);
  if (lockClass === 0) panic(`lock ${l} was never initialised`);
  const rule = LOCK_CLASSES[lockClass]!;
  const count = CpuCore.heldCount.get(cpu);
  let sameClass = 0;
  for (let i = 0; i < count; i++) {
    const other = CpuCore.held.getAt(cpu, i * 2) as SpinLockPtr;
    const otherClass = CpuCore.held.getAt(cpu, i * 2 + 1);
    if (other === l) panic(`lock ${rule.name} (${l}) taken twice by one CPU`);
    if (otherClass < lockClass) continue;
    if (otherClass > lockClass || rule.nesting === 'none') panic(orderMessage(l, other));
    if (rule.nesting === 'level' && lockLevelOf(other) >= lockLevelOf(l)) panic(orderMessage(l, other));
    if (++sameClass === rule.depth) panic(`lock ${rule.name} (${l}) nests deeper than ${rule.depth}`);
  }
  if (rule.irqSafe && lockClass !== CLASS_SLAB && CpuCore.irqDepth.get(cpu) === 0) {
    panic(`lock ${rule.name} (${l}) is shared with interrupts and taken with interrupts on`);
  }
}

function orderMessage(l: SpinLockPtr, other: SpinLockPtr): string {
  return `lock order: ${className(lockClassOf(l))} (${l}) taken while ${className(lockClassOf(other))} (${other}) is held`;
}

/** Records a lock as held, and counts it. With checks on only. */
export function pushHeld(l: SpinLockPtr): void {
  const count = CpuCore.heldCount.get(cpu);
  if (count === HELD_MAX) panic('more locks held at once than any path takes');
  CpuCore.held.setAt(cpu, count * 2, l);
  CpuCore.held.setAt(cpu, count * 2 + 1, lockClassOf(l));
  CpuCore.heldCount.set(cpu, count + 1);
  CpuCore.locksTaken.set(cpu, CpuCore.locksTaken.get(cpu) + 1);
}

/** Removes a lock from the held ones, from anywhere: hand-over-hand releases the outer one first. */
export function popHeld(l: SpinLockPtr): void {
  const count = CpuCore.heldCount.get(cpu);
  for (let i = count - 1; i >= 0; i--) {
    if (CpuCore.held.getAt(cpu, i * 2) !== l) continue;
    for (let j = i; j < count - 1; j++) {
      CpuCore.held.setAt(cpu, j * 2, CpuCore.held.getAt(cpu, j * 2 + 2));
      CpuCore.held.setAt(cpu, j * 2 + 1, CpuCore.held.getAt(cpu, j * 2 + 3));
    }
    CpuCore.heldCount.set(cpu, count - 1);
    return;
  }
  panic(`lock ${className(lockClassOf(l))} (${l}) released by a CPU that does not hold it`);
}

function className(lockClass: number): string {
  return LOCK_CLASSES[lockClass]?.name ?? `class ${lockClass}`;
}
