/**
 * Pending signals as a thread sees them: its own and its process's, and its mask. For delivery, signalfd, and the calls
 * on masks; always for the calling thread, except where a function says otherwise.
 */
import { lockIrqOff, unlockIrqOn } from '../irq/locking.ts';
import type { ProcessPtr } from '../process/process.ts';
import { Process } from '../process/process.ts';
import type { TaskPtr } from '../task/task.ts';
import { ATTENTION_SIGNAL, Task } from '../task/task.ts';
import { SIGKILL } from '../abi/flags-signal.ts';
import { firstSignal, highBit, lowBit, UNBLOCKABLE_LOW } from './mask.ts';
import { retargetShared } from './send.ts';

/**
 * Takes the first pending signal of a set, the thread's own before the process's; what is not in the set stays pending.
 * The process's signal lock is held. (Taking first and looking at the mask then is bug 7 of the zoo: what is blocked is
 * lost.) @returns the signal, or 0 if none of the set is pending
 */
export function takePendingLocked(t: TaskPtr, p: ProcessPtr, low: number, high: number): number {
  const ownLow = Task.pendingLow.load(t) & low;
  const ownHigh = Task.pendingHigh.load(t) & high;
  const sharedLow = Process.pendingLow.load(p) & low;
  const sharedHigh = Process.pendingHigh.load(p) & high;
  const killed = (sharedLow & lowBit(SIGKILL)) !== 0;
  const own = killed ? 0 : firstSignal(ownLow, ownHigh);
  if (own !== 0) {
    Task.pendingLow.and(t, ~lowBit(own));
    Task.pendingHigh.and(t, ~highBit(own));
    return own;
  }
  const shared = firstSignal(sharedLow, sharedHigh);
  Process.pendingLow.and(p, ~lowBit(shared));
  Process.pendingHigh.and(p, ~highBit(shared));
  return shared;
}

/** Words of what is pending for the thread, itself or its process. */
export function pendingLowOf(t: TaskPtr, p: ProcessPtr): number {
  return Task.pendingLow.load(t) | Process.pendingLow.load(p);
}
export function pendingHighOf(t: TaskPtr, p: ProcessPtr): number {
  return Task.pendingHigh.load(t) | Process.pendingHigh.load(p);
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
  const closedLow = newLow & ~Task.blockedLow.load(t) & Process.pendingLow.load(p);
  const closedHigh = high & ~Task.blockedHigh.load(t) & Process.pendingHigh.load(p);
  Task.blockedLow.store(t, newLow);
  Task.blockedHigh.store(t, high);
  const open = anyUnblocked(t, p);
  unlockIrqOn(Process.signalLock.at(p));
  if (open) Task.attention.or(t, ATTENTION_SIGNAL);
  if ((closedLow | closedHigh) !== 0) retargetShared(p, closedLow, closedHigh);
}

/**
 * A thread is about to end. From here on no signal is meant for it, not even SIGKILL; what its process has pending and
 * it may have been told of goes to another thread. Called while the thread still keeps its process alive.
 */
export function leaveSignals(t: TaskPtr): void {
  const p = Task.process.get(t) as ProcessPtr;
  lockIrqOff(Process.signalLock.at(p));
  const low = Process.pendingLow.load(p) & ~Task.blockedLow.load(t);
  const high = Process.pendingHigh.load(p) & ~Task.blockedHigh.load(t);
  Task.blockedLow.store(t, -1);
  Task.blockedHigh.store(t, -1);
  unlockIrqOn(Process.signalLock.at(p));
  if ((low | high) !== 0) retargetShared(p, low, high);
}
