/**
 * timerfd: a deadline as a file, readable once it has passed.
 *
 *     settime      ticks = 0, arm (or disarm with value 0)
 *     expiry       ticks = 1; a periodic timer stays expired until somebody looks at its time
 *     read         no ticks? wait : the missed periods join, take all of them, re-arm a periodic timer
 *     gettime      the missed periods join the ticks, a periodic timer is re-armed; what remains, and the interval
 *     poll         IN if ticks > 0
 *
 * Expiry is a matter of comparison: whoever polls or reads compares the deadline with the clock and notes what it finds,
 * under the file's lock. So no interrupt is needed for a right answer. One is used to wake sleepers, in designs whose
 * timers push; it notes the expiry before it wakes, so that a sleeper whose CPU's clock is a little behind does not look,
 * see nothing and sleep again. Where timers do not push (Kevlar) the deadline stands in the heap for the sake of
 * `Machine.armedTimers` alone, two ticks late: by then a tick has made every sleeper look.
 *
 * A periodic timer fires once and then only counts (I8), so an unread one costs nothing.
 *
 * Linux: fs/timerfd.c. Nothing here sets the wall clock, so TFD_TIMER_CANCEL_ON_SET has nothing to cancel (I12).
 */
import { assert } from '../../shared-mem/panic.ts';
import type { Ptr } from '../../shared-mem/pointer.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { cpu } from '../../shared-mem/self.ts';
import { atomic, embed, f64, plain, struct } from '../../shared-mem/struct.ts';
import { EFAULT, EINVAL } from '../abi/errno.ts';
import { EPOLLIN } from '../abi/flags-event.ts';
import { O_RDWR } from '../abi/flags-file.ts';
import { itimerspecLayout } from '../abi/layout.ts';
import { Cpu } from '../cpu/cpu.ts';
import { sourceChanged, timersPush } from '../epoll/source.ts';
import { lock, unlock } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { userRangeOk, writeTimespec } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, WAIT } from '../task/task.ts';
import { clockNow, clockOfPass } from '../time/clock.ts';
import { armTimer, disarmTimer, Timer, TIMER_FILE } from '../time/timers.ts';
import { putU64 } from './eventfd.ts';
import type { FilePtr } from './file.ts';
import { bodyOf, Changes, File, KIND_TIMERFD, UNDER_FILE_LOCK } from './file.ts';
import type { FileOps } from './file-ops.ts';
import { anonymousMode, noIoctl, noSize, nothingToRelease, noWrite, seekToNowhere } from './file-ops.ts';
import { newFile } from './lifetime.ts';

export const Timerfd = struct('Timerfd', {
  timer: embed(Timer),
  /** The next expiry, or, once `expired`, the one that was noted; ns since boot. Infinity: disarmed. */
  expiryNs: f64(UNDER_FILE_LOCK),
  intervalNs: f64(UNDER_FILE_LOCK),
  /** Expirations noted since the last read or settime. */
  ticks: f64(UNDER_FILE_LOCK),
  /** The deadline as the heap was given it. */
  heapNs: f64(UNDER_FILE_LOCK),
  /** 1: the expiry is in `ticks`, and a periodic timer waits for somebody to look at its time. */
  expired: plain(UNDER_FILE_LOCK),
  /** 1: it is one of Machine.armedTimers. */
  counted: plain(UNDER_FILE_LOCK),
  /** 1: released; a call that looked it up before must not arm it any more. */
  dead: plain(UNDER_FILE_LOCK),
  /** 1: absolute times are those of the wall clock. */
  wall: plain('immutable'),
  /** The expiry in COARSE_NS, rounded down, so that poll takes no lock for a deadline far away; or NEVER. */
  notBefore: atomic(),
});
type TimerfdPtr = Ptr<'Timerfd'>;

const BODY_WORDS = 20;
assert(Timerfd.size <= BODY_WORDS && File.body.off % 2 === 0, 'a timerfd fits the body of a file, on an even word');

const COARSE_NS = 1_048_576;
const NEVER = 0x7fffffff;
/** Linux's KTIME_MAX, nearly: no deadline lies behind it. */
const LATEST_NS = 9.2e18;

/** @param wall 1: absolute times are wall clock times @returns a new, disarmed timerfd, or 0 when no file is left */
export function createTimerfd(wall: number, nonblocking: number): FilePtr {
  const f = newFile(KIND_TIMERFD, O_RDWR | nonblocking);
  if (f === 0) return NULL;
  const tf = bodyOf(f) as TimerfdPtr;
  // It keeps no generation: nothing tells Kevlar's edges and poll cache when a timer expires.
  Changes.count.store(File.ownChanges.at(f), 0);
  Timer.kind.set(Timerfd.timer.at(tf), TIMER_FILE);
  Timer.owner.set(Timerfd.timer.at(tf), f);
  Timerfd.wall.set(tf, wall);
  Timerfd.notBefore.store(tf, NEVER);
  lock(File.lock.at(f));
  Timerfd.expiryNs.set(tf, Number.POSITIVE_INFINITY);
  unlock(File.lock.at(f));
  return f;
}

/** Counts the first expiry, if it has passed and was not noted yet. */
function noteExpiryLocked(f: FilePtr, tf: TimerfdPtr, nowNs: number): void {
  if (Timerfd.expired.get(tf) === 1 || nowNs < Timerfd.expiryNs.get(tf)) return;
  Timerfd.expired.set(tf, 1);
  Timerfd.ticks.set(tf, Timerfd.ticks.get(tf) + 1);
  File.readiness.store(f, EPOLLIN);
  // Whoever looked may be ahead of this CPU's timers: they run before its guest does, or it would see the edge later.
  Cpu.workLeft.set(cpu, 0);
}

/** Lets the periods that passed since the noted expiry join the ticks, and arms the next one on the grid (I7, I9). */
function forwardLocked(tf: TimerfdPtr, nowNs: number): void {
  const intervalNs = Timerfd.intervalNs.get(tf);
  if (Timerfd.expired.get(tf) === 0 || intervalNs === 0) return;
  const expiryNs = Timerfd.expiryNs.get(tf);
  // The expiry may have been noted by a CPU whose clock is ahead of ours.
  const periods = Math.floor(Math.max(0, nowNs - expiryNs) / intervalNs) + 1;
  Timerfd.ticks.set(tf, Timerfd.ticks.get(tf) + periods - 1);
  armLocked(tf, expiryNs + periods * intervalNs, nowNs);
}

function armLocked(tf: TimerfdPtr, expiryNs: number, nowNs: number): void {
  if (Timerfd.dead.get(tf) === 1) return;
  Timerfd.expired.set(tf, 0);
  Timerfd.expiryNs.set(tf, expiryNs);
  Timerfd.notBefore.store(tf, Math.min(Math.max(Math.floor(expiryNs / COARSE_NS), 0), NEVER - 1));
  const heapNs = timersPush() === 1 ? expiryNs : Math.max(expiryNs, nowNs) + 2 * Machine.tickNs.get(MACHINE);
  Timerfd.heapNs.set(tf, heapNs);
  if (Timerfd.counted.get(tf) === 0) {
    Timerfd.counted.set(tf, 1);
    Machine.armedTimers.add(MACHINE, 1);
  }
  armTimer(cpu, Timerfd.timer.at(tf), heapNs);
}

function disarmLocked(tf: TimerfdPtr): void {
  Timerfd.expired.set(tf, 0);
  Timerfd.expiryNs.set(tf, Number.POSITIVE_INFINITY);
  Timerfd.notBefore.store(tf, NEVER);
  disarmTimer(Timerfd.timer.at(tf));
  if (Timerfd.counted.get(tf) === 0) return;
  Timerfd.counted.set(tf, 0);
  Machine.armedTimers.sub(MACHINE, 1);
}

/** What gettime says: 0 only if the timer is disarmed, or a one-shot that has expired (I5). */
function storeSettingLocked(tf: TimerfdPtr, nowNs: number, to: number): void {
  const expiryNs = Timerfd.expiryNs.get(tf);
  const over = Timerfd.expired.get(tf) === 1 || expiryNs === Number.POSITIVE_INFINITY;
  writeTimespec(to + itimerspecLayout.interval, Timerfd.intervalNs.get(tf));
  writeTimespec(to + itimerspecLayout.value, over ? 0 : Math.max(1, Math.floor(expiryNs - nowNs)));
}

/**
 * Arms with a value, disarms with value 0; either way what had expired is forgotten (I3). The new setting is in force
 * even if the old one cannot be stored (I4).
 * @param absolute 1: the value is a time of the timer's clock
 * @param oldAddress user address for the old setting, or 0
 * @returns 0 or -EFAULT
 */
export function setTimerfd(
  t: TaskPtr,
  f: FilePtr,
  absolute: number,
  valueSeconds: number,
  valueNs: number,
  intervalNs: number,
  oldAddress: number,
): number {
  const tf = bodyOf(f) as TimerfdPtr;
  const oldOk = oldAddress === 0 ? 0 : userRangeOk(t, oldAddress, itimerspecLayout.size);
  const nowNs = clockNow();
  lock(File.lock.at(f));
  noteExpiryLocked(f, tf, nowNs);
  forwardLocked(tf, nowNs);
  if (oldOk === 1) storeSettingLocked(tf, nowNs, oldAddress);
  Timerfd.ticks.set(tf, 0);
  File.readiness.store(f, 0);
  Timerfd.intervalNs.set(tf, intervalNs);
  let fired = false;
  if (valueSeconds === 0 && valueNs === 0) {
    disarmLocked(tf);
  } else {
    const expiryNs = absoluteExpiry(tf, absolute, valueSeconds, valueNs, nowNs);
    armLocked(tf, Math.min(expiryNs, LATEST_NS), nowNs);
    fired = expiryNs <= nowNs;
    if (fired) noteExpiryLocked(f, tf, nowNs);
  }
  unlock(File.lock.at(f));
  // A time in the past expires at once (I10); there is no need to wait for the interrupt.
  if (fired && timersPush() === 1) timerfdExpired(f);
  return oldAddress !== 0 && oldOk === 0 ? -EFAULT : 0;
}

/** Seconds and ns apart, for a wall clock time in ns is more than a float64 holds exactly. */
function absoluteExpiry(tf: TimerfdPtr, absolute: number, seconds: number, ns: number, nowNs: number): number {
  if (absolute === 0) return nowNs + (seconds * 1e9 + ns);
  if (Timerfd.wall.get(tf) === 0) return seconds * 1e9 + ns;
  const bootSeconds = Machine.bootWallSeconds.get(MACHINE);
  return (seconds - bootSeconds) * 1e9 + (ns - Machine.bootWallNs.get(MACHINE));
}

/** @returns 0 or -EFAULT; the missed periods are counted even then */
export function getTimerfd(t: TaskPtr, f: FilePtr, address: number): number {
  const tf = bodyOf(f) as TimerfdPtr;
  const ok = userRangeOk(t, address, itimerspecLayout.size);
  const nowNs = clockNow();
  lock(File.lock.at(f));
  noteExpiryLocked(f, tf, nowNs);
  // The interrupt that would have told of this expiry is about to be moved to the next one.
  const untold = Timerfd.expired.get(tf) === 1 && Timerfd.counted.get(tf) === 1 && timersPush() === 1;
  forwardLocked(tf, nowNs);
  if (ok === 1) storeSettingLocked(tf, nowNs, address);
  unlock(File.lock.at(f));
  if (untold) sourceChanged(f, EPOLLIN);
  return ok === 1 ? 0 : -EFAULT;
}

/**
 * The heap's deadline has passed. Called by the CPU in whose heap it stood, between traps and without locks. The timer
 * may have been set anew, or its file closed, since it left the heap; then there is nothing to do.
 */
export function timerfdExpired(f: FilePtr): void {
  const tf = bodyOf(f) as TimerfdPtr;
  const nowNs = clockNow();
  lock(File.lock.at(f));
  const due = Timerfd.counted.get(tf) === 1 && nowNs >= Timerfd.heapNs.get(tf);
  if (due) {
    Timerfd.counted.set(tf, 0);
    noteExpiryLocked(f, tf, nowNs);
  }
  unlock(File.lock.at(f));
  if (!due) return;
  if (timersPush() === 1) sourceChanged(f, EPOLLIN);
  // Only now: a machine whose last armed timer is about to wake somebody is not deadlocked.
  Machine.armedTimers.sub(MACHINE, 1);
}

function timerfdRead(f: FilePtr, t: TaskPtr, fr: FramePtr): number {
  if (Frame.length.get(fr) < 8) return -EINVAL;
  const tf = bodyOf(f) as TimerfdPtr;
  const nowNs = clockNow();
  lock(File.lock.at(f));
  noteExpiryLocked(f, tf, nowNs);
  if (Timerfd.ticks.get(tf) === 0) {
    unlock(File.lock.at(f));
    return WAIT;
  }
  forwardLocked(tf, nowNs);
  const ticks = Timerfd.ticks.get(tf);
  Timerfd.ticks.set(tf, 0);
  File.readiness.store(f, 0);
  if (Timerfd.expired.get(tf) === 1) disarmLocked(tf);
  unlock(File.lock.at(f));
  // The count is lost if the buffer turns out bad (I13), even if part of it was stored.
  const stored = putU64(t, fr, ticks | 0, Math.floor(ticks / 4294967296));
  return stored > 0 ? stored : -EFAULT;
}

function timerfdPoll(f: FilePtr, _t: TaskPtr): number {
  const ready = File.readiness.load(f);
  if (ready !== 0) return ready;
  const tf = bodyOf(f) as TimerfdPtr;
  const notBefore = Timerfd.notBefore.load(tf);
  if (notBefore === NEVER) return 0;
  const nowNs = clockOfPass();
  if (nowNs < notBefore * COARSE_NS) return 0;
  lock(File.lock.at(f));
  noteExpiryLocked(f, tf, nowNs);
  unlock(File.lock.at(f));
  return File.readiness.load(f);
}

function timerfdRelease(f: FilePtr): number {
  const tf = bodyOf(f) as TimerfdPtr;
  lock(File.lock.at(f));
  Timerfd.dead.set(tf, 1);
  disarmLocked(tf);
  unlock(File.lock.at(f));
  return 0;
}

export const timerfdOps: FileOps = {
  read: timerfdRead,
  write: noWrite,
  poll: timerfdPoll,
  ioctl: noIoctl,
  seek: seekToNowhere,
  mode: anonymousMode,
  size: noSize,
  release: timerfdRelease,
  reclaim: nothingToRelease,
};
