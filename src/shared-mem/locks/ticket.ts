/**
 * Ticket lock: draw a number, wait until it is served. First come, first served; every waiter spins on one word, so
 * each release costs a miss for each of them.
 */
import type { LockOps, SpinLockPtr } from './spin-lock.ts';
import { ACQUIRED, SpinLock } from './spin-lock.ts';

/** Tickets stay non-negative, so that none is mistaken for ACQUIRED. */
const TICKET_MASK = 0x7fffffff;

function ticketBegin(l: SpinLockPtr): number {
  const turn = SpinLock.word.add(l, 1) & TICKET_MASK;
  return (SpinLock.serving.load(l) & TICKET_MASK) === turn ? ACQUIRED : turn;
}

function ticketStep(l: SpinLockPtr, turn: number): number {
  const serving = SpinLock.serving.load(l);
  if ((serving & TICKET_MASK) === turn) return ACQUIRED;
  SpinLock.serving.spin(l, serving);
  return turn;
}

function ticketLeave(l: SpinLockPtr): number {
  SpinLock.serving.add(l, 1);
  return SpinLock.sleepers.load(l);
}

function ticketAnnounce(l: SpinLockPtr, sleepers: number): void {
  SpinLock.sleepers.add(l, sleepers);
}

function ticketIsNext(l: SpinLockPtr, turn: number): number {
  return (SpinLock.serving.load(l) & TICKET_MASK) === turn ? 1 : 0;
}

export const ticketOps: LockOps = {
  begin: ticketBegin,
  step: ticketStep,
  leave: ticketLeave,
  announce: ticketAnnounce,
  isNext: ticketIsNext,
};
