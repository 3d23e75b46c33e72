/**
 * Test-and-test-and-set: look before you exchange, so that waiters share the line instead of fighting for it. After a
 * lost exchange a CPU backs off for twice as many looks as the last time. Unfair: whoever comes at the right moment
 * gets it.
 *
 * Held or not and how many sleep for it stand in one word, so that taking and leaving are one operation each, and the
 * one that leaves learns from the same operation whether somebody must be kicked.
 */
import type { LockOps, SpinLockPtr } from './spin-lock.ts';
import { ACQUIRED, SpinLock } from './spin-lock.ts';

const HELD = 1;
const SLEEPER = 2;
const BACKOFF_MAX = 64;

function ttasBegin(l: SpinLockPtr): number {
  return SpinLock.word.compareExchange(l, 0, HELD) === 0 ? ACQUIRED : 1;
}

/** The turn is the number of looks to waste after a lost exchange. */
function ttasStep(l: SpinLockPtr, turn: number): number {
  const seen = SpinLock.word.load(l);
  if ((seen & HELD) !== 0) {
    SpinLock.word.spin(l, seen);
    return turn;
  }
  if (SpinLock.word.compareExchange(l, seen, seen | HELD) === seen) return ACQUIRED;
  for (let look = 0; look < turn; look++) {
    const now = SpinLock.word.load(l);
    if ((now & HELD) !== 0) SpinLock.word.spin(l, now);
  }
  return turn < BACKOFF_MAX ? turn * 2 : turn;
}

function ttasLeave(l: SpinLockPtr): number {
  return SpinLock.word.sub(l, HELD) - HELD;
}

function ttasAnnounce(l: SpinLockPtr, sleepers: number): void {
  SpinLock.word.add(l, sleepers * SLEEPER);
}

function ttasIsNext(_l: SpinLockPtr, _turn: number): number {
  return 1;
}

export const ttasOps: LockOps = {
  begin: ttasBegin,
  step: ttasStep,
  leave: ttasLeave,
  announce: ttasAnnounce,
  isNext: ttasIsNext,
};
