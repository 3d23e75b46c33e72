/**
 * epoll_create, epoll_create1, epoll_ctl, epoll_wait, epoll_pwait, epoll_pwait2: arguments in, the design's verbs
 * called. What is checked, and in which order, belongs to the design; timeouts and masks are decoded here.
 */
import { cpu } from '../../shared-mem/self.ts';
import { EFAULT, EINTR, EINVAL } from '../abi/errno.ts';
import { EPOLL_CLOEXEC } from '../abi/flags-event.ts';
import { SIGSET_SIZE } from '../abi/layout.ts';
import { Cpu } from '../cpu/cpu.ts';
import { designIndex, epollOps } from '../epoll/design-ops.ts';
import type { FilePtr } from '../file/file.ts';
import { BAD_TIMESPEC, readTimespec, readUser32, userRangeOk } from '../process/user-memory.ts';
import { defaultActionPending, fatalSignalPending, swapMask } from '../signal/deliver.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { ERESTARTNOHAND, Frame, PROCEED, Task, WAIT, YIELD } from '../task/task.ts';
import { clockNow } from '../time/clock.ts';
import { installFresh } from './create-files.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { immediateOps, intArgument, wordArgument } from './syscall-ops.ts';

function createInstance(t: TaskPtr, flags: number): number {
  const f = epollOps[designIndex()]!.create(t, flags);
  return f < 0 ? f : installFresh(t, f as FilePtr, flags & EPOLL_CLOEXEC);
}
function epollCreateBegin(t: TaskPtr, fr: FramePtr): number {
  return intArgument(fr, 0) <= 0 ? -EINVAL : createInstance(t, 0);
}
function epollCreate1Begin(t: TaskPtr, fr: FramePtr): number {
  return createInstance(t, intArgument(fr, 0));
}

function epollCtlBegin(t: TaskPtr, fr: FramePtr): number {
  const epfd = intArgument(fr, 0);
  const op = intArgument(fr, 1);
  const fd = intArgument(fr, 2);
  return epollOps[designIndex()]!.control(t, epfd, op, fd, wordArgument(fr, 3));
}

/** @param timeoutNs negative: for ever */
function beginWait(t: TaskPtr, fr: FramePtr, timeoutNs: number): number {
  const buffer = wordArgument(fr, 1);
  const maxEvents = intArgument(fr, 2);
  const r = epollOps[designIndex()]!.waitBegin(t, fr, intArgument(fr, 0), buffer, maxEvents);
  if (r !== PROCEED) return r;
  Frame.buffer.set(fr, buffer);
  Frame.length.set(fr, maxEvents);
  Frame.nonblocking.set(fr, timeoutNs === 0 ? 1 : 0);
  const waitNs = timeoutNs < 0 ? epollOps[designIndex()]!.foreverNs : timeoutNs;
  const ends = waitNs > 0 && waitNs !== Number.POSITIVE_INFINITY;
  Frame.deadlineNs.set(fr, ends ? clockNow() + waitNs : Number.POSITIVE_INFINITY);
  return PROCEED;
}

function epollWaitBegin(t: TaskPtr, fr: FramePtr): number {
  return beginWait(t, fr, intArgument(fr, 3) * 1e6);
}

/** The mask of epoll_pwait, from arguments `index` and `index + 1`; E13. @returns 0 or -errno, with the mask swapped */
function takeMask(t: TaskPtr, fr: FramePtr, index: number): number {
  const address = wordArgument(fr, index);
  if (address === 0) return 0;
  if (wordArgument(fr, index + 1) !== SIGSET_SIZE) return -EINVAL;
  if (userRangeOk(t, address, SIGSET_SIZE) === 0) return -EFAULT;
  swapMask(t, fr, readUser32(address), readUser32(address + 4));
  return 0;
}

function epollPwaitBegin(t: TaskPtr, fr: FramePtr): number {
  const r = epollOps[designIndex()]!.usesMask === 1 ? takeMask(t, fr, 4) : 0;
  return r < 0 ? r : epollWaitBegin(t, fr);
}

/** Timespec errors come before those of the mask (E15). */
function epollPwait2Begin(t: TaskPtr, fr: FramePtr): number {
  const address = wordArgument(fr, 3);
  let timeoutNs = -1;
  if (address !== 0) {
    timeoutNs = readTimespec(t, address);
    if (timeoutNs === BAD_TIMESPEC) return -EINVAL;
    if (timeoutNs < 0) return -EFAULT;
  }
  const r = takeMask(t, fr, 4);
  return r < 0 ? r : beginWait(t, fr, timeoutNs);
}

/** A thread that is about to end takes no events away (E12). */
function epollWaitAttempt(t: TaskPtr, fr: FramePtr): number {
  if (Task.attention.peek(t) !== 0 && fatalSignalPending(t)) return countWait(-EINTR);
  const r = epollOps[designIndex()]!.collect(t, fr);
  return r === WAIT || r === YIELD ? r : countWait(r);
}
function epollWaitExpired(_t: TaskPtr, _fr: FramePtr): number {
  return countWait(0);
}
/**
 * EINTR whatever SA_RESTART says (E10). Where waits do not look at signals, one that ends or stops the process is not kept
 * waiting all the same; a process that goes on waits again.
 */
function epollWaitInterrupted(t: TaskPtr, _fr: FramePtr): number {
  if (epollOps[designIndex()]!.signalsInterrupt === 1) return countWait(-EINTR);
  return defaultActionPending(t) ? -ERESTARTNOHAND : WAIT;
}

/** The call ends with `r`: counts it, and the events that it delivers. */
function countWait(r: number): number {
  Cpu.epollWaits.set(cpu, Cpu.epollWaits.get(cpu) + 1);
  if (r > 0) Cpu.eventsDelivered.set(cpu, Cpu.eventsDelivered.get(cpu) + r);
  return r;
}
function epollWaitEnqueue(t: TaskPtr, fr: FramePtr): number {
  return epollOps[designIndex()]!.enqueue(t, fr);
}
function epollWaitWatches(_t: TaskPtr, fr: FramePtr, source: FilePtr): number {
  return epollOps[designIndex()]!.watches(Frame.file.get(fr) as FilePtr, source);
}

export const epollCreateCallOps: SyscallOps = { ...immediateOps, begin: epollCreateBegin };
export const epollCreate1CallOps: SyscallOps = { ...immediateOps, begin: epollCreate1Begin };
export const epollCtlCallOps: SyscallOps = { ...immediateOps, begin: epollCtlBegin };
export const epollWaitCallOps: SyscallOps = {
  begin: epollWaitBegin,
  attempt: epollWaitAttempt,
  enqueue: epollWaitEnqueue,
  expired: epollWaitExpired,
  interrupted: epollWaitInterrupted,
  watches: epollWaitWatches,
};
export const epollPwaitCallOps: SyscallOps = { ...epollWaitCallOps, begin: epollPwaitBegin };
export const epollPwait2CallOps: SyscallOps = { ...epollWaitCallOps, begin: epollPwait2Begin };
