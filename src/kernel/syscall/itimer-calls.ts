/**
 * setitimer, getitimer, alarm: times in and out; the timers are signal/itimer.ts. Precedence as Linux: what cannot be read
 * (EFAULT) or is no time (EINVAL), then a timer that is none (EINVAL), and a bad place for the old setting only once the
 * new one is in force.
 *
 * Linux: kernel/time/itimer.c.
 */
import { EFAULT, EINVAL } from '../abi/errno.ts';
import { ITIMER_PROF, ITIMER_REAL, ITIMER_VIRTUAL } from '../abi/flags-event.ts';
import { itimervalLayout, timevalLayout } from '../abi/layout.ts';
import { lockIrqOff, unlockIrqOn } from '../irq/locking.ts';
import type { ProcessPtr } from '../process/process.ts';
import { Process } from '../process/process.ts';
import { readUser64, userRangeOk, writeUser64 } from '../process/user-memory.ts';
import { realTimerLeftLocked, setCpuTimerLocked, setRealTimerLocked } from '../signal/itimer.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, Task } from '../task/task.ts';
import { clockNow } from '../time/clock.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { immediateOps, intArgument, wordArgument } from './syscall-ops.ts';

const MICROSECONDS = 1_000_000;

/** @returns a timeval as ns, or -EINVAL; the address was checked */
function readTimeval(address: number): number {
  const seconds = readUser64(address + timevalLayout.seconds);
  const microseconds = readUser64(address + timevalLayout.microseconds);
  if (seconds < 0 || microseconds < 0 || microseconds >= MICROSECONDS) return -EINVAL;
  return seconds * 1e9 + microseconds * 1000;
}

/** Parts of a microsecond are cut off. */
function writeTimeval(address: number, ns: number): void {
  const seconds = Math.floor(ns / 1e9);
  writeUser64(address + timevalLayout.seconds, seconds);
  writeUser64(address + timevalLayout.microseconds, Math.floor((ns - seconds * 1e9) / 1000));
}

function writeSetting(address: number, leftNs: number, intervalNs: number): void {
  writeTimeval(address + itimervalLayout.interval, intervalNs);
  writeTimeval(address + itimervalLayout.value, leftNs);
}

function isTimer(which: number): boolean {
  return which === ITIMER_REAL || which === ITIMER_VIRTUAL || which === ITIMER_PROF;
}

/** What is left of a timer, 0 if it is not armed. */
function leftLocked(p: ProcessPtr, which: number, nowNs: number): number {
  return which === ITIMER_REAL ? realTimerLeftLocked(p, nowNs) : Process.cpuLeftNs.getAt(p, which - ITIMER_VIRTUAL);
}
function intervalLocked(p: ProcessPtr, which: number): number {
  return which === ITIMER_REAL ? Process.realIntervalNs.get(p) : Process.cpuIntervalNs.getAt(p, which - ITIMER_VIRTUAL);
}

function setLocked(p: ProcessPtr, which: number, valueNs: number, intervalNs: number, nowNs: number): void {
  if (which === ITIMER_REAL) setRealTimerLocked(p, valueNs, intervalNs, nowNs);
  else setCpuTimerLocked(p, which - ITIMER_VIRTUAL, valueNs, intervalNs);
}

/** Without a new setting the timer is disarmed. */
function setitimerBegin(t: TaskPtr, fr: FramePtr): number {
  const which = intArgument(fr, 0);
  const setting = wordArgument(fr, 1);
  const old = wordArgument(fr, 2);
  if (setting !== 0 && userRangeOk(t, setting, itimervalLayout.size) === 0) return -EFAULT;
  const valueNs = setting === 0 ? 0 : readTimeval(setting + itimervalLayout.value);
  const intervalNs = setting === 0 ? 0 : readTimeval(setting + itimervalLayout.interval);
  if (valueNs < 0 || intervalNs < 0 || !isTimer(which)) return -EINVAL;
  const p = Task.process.get(t) as ProcessPtr;
  const nowNs = clockNow();
  lockIrqOff(Process.signalLock.at(p));
  const leftNs = leftLocked(p, which, nowNs);
  const oldIntervalNs = intervalLocked(p, which);
  setLocked(p, which, valueNs, intervalNs, nowNs);
  unlockIrqOn(Process.signalLock.at(p));
  if (old === 0) return 0;
  if (userRangeOk(t, old, itimervalLayout.size) === 0) return -EFAULT;
  writeSetting(old, leftNs, oldIntervalNs);
  return 0;
}

function getitimerBegin(t: TaskPtr, fr: FramePtr): number {
  const which = intArgument(fr, 0);
  const at = wordArgument(fr, 1);
  if (!isTimer(which)) return -EINVAL;
  if (userRangeOk(t, at, itimervalLayout.size) === 0) return -EFAULT;
  const p = Task.process.get(t) as ProcessPtr;
  const nowNs = clockNow();
  lockIrqOff(Process.signalLock.at(p));
  const leftNs = leftLocked(p, which, nowNs);
  const intervalNs = intervalLocked(p, which);
  unlockIrqOn(Process.signalLock.at(p));
  writeSetting(at, leftNs, intervalNs);
  return 0;
}

/** What was left comes back in whole seconds, to the nearest, but never as 0. */
function alarmBegin(t: TaskPtr, fr: FramePtr): number {
  const seconds = Frame.args.getAt(fr, 0) >>> 0;
  const p = Task.process.get(t) as ProcessPtr;
  const nowNs = clockNow();
  lockIrqOff(Process.signalLock.at(p));
  const leftNs = realTimerLeftLocked(p, nowNs);
  setRealTimerLocked(p, seconds * 1e9, 0, nowNs);
  unlockIrqOn(Process.signalLock.at(p));
  return leftNs === 0 ? 0 : Math.max(1, Math.round(leftNs / 1e9));
}

export const setitimerCallOps: SyscallOps = { ...immediateOps, begin: setitimerBegin };
export const getitimerCallOps: SyscallOps = { ...immediateOps, begin: getitimerBegin };
export const alarmCallOps: SyscallOps = { ...immediateOps, begin: alarmBegin };
