/**
 * Sending signals: who gets one, what is dropped, whom it wakes. Any CPU may send to any task or process, from a system
 * call or from the work that follows a tick; no lock may be held.
 *
 *     sender                                   receiver, at its boundary (signal/deliver.ts)
 *     under Process.signalLock:                attention & SIGNAL?
 *       ignored and not blocked?  drop           pending & ~blocked, under the same lock
 *       pending |= bit                           handler, default, nothing
 *     attention |= SIGNAL; wake the target
 *
 * A pending signal stays pending until somebody takes it who may: a thread that does not block it, or a read of a
 * signalfd. Nothing here looks at what the receiver does; it is told, and looks for itself.
 *
 * Why no signal is overlooked: the sender stores the pending bit, then the attention bit, then wakes. The receiver clears
 * the attention bit before it looks at the pending ones, and commits to sleep by a compareExchange which the wake spoils.
 * All of these are sequentially consistent, so the look comes after the store, or the attention bit stays set.
 *
 * Linux: kernel/signal.c, __send_signal_locked, complete_signal.
 */
import { List, ListNode } from '../../shared-mem/list.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { generationOf, isAlive } from '../../shared-mem/slab.ts';
import { ESRCH } from '../abi/errno.ts';
import { SI_USER, SIG_DFL, SIG_IGN, SIGCONT } from '../abi/flags-signal.ts';
import { signalBecamePending } from '../epoll/source.ts';
import { lock, lockIrqOff, unlock, unlockIrqOn } from '../irq/locking.ts';
import type { ProcessPtr } from '../process/process.ts';
import { ACTION_HANDLER, ACTION_WORDS, Process } from '../process/process.ts';
import type { TaskPtr } from '../task/task.ts';
import { ATTENTION_SIGNAL, REASON_SIGNAL, Task } from '../task/task.ts';
import { wakeTask } from '../task/wake.ts';
import { WAKE_ALL, wakeQueue } from '../wait/wait-queue.ts';
import { firstSignal, highBit, inMask, isIgnoredByDefault, isStopSignal, lowBit, STOP_LOW } from './mask.ts';

/** Key of those who stand in Process.signalQueue for signals themselves (rt_sigtimedwait): no EPOLL bit. */
export const SIGNAL_WAIT_KEY = 1 << 24;

/** A signal that the kernel itself raises against the calling thread (SIGPIPE). @returns 0 */
export function sendToThread(t: TaskPtr, signal: number): number {
  // Linux fills in the thread's own process, as if it had sent the signal to itself.
  return sendSignalToThread(t, signal, SI_USER, Process.pid.get(processOf(t)));
}

/**
 * Makes a signal pending for one thread, which cannot end meanwhile: the caller, or one of this CPU.
 * @param code SI_*, @param senderPid 0 for the kernel
 * @returns 0
 */
export function sendSignalToThread(t: TaskPtr, signal: number, code: number, senderPid: number): number {
  return sendSignalToTid(processOf(t), Task.tid.get(t), signal, code, senderPid);
}

/** As `sendSignalToThread`, by number. @param signal 0: only look whether it is there @returns 0 or -ESRCH */
export function sendSignalToTid(p: ProcessPtr, tid: number, signal: number, code: number, senderPid: number): number {
  lock(Process.lock.at(p));
  let node = List.first.get(Process.threads.at(p));
  while (node !== 0 && Task.tid.get(Task.threadNode.outer(node)) !== tid) node = ListNode.next.get(node);
  if (node === 0 || signal === 0) {
    unlock(Process.lock.at(p));
    return node === 0 ? -ESRCH : 0;
  }
  const t = Task.threadNode.outer(node);
  const generation = generationOf(t);
  lockIrqOff(Process.signalLock.at(p));
  const kept = keepSignalLocked(p, t, t, signal, code, senderPid);
  const told = kept === 1 && !blocks(t, signal);
  unlockIrqOn(Process.signalLock.at(p));
  unlock(Process.lock.at(p));
  if (told) interruptThread(t, generation);
  if (kept === 1) tellWatchers(p, t);
  return 0;
}

/** Makes a signal pending for a process; one thread that does not block it is told. @returns 0 */
export function sendSignalToProcess(p: ProcessPtr, signal: number, code: number, senderPid: number): number {
  lock(Process.lock.at(p));
  const first = firstThreadLocked(p);
  if (first === 0) {
    unlock(Process.lock.at(p));
    return 0;
  }
  lockIrqOff(Process.signalLock.at(p));
  const kept = keepSignalLocked(p, first, NULL, signal, code, senderPid);
  const target = kept === 1 ? targetLocked(p, signal) : NULL;
  const generation = target === 0 ? 0 : generationOf(target);
  unlockIrqOn(Process.signalLock.at(p));
  unlock(Process.lock.at(p));
  if (target !== 0) interruptThread(target, generation);
  if (kept === 1) tellWatchers(p, NULL);
  return 0;
}

/**
 * A child of `p` ended, was stopped or continued. @param code CLD_*, @param status exit code or signal's number
 * @returns 0
 */
export function sendChildSignal(p: ProcessPtr, signal: number, code: number, pid: number, _status: number): number {
  return sendSignalToProcess(p, signal, code, pid);
}

/**
 * Stores the pending bit, for thread `t` or (0) for the process.
 * @param asker the thread whose mask decides whether an ignored signal is kept: blocked ones are, for a signalfd (J6)
 * @returns 0 if the signal was dropped, or is pending already
 */
function keepSignalLocked(
  p: ProcessPtr,
  asker: TaskPtr,
  t: TaskPtr,
  signal: number,
  code: number,
  pid: number,
): number {
  if (signal === SIGCONT) dropPendingLocked(p, STOP_LOW, 0);
  else if (isStopSignal(signal)) dropPendingLocked(p, lowBit(SIGCONT), 0);
  if (isIgnoredLocked(p, signal) && !blocks(asker, signal)) return 0;
  const low = lowBit(signal);
  const high = highBit(signal);
  const before =
    t === 0
      ? (Process.pendingLow.or(p, low) & low) | (Process.pendingHigh.or(p, high) & high)
      : (Task.pendingLow.or(t, low) & low) | (Task.pendingHigh.or(t, high) & high);
  // The first of several equal ones is the one that is remembered (J5).
  if (before !== 0) return 0;
  Process.senderCode.setAt(p, signal - 1, code);
  Process.senderPid.setAt(p, signal - 1, pid);
  return 1;
}

/** Would the signal, delivered, do nothing? */
export function isIgnoredLocked(p: ProcessPtr, signal: number): boolean {
  const handler = Process.actions.getAt(p, (signal - 1) * ACTION_WORDS + ACTION_HANDLER);
  return handler === SIG_IGN || (handler === SIG_DFL && isIgnoredByDefault(signal));
}

/** Drops what is pending of a set, for the process and each of its threads. */
export function dropPendingLocked(p: ProcessPtr, low: number, high: number): void {
  Process.pendingLow.and(p, ~low);
  Process.pendingHigh.and(p, ~high);
  for (let node = List.first.get(Process.threads.at(p)); node !== 0; node = ListNode.next.get(node)) {
    const t = Task.threadNode.outer(node);
    Task.pendingLow.and(t, ~low);
    Task.pendingHigh.and(t, ~high);
  }
}

/** Who is told of a signal for the process: the main thread unless it blocks it, else the lowest tid that does not. */
function targetLocked(p: ProcessPtr, signal: number): TaskPtr {
  const main = Process.mainThread.get(p);
  let target: TaskPtr = NULL;
  for (let node = List.first.get(Process.threads.at(p)); node !== 0; node = ListNode.next.get(node)) {
    const t = Task.threadNode.outer(node);
    if (blocks(t, signal)) continue;
    if (t === main) return t;
    if (target === 0 || Task.tid.get(t) < Task.tid.get(target)) target = t;
  }
  return target;
}

/** The thread whose mask speaks for the process: the main one, or while that is gone the oldest. */
function firstThreadLocked(p: ProcessPtr): TaskPtr {
  const main = Process.mainThread.get(p);
  let first: TaskPtr = NULL;
  for (let node = List.first.get(Process.threads.at(p)); node !== 0; node = ListNode.next.get(node)) {
    const t = Task.threadNode.outer(node);
    if (t === main) return t;
    if (first === 0) first = t;
  }
  return first;
}

/**
 * A thread is about to block more signals: those pending for the process which it was told of, and which it now leaves
 * alone, are another thread's to take. Called without locks, after the mask changed.
 */
export function retargetShared(p: ProcessPtr, low: number, high: number): void {
  let left = Process.pendingLow.load(p) & low;
  let leftHigh = Process.pendingHigh.load(p) & high;
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

function blocks(t: TaskPtr, signal: number): boolean {
  return inMask(Task.blockedLow.load(t), Task.blockedHigh.load(t), signal);
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

function processOf(t: TaskPtr): ProcessPtr {
  return Task.process.get(t) as ProcessPtr;
}
