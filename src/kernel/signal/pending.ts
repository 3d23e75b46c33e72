/**
 * Pending signals as a thread sees them: its own and its process's, and its mask. For delivery, signalfd, and the calls
 * on masks; always for the calling thread, except where a function says otherwise.
 *
 * Masks and pending bits are written under the signal lock alone, so whoever holds it reads them plainly; and a thread its
 * own mask always, which nobody else writes.
 */
import { lockIrqOff, unlockIrqOn } from '../irq/locking.ts';
import type { ProcessPtr } from '../process/process.ts';
import { Process } from '../process/process.ts';
import type { TaskPtr } from '../task/task.ts';
import { ATTENTION_SIGNAL, Task } from '../task/task.ts';
import { SIGALRM, SIGKILL } from '../abi/flags-signal.ts';
import { clockNow } from '../time/clock.ts';
import { rearmRealTimerLocked } from './itimer.ts';
import { firstSignal, lowBit, UNBLOCKABLE_LOW } from './mask.ts';
import { takeFromSetLocked } from './pending-set.ts';
import { PendingSet } from './pending-struct.ts';
import { retargetShared } from './send.ts';

/**
 * Takes the first pending signal of a set, the thread's own before the process's; what is not in the set stays pending.
 * The process's signal lock is held. (Taking first and looking at the mask then is bug 7 of the zoo: what is blocked is
 * lost.) What is known of the signal stands in the CPU's `takenInfo`.
 * @returns the signal, or 0 if none of the set is pending
 */
export function takePendingLocked(t: TaskPtr, p: ProcessPtr, low: number, high: number): number {
  const ownLow = PendingSet.low.peek(Task.pending.at(t)) & low;
  const ownHigh = PendingSet.high.peek(Task.pending.at(t)) & high;
  const sharedLow = PendingSet.low.peek(Process.pending.at(p)) & low;
  const sharedHigh = PendingSet.high.peek(Process.pending.at(p)) & high;
  const killed = (sharedLow & lowBit(SIGKILL)) !== 0;
  const own = killed ? 0 : firstSignal(ownLow, ownHigh);
  if (own !== 0) {
    takeFromSetLocked(Task.pending.at(t), own);
    return own;
  }
  const shared = firstSignal(sharedLow, sharedHigh);
  if (shared === 0) return 0;
  takeFromSetLocked(Process.pending.at(p), shared);
  if (shared === SIGALRM) rearmRealTimerLocked(p, clockNow());
  return shared;
}

/** Words of what is pending for the thread, itself or its process. */
export function pendingLowOf(t: TaskPtr, p: ProcessPtr): number {
  return PendingSet.low.load(Task.pending.at(t)) | PendingSet.low.load(Process.pending.at(p));
}
export function pendingHighOf(t: TaskPtr, p: ProcessPtr): number {
  return PendingSet.high.load(Task.pending.at(t)) | PendingSet.high.load(Process.pending.at(p));
}

/** Is anything pending that the thread does not block? */
export function anyUnblocked(t: TaskPtr, p: ProcessPtr): boolean {
  const low = pendingLowOf(t, p) & ~Task.blockedLow.load(t);
  const high = pendingHighOf(t, p) & ~Task.blockedHigh.load(t);
  return (low | high) !== 0;
}

/**
 * Gives the calling thread a new mask. What it opens is noticed at the next boundary; what the process has pending and
 * this thread now blocks goes to another thread.
 */
export function changeMask(t: TaskPtr, low: number, high: number): void {
  const p = Task.process.get(t) as ProcessPtr;
  const newLow = low & ~UNBLOCKABLE_LOW;
  lockIrqOff(Process.signalLock.at(p));
  const sharedLow = PendingSet.low.peek(Process.pending.at(p));
  const sharedHigh = PendingSet.high.peek(Process.pending.at(p));
  const closedLow = newLow & ~Task.blockedLow.peek(t) & sharedLow;
  const closedHigh = high & ~Task.blockedHigh.peek(t) & sharedHigh;
  if (Task.blockedLow.peek(t) !== newLow) Task.blockedLow.store(t, newLow);
  if (Task.blockedHigh.peek(t) !== high) Task.blockedHigh.store(t, high);
  const openLow = (PendingSet.low.peek(Task.pending.at(t)) | sharedLow) & ~newLow;
  const openHigh = (PendingSet.high.peek(Task.pending.at(t)) | sharedHigh) & ~high;
  const open = (openLow | openHigh) !== 0;
  unlockIrqOn(Process.signalLock.at(p));
  if (open) Task.attention.or(t, ATTENTION_SIGNAL);
  if ((closedLow | closedHigh) !== 0) retargetShared(p, closedLow, closedHigh);
}
