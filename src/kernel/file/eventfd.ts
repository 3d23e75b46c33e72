/**
 * eventfd: a 64-bit counter that threads add to and wait for.
 *
 *     write(n)   counter + n > 2^64-2 ?  wait : counter += n, wake readers
 *     read()     counter = 0 ?  wait : take all of it (or 1, EFD_SEMAPHORE), wake writers
 *     poll       IN if counter > 0, OUT if a write of 1 would not wait
 *
 * The counter is two words under the file's lock, and the readiness word follows every change under the same lock, so
 * poll needs one atomic load. The lock is a leaf here: nothing is woken while it is held. A write, even of 0, is an
 * edge for watchers of IN, and a read one for watchers of OUT, whether or not readiness changed (H7).
 *
 * Linux: fs/eventfd.c.
 */
import type { Ptr } from '../../shared-mem/pointer.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { plain, struct } from '../../shared-mem/struct.ts';
import { EFAULT, EINVAL } from '../abi/errno.ts';
import { EPOLLERR, EPOLLIN, EPOLLOUT } from '../abi/flags-event.ts';
import { O_RDWR } from '../abi/flags-file.ts';
import { iovecLayout } from '../abi/layout.ts';
import { sourceChanged } from '../epoll/source.ts';
import { lock, unlock } from '../irq/locking.ts';
import { readUser32, readUser64, userRangeOk, writeUser32 } from '../process/user-memory.ts';
import { copyOut } from '../process/user-vector.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, WAIT } from '../task/task.ts';
import type { FilePtr } from './file.ts';
import { bodyOf, File, KIND_EVENTFD, UNDER_FILE_LOCK } from './file.ts';
import type { FileOps } from './file-ops.ts';
import { anonymousMode, noIoctl, noSize, nothingToRelease, seekToNowhere } from './file-ops.ts';
import { newFile } from './lifetime.ts';

export const Eventfd = struct('Eventfd', {
  low: plain(UNDER_FILE_LOCK),
  high: plain(UNDER_FILE_LOCK),
  semaphore: plain('immutable'),
});
type EventfdPtr = Ptr<'Eventfd'>;

/** @returns a new eventfd, or 0 when no file is left */
export function createEventfd(initial: number, semaphore: number, nonblocking: number): FilePtr {
  const f = newFile(KIND_EVENTFD, O_RDWR | nonblocking);
  if (f === 0) return NULL;
  const e = bodyOf(f) as EventfdPtr;
  Eventfd.semaphore.set(e, semaphore);
  lock(File.lock.at(f));
  setCountLocked(f, e, initial | 0, 0);
  unlock(File.lock.at(f));
  return f;
}

/** Stores the counter and what poll answers for it. */
function setCountLocked(f: FilePtr, e: EventfdPtr, low: number, high: number): void {
  Eventfd.low.set(e, low);
  Eventfd.high.set(e, high);
  const ready = readinessOfCount(low, high);
  if (File.readiness.peek(f) !== ready) File.readiness.store(f, ready);
}

function readinessOfCount(low: number, high: number): number {
  if (low === 0 && high === 0) return EPOLLOUT;
  if (high !== -1 || low >>> 0 < 0xfffffffe) return EPOLLIN | EPOLLOUT;
  return low === -1 ? EPOLLIN | EPOLLERR : EPOLLIN;
}

function eventfdRead(f: FilePtr, t: TaskPtr, fr: FramePtr): number {
  if (Frame.length.get(fr) < 8) return -EINVAL;
  const e = bodyOf(f) as EventfdPtr;
  lock(File.lock.at(f));
  let low = Eventfd.low.get(e);
  let high = Eventfd.high.get(e);
  if (low === 0 && high === 0) {
    unlock(File.lock.at(f));
    return WAIT;
  }
  if (Eventfd.semaphore.get(e) !== 0) {
    setCountLocked(f, e, (low - 1) | 0, low === 0 ? (high - 1) | 0 : high);
    low = 1;
    high = 0;
  } else {
    setCountLocked(f, e, 0, 0);
  }
  unlock(File.lock.at(f));
  sourceChanged(f, EPOLLOUT);
  // The counter is consumed even if the buffer turns out bad (H8).
  return putU64(t, fr, low, high) === 8 ? 8 : -EFAULT;
}

function eventfdWrite(f: FilePtr, t: TaskPtr, fr: FramePtr): number {
  if (Frame.vectorCount.get(fr) > 0) return writeElements(f, t, fr);
  return Frame.length.get(fr) === 8 ? addFrom(f, t, Frame.buffer.get(fr)) : -EINVAL;
}

/**
 * Each element of a vector is a write of its own; the call ends with the first that fails, or must wait. An empty one
 * fails if it comes first, and is passed over behind another.
 */
function writeElements(f: FilePtr, t: TaskPtr, fr: FramePtr): number {
  const total = Frame.length.get(fr);
  for (;;) {
    const moved = Frame.moved.get(fr);
    const element = moved === total ? 0 : elementAt(fr, moved);
    if (element === 0) return moved;
    const length = readUser64(element + iovecLayout.length);
    const r = length === 8 ? addFrom(f, t, readUser64(element + iovecLayout.base)) : -EINVAL;
    if (r === WAIT && Frame.nonblocking.get(fr) === 0) return WAIT;
    if (r < 0) return moved > 0 ? moved : r;
    Frame.moved.set(fr, moved + 8);
  }
}

/** @returns the user address of the element that begins `moved` bytes in, or 0 */
function elementAt(fr: FramePtr, moved: number): number {
  let element = Frame.vector.get(fr);
  const end = element + Frame.vectorCount.get(fr) * iovecLayout.size;
  for (let left = moved; moved > 0 && element < end; element += iovecLayout.size) {
    const length = readUser64(element + iovecLayout.length);
    if (left < length) break;
    left -= length;
  }
  return element < end ? element : 0;
}

/** Adds the eight bytes at a user address. @returns 8, -errno or WAIT */
function addFrom(f: FilePtr, t: TaskPtr, from: number): number {
  if (userRangeOk(t, from, 8) === 0) return -EFAULT;
  const addLow = readUser32(from);
  const addHigh = readUser32(from + 4);
  if (addLow === -1 && addHigh === -1) return -EINVAL;
  const e = bodyOf(f) as EventfdPtr;
  lock(File.lock.at(f));
  const low = (Eventfd.low.get(e) >>> 0) + (addLow >>> 0);
  const high = (Eventfd.high.get(e) >>> 0) + (addHigh >>> 0) + (low > 0xffffffff ? 1 : 0);
  const full = high > 0xffffffff || (high === 0xffffffff && low >>> 0 === 0xffffffff);
  if (!full) setCountLocked(f, e, low | 0, high | 0);
  unlock(File.lock.at(f));
  if (full) return WAIT;
  sourceChanged(f, EPOLLIN);
  return 8;
}

/** Stores a u64 at the start of the buffer, scattered or not. @returns how many of its bytes were stored */
export function putU64(t: TaskPtr, fr: FramePtr, low: number, high: number): number {
  const at = Frame.buffer.get(fr);
  if (Frame.vectorCount.get(fr) === 0 && userRangeOk(t, at, 8) === 1) {
    writeUser32(at, low);
    writeUser32(at + 4, high);
    return 8;
  }
  // Two words of the frame that lie side by side; this call needs neither any more.
  Frame.first.set(fr, low);
  Frame.second.set(fr, high);
  return copyOut(t, fr, 0, (fr + Frame.first.off) * 4, 8);
}

function eventfdPoll(f: FilePtr, _t: TaskPtr): number {
  return File.readiness.load(f);
}

export const eventfdOps: FileOps = {
  read: eventfdRead,
  write: eventfdWrite,
  poll: eventfdPoll,
  ioctl: noIoctl,
  seek: seekToNowhere,
  mode: anonymousMode,
  size: noSize,
  release: nothingToRelease,
  reclaim: nothingToRelease,
};
