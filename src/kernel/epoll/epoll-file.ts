/**
 * An epoll instance as a file: it can be polled, nested and closed, and refuses to be read or written (A6).
 */
import { EFAULT, EINVAL } from '../abi/errno.ts';
import { EPIOCGPARAMS } from '../abi/flags-file.ts';
import type { FilePtr } from '../file/file.ts';
import type { FileOps } from '../file/file-ops.ts';
import { anonymousMode, noRead, noSize, noWrite, seekToNowhere } from '../file/file-ops.ts';
import { userRangeOk, writeUser32 } from '../process/user-memory.ts';
import type { TaskPtr } from '../task/task.ts';
import { designIndex, epollOps } from './design-ops.ts';

function epollPoll(f: FilePtr, t: TaskPtr): number {
  return epollOps[designIndex()]!.poll(f, t);
}

/** The busy-poll parameters are all 0, and stay so (A10); anything else is EINVAL. */
function epollIoctl(_f: FilePtr, t: TaskPtr, command: number, argument: number): number {
  if (command >>> 0 !== EPIOCGPARAMS >>> 0) return -EINVAL;
  if (userRangeOk(t, argument, 8) === 0) return -EFAULT;
  writeUser32(argument, 0);
  writeUser32(argument + 4, 0);
  return 0;
}

function epollRelease(f: FilePtr): number {
  return epollOps[designIndex()]!.release(f);
}

function epollReclaim(f: FilePtr): number {
  return epollOps[designIndex()]!.reclaim(f);
}

export const epollFileOps: FileOps = {
  read: noRead,
  write: noWrite,
  poll: epollPoll,
  ioctl: epollIoctl,
  seek: seekToNowhere,
  mode: anonymousMode,
  size: noSize,
  release: epollRelease,
  reclaim: epollReclaim,
};
