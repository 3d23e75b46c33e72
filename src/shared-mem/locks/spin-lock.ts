/**
 * One shape for every spinlock, so that an algorithm is chosen by name at boot, for the machine or for a class.
 *
 * An algorithm answers three questions, none of which waits: `begin` (may I have it? else my turn), `step` (my turn
 * yet?) and `leave`. Waiting, sleeping, accounting and checking are the same for all and stand in lock.ts.
 */
import type { Ptr } from '../pointer.ts';
import { atomic, plain, struct } from '../struct.ts';

export type SpinLockPtr = Ptr<'SpinLock'>;

export const SpinLock = struct('SpinLock', {
  /** ttas: bit 0 held, above it the number of sleepers. ticket: the next ticket. Never zeroed by attaching. */
  word: atomic(),
  /** ticket: the ticket now served. */
  serving: atomic(),
  /** ticket: CPUs that sleep for this lock. */
  sleepers: atomic(),
  /** algorithm | class << 8 | level << 16 */
  info: plain('immutable'),
});

/** What `begin` and `step` answer when the lock is ours; any other answer is our turn. */
export const ACQUIRED = -1;

export interface LockOps {
  readonly begin: (l: SpinLockPtr) => number;
  readonly step: (l: SpinLockPtr, turn: number) => number;
  /** @returns 0 if nobody slept for the lock when it became free */
  readonly leave: (l: SpinLockPtr) => number;
  /** A CPU is about to sleep for the lock (1), or no longer does (-1). */
  readonly announce: (l: SpinLockPtr, sleepers: number) => void;
  /** Would `step` with this turn succeed now? Decides whom a release kicks. */
  readonly isNext: (l: SpinLockPtr, turn: number) => number;
}

/** Of an info word, wherever it was read. */
export function lockKindOfInfo(info: number): number {
  return info & 0xff;
}
export function lockKindOf(l: SpinLockPtr): number {
  return lockKindOfInfo(SpinLock.info.get(l));
}
export function lockClassOf(l: SpinLockPtr): number {
  return (SpinLock.info.get(l) >> 8) & 0xff;
}
export function lockLevelOf(l: SpinLockPtr): number {
  return SpinLock.info.get(l) >> 16;
}
