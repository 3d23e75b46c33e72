// The model's timerfd: its calls, in a world whose clock moves in sleeps only. Callers: calls.ts, transfer-calls.ts.
// Promise: how many periods have passed is the expected result's to say; that some have is foretold.

import type { StepResult, SystemCallStep } from '../../programs/conform/case.ts';
import { numberOf } from '../../programs/conform/constants.ts';
import type { TimerFile } from './files.ts';
import { IN } from './told.ts';
import { named } from './create-calls.ts';
import { type Attempt, type DesignModel, fileAt, newFile, numberIn, type World } from './world.ts';

const ABSOLUTE = numberOf('TFD_TIMER_ABSTIME');
const SETTIME_FLAGS = ABSOLUTE | numberOf('TFD_TIMER_CANCEL_ON_SET');
const CREATE_FLAGS = numberOf('TFD_NONBLOCK|TFD_CLOEXEC');
/** REALTIME, MONOTONIC, BOOTTIME and the two alarm clocks. */
const CLOCKS: readonly number[] = [0, 1, 7, 8, 9];
/** A time of any clock before which nobody runs a case. */
const LONG_AGO_NS = 1e6;

export function timerReadiness(file: TimerFile, nowNs: number): number {
  return file.ticks > 0 || (file.dueNs !== undefined && file.dueNs <= nowNs) ? IN : 0;
}

/** What has expired is counted, and the next expiry is in force, of which the watchers will be told again. */
function count(file: TimerFile, nowNs: number): void {
  const { dueNs, intervalNs } = file;
  if (dueNs === undefined || dueNs > nowNs) return;
  const periods = intervalNs === 0 ? 1 : Math.floor((nowNs - dueNs) / intervalNs) + 1;
  file.ticks += periods;
  file.dueNs = intervalNs === 0 ? undefined : dueNs + periods * intervalNs;
  file.told = intervalNs === 0;
}

export function createTimer(world: World, call: SystemCallStep): StepResult | undefined {
  const clock = numberIn(world, call.args[0]);
  const flags = numberIn(world, call.args[1]);
  if (clock === undefined || flags === undefined) return undefined;
  if (!CLOCKS.includes(clock) || (flags & ~CREATE_FLAGS) !== 0) return { ret: '-EINVAL' };
  const file: TimerFile = { kind: 'timerfd', dueNs: undefined, intervalNs: 0, ticks: 0, told: false };
  return named(world, call, newFile(file, (flags & numberOf('TFD_NONBLOCK')) !== 0));
}

export function settimeCall(design: DesignModel, world: World, call: SystemCallStep): StepResult | undefined {
  const setting = call.args[2];
  const flags = numberIn(world, call.args[1]);
  if (typeof setting !== 'object' || setting === null || flags === undefined) return undefined;
  if ('bad' in setting) return { ret: '-EFAULT' };
  if (!('itimerspec' in setting)) return undefined;
  const [intervalSeconds, intervalNs, seconds, nanoseconds] = setting.itimerspec;
  const isTime = (s: number, ns: number): boolean => s >= 0 && ns >= 0 && ns < 1e9;
  const isValid = isTime(intervalSeconds, intervalNs) && isTime(seconds, nanoseconds);
  if ((flags & ~SETTIME_FLAGS) !== 0 || !isValid) return { ret: '-EINVAL' };
  const open = fileAt(world, call.args[0]);
  if (open === undefined) return { ret: '-EBADF' };
  const { file } = open;
  if (file.kind !== 'timerfd') return { ret: '-EINVAL' };
  const value = seconds * 1e9 + nanoseconds;
  const absolute = (flags & ABSOLUTE) !== 0;
  if (absolute && value > LONG_AGO_NS) return undefined;
  const before = settingOf(file, world.nowNs);
  file.dueNs = value === 0 ? undefined : world.nowNs + (absolute ? 0 : value);
  file.intervalNs = intervalSeconds * 1e9 + intervalNs;
  file.ticks = 0;
  file.told = false;
  design.timePassed?.(world);
  const old = call.args[3];
  if (old === null || old === undefined) return { ret: 0 };
  if (typeof old !== 'object') return undefined;
  return 'bad' in old ? { ret: '-EFAULT' } : { ret: 0, out: before };
}

export function gettimeCall(world: World, call: SystemCallStep): StepResult | undefined {
  const open = fileAt(world, call.args[0]);
  if (open === undefined) return { ret: '-EBADF' };
  if (open.file.kind !== 'timerfd') return { ret: '-EINVAL' };
  count(open.file, world.nowNs);
  const to = call.args[1];
  if (typeof to !== 'object' || to === null) return undefined;
  return 'bad' in to ? { ret: '-EFAULT' } : { ret: 0, out: settingOf(open.file, world.nowNs) };
}

function settingOf({ dueNs, intervalNs }: TimerFile, nowNs: number): { interval_ns: number; armed: boolean } {
  return { interval_ns: intervalNs, armed: dueNs !== undefined && (intervalNs > 0 || dueNs > nowNs) };
}

export function readTimer(world: World, file: TimerFile, call: SystemCallStep, bytes: number): Attempt | undefined {
  if (bytes < 8) return { answer: { ret: '-EINVAL' } };
  count(file, world.nowNs);
  const { ticks } = file;
  file.ticks = 0;
  if (ticks === 0) return { answer: { ret: '-EAGAIN' } };
  const buffer = call.args[1];
  if (typeof buffer !== 'object' || buffer === null) return undefined;
  if ('bad' in buffer) return { answer: { ret: '-EFAULT' } };
  const answer = 'out_u64' in buffer ? { ret: 8, out: `${ticks}` } : { ret: 8 };
  return { answer, inexact: file.intervalNs !== 0 };
}
