/**
 * nanosleep, clock_nanosleep, sched_yield, and the calls that only say who asks: getpid, getppid, gettid, set_tid_address,
 * and getuid and its like, for everybody is root, without capabilities.
 *
 * A sleep waits for time alone: it stands in no queue, its deadline is fixed at entry and stays the same however often
 * it is interrupted by signals that do nothing. One that a handler interrupts is told what was left.
 */
import { cpu } from '../../shared-mem/self.ts';
import { EFAULT, EINVAL, EOPNOTSUPP } from '../abi/errno.ts';
import {
  CLOCK_BOOTTIME,
  CLOCK_MONOTONIC,
  CLOCK_MONOTONIC_COARSE,
  CLOCK_MONOTONIC_RAW,
  CLOCK_REALTIME,
  CLOCK_REALTIME_COARSE,
  CLOCK_TAI,
  TIMER_ABSTIME,
} from '../abi/flags-event.ts';
import { timespecLayout } from '../abi/layout.ts';
import { Cpu } from '../cpu/cpu.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { Process } from '../process/process.ts';
import { BAD_TIMESPEC, readTimespec, readUser64, userRangeOk, writeTimespec } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { ERESTART_RESTARTBLOCK, ERESTARTNOHAND, Frame, PROCEED, Task, WAIT, YIELD } from '../task/task.ts';
import { clockNow } from '../time/clock.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { answersZero, immediateOps, intArgument, standsNowhere, watchesNothing, wordArgument } from './syscall-ops.ts';

/** Fixes the deadline. @param remainAddress where to tell what was left, or 0 @returns PROCEED or -errno */
function beginSleep(t: TaskPtr, fr: FramePtr, requestAddress: number, remainAddress: number): number {
  const ns = readTimespec(t, requestAddress);
  if (ns === BAD_TIMESPEC) return -EINVAL;
  if (ns < 0) return ns;
  Frame.deadlineNs.set(fr, clockNow() + ns);
  Frame.buffer.set(fr, remainAddress);
  return PROCEED;
}

function nanosleepBegin(t: TaskPtr, fr: FramePtr): number {
  return beginSleep(t, fr, wordArgument(fr, 0), wordArgument(fr, 1));
}

function clockNanosleepBegin(t: TaskPtr, fr: FramePtr): number {
  const clock = intArgument(fr, 0);
  const wall = clock === CLOCK_REALTIME || clock === CLOCK_TAI;
  if (clock === CLOCK_REALTIME_COARSE || clock === CLOCK_MONOTONIC_COARSE || clock === CLOCK_MONOTONIC_RAW) {
    return -EOPNOTSUPP;
  }
  if (!wall && clock !== CLOCK_MONOTONIC && clock !== CLOCK_BOOTTIME) return -EINVAL;
  const request = wordArgument(fr, 2);
  if ((intArgument(fr, 1) & TIMER_ABSTIME) === 0) return beginSleep(t, fr, request, wordArgument(fr, 3));
  const r = beginSleep(t, fr, request, 0);
  if (r === PROCEED) Frame.deadlineNs.set(fr, deadlineAt(request, wall));
  return r;
}

/** The time since boot that a checked timespec names on the wall clock, or else on the monotonic one. */
export function deadlineAt(address: number, wall: boolean): number {
  const seconds = readUser64(address + timespecLayout.seconds);
  const ns = readUser64(address + timespecLayout.nanoseconds);
  if (!wall) return seconds * 1e9 + ns;
  return (seconds - Machine.bootWallSeconds.get(MACHINE)) * 1e9 + (ns - Machine.bootWallNs.get(MACHINE));
}

function sleepAttempt(_t: TaskPtr, _fr: FramePtr): number {
  return WAIT;
}

function sleepInterrupted(t: TaskPtr, fr: FramePtr): number {
  const leftNs = Frame.deadlineNs.get(fr) - clockNow();
  if (leftNs <= 0) return 0;
  const at = Frame.buffer.get(fr);
  if (at === 0) return -ERESTART_RESTARTBLOCK;
  if (userRangeOk(t, at, timespecLayout.size) === 0) return -EFAULT;
  writeTimespec(at, leftNs);
  return -ERESTART_RESTARTBLOCK;
}

/** A sleep until an absolute time has nothing left to tell: it can be asked for again as it is. */
function clockSleepInterrupted(t: TaskPtr, fr: FramePtr): number {
  if ((intArgument(fr, 1) & TIMER_ABSTIME) !== 0) return -ERESTARTNOHAND;
  return sleepInterrupted(t, fr);
}

/** With nobody to yield to it answers at once, as on Linux. */
function yieldBegin(_t: TaskPtr, fr: FramePtr): number {
  if (Cpu.runCount.load(cpu) === 0) return 0;
  Frame.first.set(fr, 0);
  return PROCEED;
}
function yieldAttempt(_t: TaskPtr, fr: FramePtr): number {
  if (Frame.first.get(fr) === 1) return 0;
  Frame.first.set(fr, 1);
  return YIELD;
}

function getpidBegin(t: TaskPtr, _fr: FramePtr): number {
  return Process.pid.get(Task.process.get(t));
}
function getppidBegin(t: TaskPtr, _fr: FramePtr): number {
  return Process.parentPid.load(Task.process.get(t));
}
function gettidBegin(t: TaskPtr, _fr: FramePtr): number {
  return Task.tid.get(t);
}

/** The address need not be good: the end of the thread stores there only if it is. */
function setTidAddressBegin(t: TaskPtr, fr: FramePtr): number {
  Task.clearTid.set(t, wordArgument(fr, 0));
  return Task.tid.get(t);
}

export const nanosleepCallOps: SyscallOps = {
  begin: nanosleepBegin,
  attempt: sleepAttempt,
  enqueue: standsNowhere,
  expired: answersZero,
  interrupted: sleepInterrupted,
  watches: watchesNothing,
};
export const clockNanosleepCallOps: SyscallOps = {
  ...nanosleepCallOps,
  begin: clockNanosleepBegin,
  interrupted: clockSleepInterrupted,
};
export const schedYieldCallOps: SyscallOps = { ...immediateOps, begin: yieldBegin, attempt: yieldAttempt };
export const getpidCallOps: SyscallOps = { ...immediateOps, begin: getpidBegin };
export const getppidCallOps: SyscallOps = { ...immediateOps, begin: getppidBegin };
export const gettidCallOps: SyscallOps = { ...immediateOps, begin: gettidBegin };
export const setTidAddressCallOps: SyscallOps = { ...immediateOps, begin: setTidAddressBegin };
/** getuid, geteuid, getgid, getegid */
export const rootIdCallOps: SyscallOps = { ...immediateOps, begin: answersZero };
