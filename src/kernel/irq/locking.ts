/**
 * Taking locks from kernel code. Two pairs, chosen by the class of the lock (shared-mem/locks/classes.ts):
 *
 *   lock, unlock                for locks that no interrupt handler takes; interrupts are taken while waiting
 *   lockIrqOff, unlockIrqOn     for locks that one does: interrupts are off from before the lock until after
 *
 * There are no try/finally around locks: an exception in kernel code is a panic, and the machine's end.
 */
import { CHECKS } from '../../shared-mem/boot-constants.ts';
import { acquire, awaitTurn, beginAcquire, initLock, pushHeld, release } from '../../shared-mem/locks/lock.ts';
import type { SpinLockPtr } from '../../shared-mem/locks/spin-lock.ts';
import { ACQUIRED } from '../../shared-mem/locks/spin-lock.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { interruptsOff, interruptsOn, pollInterrupts } from './interrupts.ts';

/** A lock's first and only initialisation, with the algorithm that the machine was booted with for its class. */
export function initClassLock(l: SpinLockPtr, lockClass: number, level: number): void {
  initLock(l, Machine.lockKinds.getAt(MACHINE, lockClass), lockClass, level);
}

export function lock(l: SpinLockPtr): void {
  let turn = beginAcquire(l);
  while (turn !== ACQUIRED) {
    pollInterrupts();
    turn = awaitTurn(l, turn);
  }
  if (CHECKS) pushHeld(l);
}

export function unlock(l: SpinLockPtr): void {
  release(l);
  pollInterrupts();
}

export function lockIrqOff(l: SpinLockPtr): void {
  interruptsOff();
  acquire(l);
}

export function unlockIrqOn(l: SpinLockPtr): void {
  release(l);
  interruptsOn();
}
