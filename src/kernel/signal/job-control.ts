/**
 * Job control: a process stops and goes on as a whole.
 *
 *     a thread takes a stop signal ─▶ beginStop      every thread is to stop (ATTENTION_STOP), and is woken
 *     each thread, at its boundary ─▶ mustStopLocked it counts itself out; the last one completes the stop
 *     it sleeps (the trap loop)                      its call's result waits in the frame
 *     somebody sends SIGCONT       ─▶ continueLocked nobody is to stop any more; every thread is woken
 *
 * To stop is to be asleep for no file: the call has been left, as for any signal, with the answer that it gives when it
 * is interrupted. So epoll_wait answers EINTR afterwards (E10) and poll goes on as if nothing had been (L3).
 *
 * Why no continuation is lost. Whether the process is stopped is written under its signal lock; a thread looks under that
 * lock, and only then commits to sleep, by a compareExchange that a wake spoils. SIGCONT's sender writes under the lock
 * and wakes every thread after it. If the thread looks after the write, it does not stop. If it looks before, the wake
 * comes after its look: it finds the thread asleep and makes it runnable, or finds it on its way and turns it WOKEN, so
 * that the commit fails and the thread looks again. SIGKILL passes the same way. A wake for nothing is only one look
 * more: the thread is counted out once, by the bit that it loses.
 *
 * A thread that took a stop signal lets go of the lock before the stop begins, for the threads stand under another one. A
 * SIGCONT that is sent in between must win: it takes back the note that the stop would need (`stopTaken`).
 *
 * Linux: kernel/signal.c, prepare_signal, do_signal_stop, task_participate_group_stop.
 */
import { List, ListNode } from '../../shared-mem/list.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { CLD_CONTINUED, CLD_STOPPED, SIGKILL } from '../abi/flags-signal.ts';
import { lock, lockIrqOff, unlock, unlockIrqOn } from '../irq/locking.ts';
import type { ProcessPtr } from '../process/process.ts';
import { Process, PROCESS_LIVE } from '../process/process.ts';
import { wakeThreads } from '../process/threads.ts';
import type { TaskPtr } from '../task/task.ts';
import { ATTENTION_INTERRUPTED, ATTENTION_STOP, REASON_SIGNAL, Task } from '../task/task.ts';
import { firstSignal, lowBit, STOP_LOW } from './mask.ts';
import { dropFromSetLocked } from './pending-set.ts';
import { PendingSet } from './pending-struct.ts';
import { targetLocked } from './target.ts';

/** The calling thread took a stop signal and left it in `stopTaken`. Called without locks. */
export function beginStop(t: TaskPtr, p: ProcessPtr): void {
  lock(Process.lock.at(p));
  lockIrqOff(Process.signalLock.at(p));
  const signal = Process.stopTaken.get(p);
  Process.stopTaken.set(p, 0);
  const begins = signal !== 0 && Process.stopSignal.load(p) === 0 && Process.state.load(p) === PROCESS_LIVE;
  if (begins) {
    Process.stopSignal.store(p, signal);
    let count = 0;
    for (let node = List.first.get(Process.threads.at(p)); node !== 0; node = ListNode.next.get(node)) {
      Task.attention.or(Task.threadNode.outer(node), ATTENTION_STOP);
      count++;
    }
    Process.stopLeft.set(p, count);
  }
  unlockIrqOn(Process.signalLock.at(p));
  unlock(Process.lock.at(p));
  if (begins) wakeThreads(p, t, REASON_SIGNAL);
}

/** A thread is born into the process, whose lock is held: if the others are stopping, so does it. */
export function joinStop(t: TaskPtr, p: ProcessPtr): void {
  if (Process.stopSignal.load(p) === 0) return;
  lockIrqOff(Process.signalLock.at(p));
  if (Process.stopSignal.load(p) !== 0) {
    Task.attention.or(t, ATTENTION_STOP);
    Process.stopLeft.set(p, Process.stopLeft.get(p) + 1);
  }
  unlockIrqOn(Process.signalLock.at(p));
}

/** Must the calling thread sleep until the process goes on? Only SIGKILL passes a stop. */
export function mustStopLocked(t: TaskPtr, p: ProcessPtr): boolean {
  if (Process.stopSignal.load(p) === 0) return false;
  const pending = PendingSet.low.load(Task.pending.at(t)) | PendingSet.low.load(Process.pending.at(p));
  if ((pending & lowBit(SIGKILL)) !== 0) return false;
  Task.stopped.store(t, 1);
  countOutLocked(t, p);
  return true;
}

/** A thread has stopped, or ends instead: the stop waits for it no more. The last one completes it. */
export function countOutLocked(t: TaskPtr, p: ProcessPtr): void {
  if ((Task.attention.load(t) & ATTENTION_STOP) === 0) return;
  Task.attention.and(t, ~ATTENTION_STOP);
  const left = Process.stopLeft.get(p) - 1;
  Process.stopLeft.set(p, left);
  if (left !== 0 || Process.state.load(p) !== PROCESS_LIVE) return;
  Process.stopNews.set(p, CLD_STOPPED);
  Process.stopTelling.set(p, CLD_STOPPED);
}

/**
 * SIGCONT was sent, whatever becomes of it then: what would stop the process is forgotten, and a stop is over. Both
 * locks are held.
 * @returns true if threads are to be woken, after the locks
 */
export function continueLocked(p: ProcessPtr): boolean {
  Process.stopTaken.set(p, 0);
  const spared = forgetStopsLocked(p);
  if (Process.stopSignal.load(p) === 0) return spared;
  // One that was still under way counts as completed; of its end the parent is not told then (a signal a time).
  Process.stopTelling.set(p, Process.stopLeft.get(p) === 0 ? CLD_CONTINUED : CLD_STOPPED);
  Process.stopNews.set(p, CLD_CONTINUED);
  Process.stopSignal.store(p, 0);
  Process.stopLeft.set(p, 0);
  for (let node = List.first.get(Process.threads.at(p)); node !== 0; node = ListNode.next.get(node)) {
    const t = Task.threadNode.outer(node);
    Task.stopped.store(t, 0);
    Task.attention.and(t, ~ATTENTION_STOP);
    // Whoever has not stopped yet was told to: its call is interrupted, as if it had been in time.
    Task.attention.or(t, ATTENTION_INTERRUPTED);
  }
  return true;
}

/**
 * Drops pending stop signals. A thread that would have taken one was told of it already, and its call is interrupted as
 * on Linux, however quickly SIGCONT follows: TIF_SIGPENDING stays. @returns true if there is such a thread
 */
function forgetStopsLocked(p: ProcessPtr): boolean {
  let spared = false;
  const shared = PendingSet.low.load(Process.pending.at(p)) & STOP_LOW;
  const told = shared === 0 ? NULL : targetLocked(p, firstSignal(shared, 0));
  dropFromSetLocked(Process.pending.at(p), STOP_LOW, 0);
  for (let node = List.first.get(Process.threads.at(p)); node !== 0; node = ListNode.next.get(node)) {
    const t = Task.threadNode.outer(node);
    const own = PendingSet.low.load(Task.pending.at(t)) & STOP_LOW;
    if (own !== 0) dropFromSetLocked(Task.pending.at(t), STOP_LOW, 0);
    if (t !== told && (own & ~Task.blockedLow.load(t)) === 0) continue;
    Task.attention.or(t, ATTENTION_INTERRUPTED);
    spared = true;
  }
  return spared;
}

/** Is the process stopped, all of it? One that is ending is not. */
export function isStopped(p: ProcessPtr): boolean {
  lockIrqOff(Process.signalLock.at(p));
  const stopped = Process.stopSignal.load(p) !== 0 && Process.stopLeft.get(p) === 0;
  unlockIrqOn(Process.signalLock.at(p));
  return stopped && Process.state.load(p) === PROCESS_LIVE;
}

/** For wait4. @param keep true: it stays to be told (WNOWAIT) @returns the signal of a stop not told yet, or 0 */
export function takeStopped(p: ProcessPtr, keep: boolean): number {
  lockIrqOff(Process.signalLock.at(p));
  const lives = Process.state.load(p) === PROCESS_LIVE;
  const signal = lives && Process.stopNews.get(p) === CLD_STOPPED ? Process.stopSignal.load(p) : 0;
  if (signal !== 0 && !keep) Process.stopNews.set(p, 0);
  unlockIrqOn(Process.signalLock.at(p));
  return signal;
}

/** For wait4. @returns true if the process goes on after a stop and this was not told yet */
export function takeContinued(p: ProcessPtr, keep: boolean): boolean {
  lockIrqOff(Process.signalLock.at(p));
  const continued = Process.state.load(p) === PROCESS_LIVE && Process.stopNews.get(p) === CLD_CONTINUED;
  if (continued && !keep) Process.stopNews.set(p, 0);
  unlockIrqOn(Process.signalLock.at(p));
  return continued;
}
