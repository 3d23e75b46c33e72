/**
 * Sending signals: who gets one, what is dropped, whom it wakes. Any CPU may send to any task or process, from a system
 * call or from the work that follows a tick; no lock may be held.
 *
 *     sender                                   receiver, at its boundary (signal/deliver.ts)
 *     under Process.signalLock:                under the same lock:
 *       ignored and not blocked?  drop           attention & ~SIGNAL
 *       pending |= bit, queue what is known      pending & ~blocked
 *     attention |= SIGNAL; wake the target       handler, default, nothing
 *
 * A pending signal stays pending until somebody takes it who may: a thread that does not block it, or a read of a
 * signalfd. Nothing here looks at what the receiver does; it is told, and looks for itself.
 *
 * Why no signal is overlooked: the sender stores the pending bit, then the attention bit, then wakes. The receiver clears
 * the attention bit before it looks at the pending ones, and commits to sleep by a compareExchange which the wake spoils.
 * All of these are sequentially consistent, so the look comes after the store, or the attention bit stays set; and who
 * goes to sleep has looked at the bit after it stood ready to be woken, or is woken.
 *
 * Linux: kernel/signal.c, __send_signal_locked, prepare_signal, complete_signal.
 */
import { List, ListNode } from '../../shared-mem/list.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { generationOf, isAlive } from '../../shared-mem/slab.ts';
import { ESRCH } from '../abi/errno.ts';
import { SI_KERNEL, SI_USER, SIG_DFL, SIG_IGN, SIGCONT } from '../abi/flags-signal.ts';
import { signalBecamePending } from '../epoll/source.ts';
import { lock, lockIrqOff, unlock, unlockIrqOn } from '../irq/locking.ts';
import type { ProcessPtr } from '../process/process.ts';
import { ACTION_HANDLER, ACTION_WORDS, Process } from '../process/process.ts';
import { wakeThreads } from '../process/threads.ts';
import type { TaskPtr } from '../task/task.ts';
import { ATTENTION_SIGNAL, REASON_SIGNAL, Task } from '../task/task.ts';
import { wakeTask } from '../task/wake.ts';
import { WAKE_ALL, wakeQueue } from '../wait/wait-queue.ts';
import { continueLocked } from './job-control.ts';
import { firstSignal, highBit, isIgnoredByDefault, isStopSignal, lowBit } from './mask.ts';
import { addPendingLocked, describeSent, dropFromSetLocked } from './pending-set.ts';
import { PendingSet } from './pending-struct.ts';
import { blocks, firstThreadLocked, targetLocked } from './target.ts';

/** Key of those who stand in Process.signalQueue for signals themselves (rt_sigtimedwait): no EPOLL bit. */
export const SIGNAL_WAIT_KEY = 1 << 24;

/** A signal that the kernel itself raises against the calling thread (SIGPIPE). @returns 0 */
export function sendToThread(t: TaskPtr, signal: number): number {
  const p = Task.process.get(t) as ProcessPtr;
  // Linux fills in the thread's own process, as if it had sent the signal to itself.
  return sendSignalToTid(p, Task.tid.get(t), signal, SI_USER, Process.pid.get(p));
}

/** A signal that comes from nobody: a timer of the process has expired. @returns 0 */
export function sendFromKernel(p: ProcessPtr, signal: number): number {
  return sendSignalToProcess(p, signal, SI_KERNEL, 0);
}

/** A child of `p` ended, was stopped or goes on. @param code CLD_*, @param status exit code or signal's number @returns 0 */
export function sendChildSignal(p: ProcessPtr, signal: number, code: number, pid: number, status: number): number {
  describeSent(code, pid, 0, status, 0);
  return sendInfoToProcess(p, signal);
}

/**
 * Makes a signal pending for one thread.
 * @param signal 0: only look whether it is there, @param code SI_*, @param senderPid 0 for the kernel
 * @returns 0, -ESRCH, or -EAGAIN (pending-set.ts)
 */
export function sendSignalToTid(p: ProcessPtr, tid: number, signal: number, code: number, senderPid: number): number {
  describeSent(code, senderPid, 0, 0, 0);
  return sendInfoToTid(p, tid, signal);
}

/** Makes a signal pending for a process; one thread that does not block it is told. @returns 0 or -EAGAIN */
export function sendSignalToProcess(p: ProcessPtr, signal: number, code: number, senderPid: number): number {
  describeSent(code, senderPid, 0, 0, 0);
  return sendInfoToProcess(p, signal);
}

/** As `sendSignalToTid`, with what this CPU's `sentInfo` says. */
export function sendInfoToTid(p: ProcessPtr, tid: number, signal: number): number {
  lock(Process.lock.at(p));
  let node = List.first.get(Process.threads.at(p));
  while (node !== 0 && Task.tid.get(Task.threadNode.outer(node)) !== tid) node = ListNode.next.get(node);
  if (node === 0 || signal === 0) {
    unlock(Process.lock.at(p));
    return node === 0 ? -ESRCH : 0;
  }
  const t = Task.threadNode.outer(node);
  return sendLocked(p, t, t, signal);
}

/** As `sendSignalToProcess`, with what this CPU's `sentInfo` says. */
export function sendInfoToProcess(p: ProcessPtr, signal: number): number {
  lock(Process.lock.at(p));
  const first = firstThreadLocked(p);
  if (first === 0) {
    unlock(Process.lock.at(p));
    return 0;
  }
  return sendLocked(p, first, NULL, signal);
}

/**
 * For thread `t` or (0) for the process, whose lock is held and is released here.
 * @param asker the thread whose mask decides whether an ignored signal is kept: blocked ones are, for a signalfd (J6)
 * @returns 0 or -EAGAIN
 */
function sendLocked(p: ProcessPtr, asker: TaskPtr, t: TaskPtr, signal: number): number {
  lockIrqOff(Process.signalLock.at(p));
  const goesOn = signal === SIGCONT && continueLocked(p);
  if (isStopSignal(signal)) dropPendingLocked(p, lowBit(SIGCONT), 0);
  const dropped = isIgnoredLocked(p, signal) && !blocks(asker, signal);
  const set = t === 0 ? Process.pending.at(p) : Task.pending.at(t);
  const kept = dropped ? 0 : addPendingLocked(set, signal);
  const target = kept !== 1 ? NULL : t === 0 ? targetLocked(p, signal) : blocks(t, signal) ? NULL : t;
  const generation = target === 0 ? 0 : generationOf(target);
  unlockIrqOn(Process.signalLock.at(p));
  unlock(Process.lock.at(p));
  if (goesOn) wakeThreads(p, NULL, REASON_SIGNAL);
  if (target !== 0) interruptThread(target, generation);
  if (kept === 1) tellWatchers(p, t);
  return Math.min(kept, 0);
}

/** Would the signal, delivered, do nothing? */
export function isIgnoredLocked(p: ProcessPtr, signal: number): boolean {
  const handler = Process.actions.getAt(p, (signal - 1) * ACTION_WORDS + ACTION_HANDLER);
  return handler === SIG_IGN || (handler === SIG_DFL && isIgnoredByDefault(signal));
}

/** Drops what is pending of a set, for the process and each of its threads. */
export function dropPendingLocked(p: ProcessPtr, low: number, high: number): void {
  dropFromSetLocked(Process.pending.at(p), low, high);
  for (let node = List.first.get(Process.threads.at(p)); node !== 0; node = ListNode.next.get(node)) {
    dropFromSetLocked(Task.pending.at(Task.threadNode.outer(node)), low, high);
  }
}

/**
 * A thread is about to block more signals: those pending for the process which it was told of, and which it now leaves
 * alone, are another thread's to take. Called without locks, after the mask changed.
 */
export function retargetShared(p: ProcessPtr, low: number, high: number): void {
  let left = PendingSet.low.load(Process.pending.at(p)) & low;
  let leftHigh = PendingSet.high.load(Process.pending.at(p)) & high;
  while ((left | leftHigh) !== 0) {
    const signal = firstSignal(left, leftHigh);
    left &= ~lowBit(signal);
    leftHigh &= ~highBit(signal);
    lock(Process.lock.at(p));
    lockIrqOff(Process.signalLock.at(p));
    const target = targetLocked(p, signal);
    const generation = target === 0 ? 0 : generationOf(target);
    unlockIrqOn(Process.signalLock.at(p));
    unlock(Process.lock.at(p));
    if (target !== 0) interruptThread(target, generation);
  }
}

/** Makes a thread look at its signals at its next boundary, now if it sleeps. */
function interruptThread(t: TaskPtr, generation: number): void {
  if (!isAlive(t, generation)) return;
  Task.attention.or(t, ATTENTION_SIGNAL);
  // Even the current task of this CPU: it may be on its way to sleep, and only a wake makes its commit fail.
  wakeTask(t, generation, REASON_SIGNAL, 0, 0);
}

/** Those who wait for the signal without being interrupted by it: rt_sigtimedwait, then readers of signalfds. */
function tellWatchers(p: ProcessPtr, t: TaskPtr): void {
  wakeQueue(Process.signalQueue.at(p), SIGNAL_WAIT_KEY, WAKE_ALL, REASON_SIGNAL, 0);
  signalBecamePending(p, t);
}
