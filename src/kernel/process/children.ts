/**
 * The tree of processes: who waits for whose end.
 *
 *     born       linked to its parent, in its group and session
 *     ended      ZOMBIE: the record stays, for the parent to learn how it ended; its children go to a new parent
 *     waited for unlinked, and the record retired
 *
 * One lock guards the whole tree, for an end touches three generations at once. Nobody is told under it: signals and
 * wakes go out after it is released, to a process that may have ended meanwhile; its record stays readable until this trap
 * is over (limbo.ts), and a process without threads drops what it is sent. Why no end is missed: the child turns ZOMBIE under the lock, then wakes the
 * parent's queue; a parent that looks first finds none, stands in the queue, and looks again under the same lock.
 *
 * The host stands above all, as init does outside of a container: a process without a parent has parent number 0, and
 * nobody waits for it but the log of exits.
 *
 * Linux: kernel/exit.c, exit_notify, forget_original_parent, find_new_reaper.
 */
import { List, listAppend, listRemove } from '../../shared-mem/list.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { setWordAt } from '../../shared-mem/plain.ts';
import { CLD_EXITED, CLD_KILLED, SA_NOCLDSTOP, SA_NOCLDWAIT, SIG_IGN, SIGCHLD } from '../abi/flags-signal.ts';
import { lock, lockIrqOff, unlock, unlockIrqOn } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { hangUpIfOrphaned, hangUpLeftBehind, isMindedLocked, markLeftBehindLocked } from '../signal/orphans.ts';
import { sendChildSignal } from '../signal/send.ts';
import { REASON_CHILD } from '../task/task.ts';
import { WAKE_ALL, wakeQueue } from '../wait/wait-queue.ts';
import { retireProcess, retireTask } from './limbo.ts';
import type { ProcessPtr } from './process.ts';
import {
  ACTION_FLAGS,
  ACTION_HANDLER,
  ACTION_WORDS,
  CHILD_KEY,
  Process,
  PROCESS_LIVE,
  PROCESS_ZOMBIE,
} from './process.ts';

/** A newborn, not yet launched, becomes its creator's child, or with `sibling` its creator's parent's (CLONE_PARENT). */
export function adoptChild(creator: ProcessPtr, child: ProcessPtr, sibling: boolean): void {
  lock(Machine.treeLock.at(MACHINE));
  Process.group.store(child, Process.group.load(creator));
  Process.session.store(child, Process.session.load(creator));
  linkChildLocked(sibling ? Process.parent.get(creator) : creator, child);
  unlock(Machine.treeLock.at(MACHINE));
}

function linkChildLocked(parent: ProcessPtr, child: ProcessPtr): void {
  Process.parent.set(child, parent);
  Process.parentPid.store(child, parent === 0 ? 0 : Process.pid.get(parent));
  if (parent !== 0) listAppend(Process.children.at(parent), Process.siblingNode.at(child));
}

/** Takes a child off its parent's list. */
export function unlinkChildLocked(child: ProcessPtr): void {
  const parent = Process.parent.get(child);
  if (parent === 0) return;
  listRemove(Process.children.at(parent), Process.siblingNode.at(child));
  Process.parent.set(child, NULL);
}

/**
 * The last thread of `p` has ended: its children go to a new parent, and its own parent is told. Nobody may look at `p`
 * afterwards. Called without locks.
 */
export function leaveTree(p: ProcessPtr): void {
  const status = Process.exitStatus.load(p);
  lock(Machine.treeLock.at(MACHINE));
  const reaper = reaperOfLocked(p);
  const minded = isMindedLocked(p);
  const leftBehind = markLeftBehindLocked(p);
  const inherited = moveChildrenLocked(p, reaper);
  const parent = Process.parent.get(p);
  const unwaited = parent === 0 || leavesNoZombies(p, parent);
  Process.state.store(p, PROCESS_ZOMBIE);
  if (unwaited) unlinkChildLocked(p);
  if (Process.hostBorn.get(p) === 1) logExitLocked(Process.pid.get(p), status);
  unlock(Machine.treeLock.at(MACHINE));
  if (leftBehind > 0) hangUpLeftBehind();
  if (minded) hangUpIfOrphaned(Process.group.load(p));
  if (inherited > 0 && reaper !== 0) childChanged(reaper, CLD_EXITED, 0, 0, SIGCHLD);
  if (parent !== 0) {
    const killed = (status & 0x7f) !== 0;
    const how = killed ? CLD_KILLED : CLD_EXITED;
    childChanged(parent, how, Process.pid.get(p), killed ? status & 0x7f : status >> 8, Process.exitSignal.get(p));
  }
  ringHost();
  if (unwaited) retireEnded(p);
}

/** A process that nobody waits for any more: its record, and its first thread's, whose number it bears. */
export function retireEnded(p: ProcessPtr): void {
  lock(Process.lock.at(p));
  const main = Process.mainThread.get(p);
  unlock(Process.lock.at(p));
  retireTask(main);
  retireProcess(p);
}

/** The nearest living ancestor that takes orphans, or 0: the host. */
function reaperOfLocked(p: ProcessPtr): ProcessPtr {
  let ancestor = Process.parent.get(p);
  while (ancestor !== 0) {
    if (Process.subreaper.load(ancestor) === 1 && Process.state.load(ancestor) === PROCESS_LIVE) return ancestor;
    ancestor = Process.parent.get(ancestor);
  }
  return NULL;
}

/** @returns how many of the children had ended already, so that the new parent has to look */
function moveChildrenLocked(p: ProcessPtr, reaper: ProcessPtr): number {
  let ended = 0;
  for (;;) {
    const node = List.first.get(Process.children.at(p));
    if (node === 0) return ended;
    const child = Process.siblingNode.outer(node);
    unlinkChildLocked(child);
    linkChildLocked(reaper, child);
    if (Process.state.load(child) !== PROCESS_ZOMBIE) continue;
    ended++;
    if (reaper !== 0 && !leavesNoZombies(child, reaper)) continue;
    unlinkChildLocked(child);
    retireEnded(child);
  }
}

/** Does the parent ignore the ends of its children, so that they leave nothing to wait for? */
function leavesNoZombies(p: ProcessPtr, parent: ProcessPtr): boolean {
  if (Process.exitSignal.get(p) !== SIGCHLD) return false;
  return childHandler(parent) === SIG_IGN || (childFlags(parent) & SA_NOCLDWAIT) !== 0;
}

function childHandler(p: ProcessPtr): number {
  return childAction(p, ACTION_HANDLER);
}
function childFlags(p: ProcessPtr): number {
  return childAction(p, ACTION_FLAGS);
}
function childAction(p: ProcessPtr, word: number): number {
  lockIrqOff(Process.signalLock.at(p));
  const value = Process.actions.getAt(p, (SIGCHLD - 1) * ACTION_WORDS + word);
  unlockIrqOn(Process.signalLock.at(p));
  return value;
}

/** Tells a parent: by `signal` (0: by none), and by waking who waits. Called without locks. */
function childChanged(parent: ProcessPtr, how: number, pid: number, status: number, signal: number): void {
  if (signal !== 0) sendChildSignal(parent, signal, how, pid, status);
  wakeQueue(Process.childQueue.at(parent), CHILD_KEY, WAKE_ALL, REASON_CHILD, 0);
}

/** `p` was stopped or continued: its parent is told. @param how CLD_STOPPED or CLD_CONTINUED, @param status the signal */
export function childStateChanged(p: ProcessPtr, how: number, status: number): void {
  lock(Machine.treeLock.at(MACHINE));
  const parent = Process.parent.get(p);
  unlock(Machine.treeLock.at(MACHINE));
  if (parent === 0) return;
  const silent = (childFlags(parent) & SA_NOCLDSTOP) !== 0;
  childChanged(parent, how, Process.pid.get(p), status, silent ? 0 : SIGCHLD);
}

/** Ends of the host's processes are told to it in a ring that has room for every process there can be. */
function logExitLocked(pid: number, status: number): void {
  const count = Machine.exits.load(MACHINE);
  const at = Machine.exitLog.get(MACHINE) + (count % Machine.exitLogSize.get(MACHINE)) * 2;
  setWordAt(at, pid);
  setWordAt(at + 1, status);
  Machine.exits.store(MACHINE, count + 1);
}

/** Makes the host look at exits and state. */
export function ringHost(): void {
  Machine.hostBell.add(MACHINE, 1);
  Machine.hostBell.notify(MACHINE);
}
