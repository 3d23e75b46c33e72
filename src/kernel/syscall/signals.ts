/**
 * rt_sigaction, rt_sigprocmask, rt_sigpending: dispositions and masks. signalfd, signalfd4: descriptors for blocked
 * signals. Sending and waiting stand in kill.ts and signal-waits.ts.
 *
 * A handler word is 0 (SIG_DFL), 1 (SIG_IGN), or HANDLER_BASE plus the index of an entry of the program's table. Words
 * of 64 bits keep their low half: no entry and no flag lies above it.
 */
import { EBADF, EFAULT, EINVAL } from '../abi/errno.ts';
import { SFD_CLOEXEC, SFD_NONBLOCK } from '../abi/flags-event.ts';
import { SIG_BLOCK, SIG_SETMASK, SIG_UNBLOCK, SIGKILL, SIGRTMAX, SIGSTOP } from '../abi/flags-signal.ts';
import { sigactionLayout, SIGSET_SIZE } from '../abi/layout.ts';
import { File, KIND_SIGNALFD } from '../file/file.ts';
import { createSignalfd, setSignalfdMask } from '../file/signalfd.ts';
import { lock, lockIrqOff, unlock, unlockIrqOn } from '../irq/locking.ts';
import { lookupFile } from '../process/fd-table.ts';
import type { ProcessPtr } from '../process/process.ts';
import {
  ACTION_FLAGS,
  ACTION_HANDLER,
  ACTION_MASK_HIGH,
  ACTION_MASK_LOW,
  ACTION_WORDS,
  Process,
} from '../process/process.ts';
import { readUser32, userRangeOk, writeUser32, writeUser8, zeroBytes } from '../process/user-memory.ts';
import { highBit, lowBit, UNBLOCKABLE_LOW } from '../signal/mask.ts';
import { changeMask, pendingHighOf, pendingLowOf } from '../signal/pending.ts';
import { dropPendingLocked, isIgnoredLocked } from '../signal/send.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';
import { installFresh } from './create-files.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { immediateOps, intArgument, wordArgument } from './syscall-ops.ts';

/** Is it the number of a signal (and not 0)? */
function isSignal(signal: number): boolean {
  return signal >= 1 && signal <= SIGRTMAX;
}

/** @returns 0, -EINVAL for a set of another size, -EFAULT for one that is not the task's */
export function checkSet(t: TaskPtr, address: number, size: number): number {
  if (size !== SIGSET_SIZE) return -EINVAL;
  return userRangeOk(t, address, SIGSET_SIZE) === 1 ? 0 : -EFAULT;
}

function rtSigactionBegin(t: TaskPtr, fr: FramePtr): number {
  const signal = intArgument(fr, 0);
  const act = wordArgument(fr, 1);
  const old = wordArgument(fr, 2);
  if (wordArgument(fr, 3) !== SIGSET_SIZE) return -EINVAL;
  if (act !== 0 && userRangeOk(t, act, sigactionLayout.size) === 0) return -EFAULT;
  if (!isSignal(signal) || (act !== 0 && (signal === SIGKILL || signal === SIGSTOP))) return -EINVAL;
  const p = Task.process.get(t) as ProcessPtr;
  const oldOk = old !== 0 && userRangeOk(t, old, sigactionLayout.size) === 1;
  lock(Process.lock.at(p));
  lockIrqOff(Process.signalLock.at(p));
  const at = (signal - 1) * ACTION_WORDS;
  const handler = Process.actions.getAt(p, at + ACTION_HANDLER);
  const flags = Process.actions.getAt(p, at + ACTION_FLAGS);
  const maskLow = Process.actions.getAt(p, at + ACTION_MASK_LOW);
  const maskHigh = Process.actions.getAt(p, at + ACTION_MASK_HIGH);
  if (act !== 0) takeActionLocked(p, signal, act);
  unlockIrqOn(Process.signalLock.at(p));
  unlock(Process.lock.at(p));
  if (oldOk) {
    zeroBytes(old, sigactionLayout.size);
    writeUser32(old + sigactionLayout.handler, handler);
    writeUser32(old + sigactionLayout.flags, flags);
    writeUser32(old + sigactionLayout.mask, maskLow);
    writeUser32(old + sigactionLayout.mask + 4, maskHigh);
  }
  // A bad place for the old action is found out after the new one is in force.
  return old !== 0 && !oldOk ? -EFAULT : 0;
}

/** Stores the action at a user address; what becomes ignored by it is no longer pending, blocked or not. */
function takeActionLocked(p: ProcessPtr, signal: number, act: number): void {
  const at = (signal - 1) * ACTION_WORDS;
  Process.actions.setAt(p, at + ACTION_HANDLER, readUser32(act + sigactionLayout.handler));
  Process.actions.setAt(p, at + ACTION_FLAGS, readUser32(act + sigactionLayout.flags));
  Process.actions.setAt(p, at + ACTION_MASK_LOW, readUser32(act + sigactionLayout.mask) & ~UNBLOCKABLE_LOW);
  Process.actions.setAt(p, at + ACTION_MASK_HIGH, readUser32(act + sigactionLayout.mask + 4));
  if (isIgnoredLocked(p, signal)) dropPendingLocked(p, lowBit(signal), highBit(signal));
}

function rtSigprocmaskBegin(t: TaskPtr, fr: FramePtr): number {
  const how = intArgument(fr, 0);
  const set = wordArgument(fr, 1);
  const old = wordArgument(fr, 2);
  if (wordArgument(fr, 3) !== SIGSET_SIZE) return -EINVAL;
  const low = Task.blockedLow.load(t);
  const high = Task.blockedHigh.load(t);
  if (set !== 0) {
    if (userRangeOk(t, set, SIGSET_SIZE) === 0) return -EFAULT;
    const setLow = readUser32(set);
    const setHigh = readUser32(set + 4);
    if (how === SIG_BLOCK) changeMask(t, low | setLow, high | setHigh);
    else if (how === SIG_UNBLOCK) changeMask(t, low & ~setLow, high & ~setHigh);
    else if (how === SIG_SETMASK) changeMask(t, setLow, setHigh);
    else return -EINVAL;
  }
  if (old === 0) return 0;
  if (userRangeOk(t, old, SIGSET_SIZE) === 0) return -EFAULT;
  writeUser32(old, low);
  writeUser32(old + 4, high);
  return 0;
}

/** What is pending and blocked; what is open is about to be delivered. A shorter set gets its first bytes. */
function rtSigpendingBegin(t: TaskPtr, fr: FramePtr): number {
  const set = wordArgument(fr, 0);
  const size = wordArgument(fr, 1);
  if (size < 0 || size > SIGSET_SIZE) return -EINVAL;
  if (userRangeOk(t, set, size) === 0) return -EFAULT;
  const p = Task.process.get(t) as ProcessPtr;
  const low = pendingLowOf(t, p) & Task.blockedLow.load(t);
  const high = pendingHighOf(t, p) & Task.blockedHigh.load(t);
  for (let i = 0; i < size; i++) writeUser8(set + i, (i < 4 ? low : high) >>> ((i & 3) * 8));
  return 0;
}

/** J1: size, address, flags, then the descriptor; -1 asks for a new one, any other number for a new mask. */
function makeSignalfd(t: TaskPtr, fr: FramePtr, flags: number): number {
  const fd = intArgument(fr, 0);
  const set = wordArgument(fr, 1);
  const bad = checkSet(t, set, wordArgument(fr, 2));
  if (bad !== 0) return bad;
  if ((flags & ~(SFD_NONBLOCK | SFD_CLOEXEC)) !== 0) return -EINVAL;
  const low = readUser32(set);
  const high = readUser32(set + 4);
  if (fd === -1) return installFresh(t, createSignalfd(low, high, flags & SFD_NONBLOCK), flags & SFD_CLOEXEC);
  const f = lookupFile(t, fd);
  if (f === 0) return -EBADF;
  if (File.kind.get(f) !== KIND_SIGNALFD) return -EINVAL;
  setSignalfdMask(f, low, high);
  return fd;
}
function signalfdBegin(t: TaskPtr, fr: FramePtr): number {
  return makeSignalfd(t, fr, 0);
}
function signalfd4Begin(t: TaskPtr, fr: FramePtr): number {
  return makeSignalfd(t, fr, intArgument(fr, 3));
}

export const rtSigactionCallOps: SyscallOps = { ...immediateOps, begin: rtSigactionBegin };
export const rtSigprocmaskCallOps: SyscallOps = { ...immediateOps, begin: rtSigprocmaskBegin };
export const rtSigpendingCallOps: SyscallOps = { ...immediateOps, begin: rtSigpendingBegin };
export const signalfdCallOps: SyscallOps = { ...immediateOps, begin: signalfdBegin };
export const signalfd4CallOps: SyscallOps = { ...immediateOps, begin: signalfd4Begin };
