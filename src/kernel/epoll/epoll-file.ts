/**
 * An epoll instance as a file: it can be polled, nested and closed, and refuses to be read or written (A6).
 */
import type { Ptr } from '../../shared-mem/pointer.ts';
import { plain, struct } from '../../shared-mem/struct.ts';
import { EFAULT, EINVAL } from '../abi/errno.ts';
import { EPIOCGPARAMS, EPIOCSPARAMS } from '../abi/flags-file.ts';
import { epollParamsLayout } from '../abi/layout.ts';
import type { FilePtr } from '../file/file.ts';
import { bodyOf, File, UNDER_FILE_LOCK } from '../file/file.ts';
import type { FileOps } from '../file/file-ops.ts';
import { anonymousMode, noSize, seekToNowhere } from '../file/file-ops.ts';
import { lock, unlock } from '../irq/locking.ts';
import { readUser32, readUser8, userRangeOk, writeUser32 } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { designIndex, epollOps } from './design-ops.ts';

function epollTransfer(_f: FilePtr, _t: TaskPtr, _fr: FramePtr): number {
  return -epollOps[designIndex()]!.transferError;
}

function epollPoll(f: FilePtr, t: TaskPtr): number {
  return epollOps[designIndex()]!.poll(f, t);
}

/** The body of an epoll's file: first the instance, which is the design's, then the two words of struct epoll_params. */
const EpollParams = struct('EpollParams', {
  instance: plain('immutable'),
  busyPollMicroseconds: plain(UNDER_FILE_LOCK),
  /** budget, prefer, pad */
  rest: plain(UNDER_FILE_LOCK),
});

/** Busy polling is for network devices, of which there are none: its parameters are kept and told, and change nothing (A10). */
function epollIoctl(f: FilePtr, t: TaskPtr, command: number, argument: number): number {
  const sets = command >>> 0 === EPIOCSPARAMS >>> 0;
  if (!sets && command >>> 0 !== EPIOCGPARAMS >>> 0) return -EINVAL;
  if (userRangeOk(t, argument, epollParamsLayout.size) === 0) return -EFAULT;
  return sets ? setParameters(f, argument) : tellParameters(f, argument);
}

/** A budget above that of a device takes CAP_NET_ADMIN, which everybody here has. */
function setParameters(f: FilePtr, address: number): number {
  if (readUser8(address + epollParamsLayout.pad) !== 0) return -EINVAL;
  const microseconds = readUser32(address + epollParamsLayout.busyPollMicroseconds);
  if (microseconds < 0 || readUser8(address + epollParamsLayout.prefer) > 1) return -EINVAL;
  const rest = readUser32(address + epollParamsLayout.budget);
  const p = bodyOf(f) as Ptr<'EpollParams'>;
  lock(File.lock.at(f));
  EpollParams.busyPollMicroseconds.set(p, microseconds);
  EpollParams.rest.set(p, rest);
  unlock(File.lock.at(f));
  return 0;
}

function tellParameters(f: FilePtr, address: number): number {
  const p = bodyOf(f) as Ptr<'EpollParams'>;
  lock(File.lock.at(f));
  writeUser32(address + epollParamsLayout.busyPollMicroseconds, EpollParams.busyPollMicroseconds.get(p));
  writeUser32(address + epollParamsLayout.budget, EpollParams.rest.get(p));
  unlock(File.lock.at(f));
  return 0;
}

function epollRelease(f: FilePtr): number {
  return epollOps[designIndex()]!.release(f);
}

function epollReclaim(f: FilePtr): number {
  return epollOps[designIndex()]!.reclaim(f);
}

export const epollFileOps: FileOps = {
  read: epollTransfer,
  write: epollTransfer,
  poll: epollPoll,
  ioctl: epollIoctl,
  seek: seekToNowhere,
  mode: anonymousMode,
  size: noSize,
  release: epollRelease,
  reclaim: epollReclaim,
};
