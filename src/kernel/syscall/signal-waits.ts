/**
 * pause, rt_sigsuspend, rt_sigtimedwait: calls that wait for signals and for nothing else.
 *
 * The first two end with a handler. The third takes a signal without one: it stands in the process's signal queue, where
 * every sender wakes (signal/send.ts), and looks for itself what came.
 */
import { EAGAIN, EINVAL, ENOMEM } from '../abi/errno.ts';
import { lockIrqOff, unlockIrqOn } from '../irq/locking.ts';
import type { ProcessPtr } from '../process/process.ts';
import { Process } from '../process/process.ts';
import { BAD_TIMESPEC, readTimespec, readUser32 } from '../process/user-memory.ts';
import { swapMask } from '../signal/deliver.ts';
import { UNBLOCKABLE_LOW } from '../signal/mask.ts';
import { takePendingLocked } from '../signal/pending.ts';
import { SIGNAL_WAIT_KEY } from '../signal/send.ts';
import { writeSiginfo } from '../signal/siginfo.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { ERESTARTNOHAND, Frame, PROCEED, Task, WAIT } from '../task/task.ts';
import { clockNow } from '../time/clock.ts';
import { standInQueue } from '../wait/wait-queue.ts';
import { checkSet } from './signals.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { answersEintr, immediateOps, wordArgument } from './syscall-ops.ts';

function pauseBegin(_t: TaskPtr, _fr: FramePtr): number {
  return PROCEED;
}
function pauseAttempt(_t: TaskPtr, _fr: FramePtr): number {
  return WAIT;
}
function untilHandler(_t: TaskPtr, _fr: FramePtr): number {
  return -ERESTARTNOHAND;
}

function rtSigsuspendBegin(t: TaskPtr, fr: FramePtr): number {
  const set = wordArgument(fr, 0);
  const bad = checkSet(t, set, wordArgument(fr, 1));
  if (bad !== 0) return bad;
  swapMask(t, fr, readUser32(set), readUser32(set + 4));
  return PROCEED;
}

/** The set is kept in `first` and `second`, for the guest may change its copy while the call sleeps. */
function rtSigtimedwaitBegin(t: TaskPtr, fr: FramePtr): number {
  const set = wordArgument(fr, 0);
  const bad = checkSet(t, set, wordArgument(fr, 3));
  if (bad !== 0) return bad;
  const timeout = wordArgument(fr, 2);
  const waitNs = timeout === 0 ? Number.POSITIVE_INFINITY : readTimespec(t, timeout);
  if (waitNs === BAD_TIMESPEC) return -EINVAL;
  if (waitNs < 0) return waitNs;
  Frame.first.set(fr, readUser32(set) & ~UNBLOCKABLE_LOW);
  Frame.second.set(fr, readUser32(set + 4));
  if (timeout !== 0) Frame.deadlineNs.set(fr, clockNow() + waitNs);
  return PROCEED;
}

function rtSigtimedwaitAttempt(t: TaskPtr, fr: FramePtr): number {
  const p = Task.process.get(t) as ProcessPtr;
  lockIrqOff(Process.signalLock.at(p));
  const signal = takePendingLocked(t, p, Frame.first.get(fr), Frame.second.get(fr));
  unlockIrqOn(Process.signalLock.at(p));
  if (signal === 0) return WAIT;
  const info = wordArgument(fr, 1);
  const bad = info === 0 ? 0 : writeSiginfo(t, signal, info);
  return bad === 0 ? signal : bad;
}

function rtSigtimedwaitEnqueue(t: TaskPtr, _fr: FramePtr): number {
  const p = Task.process.get(t) as ProcessPtr;
  return standInQueue(Process.signalQueue.at(p), t, SIGNAL_WAIT_KEY, 0) === 1 ? 0 : -ENOMEM;
}
function rtSigtimedwaitExpired(_t: TaskPtr, _fr: FramePtr): number {
  return -EAGAIN;
}

export const pauseCallOps: SyscallOps = {
  ...immediateOps,
  begin: pauseBegin,
  attempt: pauseAttempt,
  interrupted: untilHandler,
};
export const rtSigsuspendCallOps: SyscallOps = { ...pauseCallOps, begin: rtSigsuspendBegin };
export const rtSigtimedwaitCallOps: SyscallOps = {
  ...immediateOps,
  begin: rtSigtimedwaitBegin,
  attempt: rtSigtimedwaitAttempt,
  enqueue: rtSigtimedwaitEnqueue,
  expired: rtSigtimedwaitExpired,
  interrupted: answersEintr,
};
