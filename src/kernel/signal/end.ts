/**
 * A thread ends: what becomes of its signals. Called by process/exit.ts, on the thread's own CPU.
 */
import { lockIrqOff, unlockIrqOn } from '../irq/locking.ts';
import type { ProcessPtr } from '../process/process.ts';
import { Process } from '../process/process.ts';
import type { TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';
import { disarmRealTimerLocked } from './itimer.ts';
import { countOutLocked } from './job-control.ts';
import { dropFromSetLocked } from './pending-set.ts';
import { PendingSet } from './pending-struct.ts';
import { retargetShared } from './send.ts';

/**
 * From here on no signal is meant for the thread, not even SIGKILL; what its process has pending and it may have been
 * told of goes to another thread. Called while the thread still keeps its process alive.
 */
export function leaveSignals(t: TaskPtr): void {
  const p = Task.process.get(t) as ProcessPtr;
  lockIrqOff(Process.signalLock.at(p));
  const low = PendingSet.low.load(Process.pending.at(p)) & ~Task.blockedLow.load(t);
  const high = PendingSet.high.load(Process.pending.at(p)) & ~Task.blockedHigh.load(t);
  Task.blockedLow.store(t, -1);
  Task.blockedHigh.store(t, -1);
  unlockIrqOn(Process.signalLock.at(p));
  if ((low | high) !== 0) retargetShared(p, low, high);
}

/**
 * The thread has left the list of its process, whose lock is held, so that nobody sends to it any more: what it had
 * pending is forgotten. With the last thread so is what the process had, and its timer.
 */
export function endSignals(t: TaskPtr, p: ProcessPtr, last: boolean): void {
  lockIrqOff(Process.signalLock.at(p));
  countOutLocked(t, p);
  dropFromSetLocked(Task.pending.at(t), -1, -1);
  if (last) {
    dropFromSetLocked(Process.pending.at(p), -1, -1);
    disarmRealTimerLocked(p);
  }
  unlockIrqOn(Process.signalLock.at(p));
}
