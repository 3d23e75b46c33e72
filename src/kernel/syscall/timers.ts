/**
 * timerfd_create, timerfd_settime, timerfd_gettime, clock_gettime, clock_getres, gettimeofday: clocks and checks; the timer itself is
 * file/timerfd.ts. Checks stand in Linux's order: the new setting is read and judged before the descriptor (I2).
 */
import { EBADF, EFAULT, EINVAL, EPERM } from '../abi/errno.ts';
import {
  CLOCK_BOOTTIME,
  CLOCK_BOOTTIME_ALARM,
  CLOCK_MONOTONIC,
  CLOCK_MONOTONIC_COARSE,
  CLOCK_MONOTONIC_RAW,
  CLOCK_PROCESS_CPUTIME_ID,
  CLOCK_REALTIME,
  CLOCK_REALTIME_ALARM,
  CLOCK_REALTIME_COARSE,
  CLOCK_TAI,
  CLOCK_THREAD_CPUTIME_ID,
  TFD_CLOEXEC,
  TFD_NONBLOCK,
  TFD_TIMER_ABSTIME,
  TFD_TIMER_CANCEL_ON_SET,
} from '../abi/flags-event.ts';
import { itimerspecLayout, timespecLayout, timevalLayout } from '../abi/layout.ts';
import type { FilePtr } from '../file/file.ts';
import { File, KIND_TIMERFD } from '../file/file.ts';
import { createTimerfd, getTimerfd, setTimerfd } from '../file/timerfd.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { lookupFile } from '../process/fd-table.ts';
import { Process } from '../process/process.ts';
import { readUser64, userRangeOk, writeTimespec, writeUser64 } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';
import { clockNow } from '../time/clock.ts';
import { installFresh } from './create-files.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { immediateOps, intArgument, wordArgument } from './syscall-ops.ts';

/** struct timezone: minutes west of Greenwich, and a word that means nothing. */
const TIMEZONE_BYTES = 8;

function timerfdCreateBegin(t: TaskPtr, fr: FramePtr): number {
  const clock = intArgument(fr, 0);
  const flags = intArgument(fr, 1);
  if ((flags & ~(TFD_NONBLOCK | TFD_CLOEXEC)) !== 0) return -EINVAL;
  // Nobody here has CAP_WAKE_ALARM.
  if (clock === CLOCK_REALTIME_ALARM || clock === CLOCK_BOOTTIME_ALARM) return -EPERM;
  if (clock !== CLOCK_REALTIME && clock !== CLOCK_MONOTONIC && clock !== CLOCK_BOOTTIME) return -EINVAL;
  return installFresh(t, createTimerfd(clock === CLOCK_REALTIME ? 1 : 0, flags & TFD_NONBLOCK), flags & TFD_CLOEXEC);
}

/** @returns 1 if the timespec at a checked address is a time */
function validTimespec(address: number): number {
  const ns = readUser64(address + timespecLayout.nanoseconds);
  return readUser64(address + timespecLayout.seconds) >= 0 && ns >= 0 && ns < 1e9 ? 1 : 0;
}

function timerfdSettimeBegin(t: TaskPtr, fr: FramePtr): number {
  const flags = intArgument(fr, 1);
  const setting = wordArgument(fr, 2);
  if (userRangeOk(t, setting, itimerspecLayout.size) === 0) return -EFAULT;
  if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) !== 0) return -EINVAL;
  const interval = setting + itimerspecLayout.interval;
  const value = setting + itimerspecLayout.value;
  if (validTimespec(interval) === 0 || validTimespec(value) === 0) return -EINVAL;
  const f = timerfdOf(t, intArgument(fr, 0));
  if (f < 0) return f;
  const intervalNs = readUser64(interval) * 1e9 + readUser64(interval + timespecLayout.nanoseconds);
  const seconds = readUser64(value);
  const ns = readUser64(value + timespecLayout.nanoseconds);
  return setTimerfd(t, f as FilePtr, flags & TFD_TIMER_ABSTIME, seconds, ns, intervalNs, wordArgument(fr, 3));
}

function timerfdGettimeBegin(t: TaskPtr, fr: FramePtr): number {
  const f = timerfdOf(t, intArgument(fr, 0));
  return f < 0 ? f : getTimerfd(t, f as FilePtr, wordArgument(fr, 1));
}

/** @returns the timerfd behind a descriptor, or -EBADF, or -EINVAL */
function timerfdOf(t: TaskPtr, fd: number): number {
  const f = lookupFile(t, fd);
  if (f === 0) return -EBADF;
  return File.kind.get(f) === KIND_TIMERFD ? f : -EINVAL;
}

function clockGettimeBegin(t: TaskPtr, fr: FramePtr): number {
  const clock = intArgument(fr, 0);
  const nowNs = readingOf(clock, t);
  if (nowNs < 0) return -EINVAL;
  const at = wordArgument(fr, 1);
  if (userRangeOk(t, at, timespecLayout.size) === 0) return -EFAULT;
  if (clock === CLOCK_REALTIME || clock === CLOCK_REALTIME_COARSE || clock === CLOCK_TAI) writeWallTime(at, nowNs);
  else writeTimespec(at, nowNs);
  return 0;
}

/** @returns the time since boot that the clock shows (wall clocks count from there), or -1 if there is no such clock */
function readingOf(clock: number, t: TaskPtr): number {
  switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME:
    case CLOCK_TAI:
      return clockNow();
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE: {
      // As of the last tick.
      const tickNs = Machine.tickNs.get(MACHINE);
      return Math.floor(clockNow() / tickNs) * tickNs;
    }
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
      // Nobody accounts for time on a CPU; what has passed since the process began is its upper bound.
      return clockNow() - Process.startedAtNs.get(Task.process.get(t));
    default:
      return -1;
  }
}

/** Seconds and ns apart: together they are more than a float64 holds exactly. */
function writeWallTime(at: number, nowNs: number): void {
  const ns = Machine.bootWallNs.get(MACHINE) + nowNs;
  const seconds = Math.floor(ns / 1e9);
  writeUser64(at + timespecLayout.seconds, Machine.bootWallSeconds.get(MACHINE) + seconds);
  writeUser64(at + timespecLayout.nanoseconds, Math.floor(ns - seconds * 1e9));
}

/** Coarse clocks move with the tick, the others by the nanosecond. */
function clockGetresBegin(t: TaskPtr, fr: FramePtr): number {
  const clock = intArgument(fr, 0);
  if (readingOf(clock, t) < 0) return -EINVAL;
  const at = wordArgument(fr, 1);
  if (at === 0) return 0;
  if (userRangeOk(t, at, timespecLayout.size) === 0) return -EFAULT;
  const coarse = clock === CLOCK_REALTIME_COARSE || clock === CLOCK_MONOTONIC_COARSE;
  writeTimespec(at, coarse ? Machine.tickNs.get(MACHINE) : 1);
  return 0;
}

/** The zone is Greenwich's: two words of 0. */
function gettimeofdayBegin(t: TaskPtr, fr: FramePtr): number {
  const at = wordArgument(fr, 0);
  const zoneAt = wordArgument(fr, 1);
  if (at !== 0) {
    if (userRangeOk(t, at, timevalLayout.size) === 0) return -EFAULT;
    writeWallTime(at, clockNow());
    writeUser64(at + timevalLayout.microseconds, Math.floor(readUser64(at + timespecLayout.nanoseconds) / 1000));
  }
  if (zoneAt === 0) return 0;
  if (userRangeOk(t, zoneAt, TIMEZONE_BYTES) === 0) return -EFAULT;
  writeUser64(zoneAt, 0);
  return 0;
}

export const timerfdCreateCallOps: SyscallOps = { ...immediateOps, begin: timerfdCreateBegin };
export const timerfdSettimeCallOps: SyscallOps = { ...immediateOps, begin: timerfdSettimeBegin };
export const timerfdGettimeCallOps: SyscallOps = { ...immediateOps, begin: timerfdGettimeBegin };
export const clockGettimeCallOps: SyscallOps = { ...immediateOps, begin: clockGettimeBegin };
export const clockGetresCallOps: SyscallOps = { ...immediateOps, begin: clockGetresBegin };
export const gettimeofdayCallOps: SyscallOps = { ...immediateOps, begin: gettimeofdayBegin };
