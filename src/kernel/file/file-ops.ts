/**
 * What every kind of file answers. No member is optional: a kind that cannot do a thing says so with the errno that
 * Linux gives (noRead, noWrite ...). None of them sleeps: "not yet" is WAIT, and the one function that sleeps is above.
 */
import { EINVAL, ENOTTY, ESPIPE } from '../abi/errno.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import type { FilePtr } from './file.ts';

export interface FileOps {
  /** Moves bytes to the frame's buffer. @returns bytes, -errno or WAIT */
  readonly read: (f: FilePtr, t: TaskPtr, fr: FramePtr) => number;
  /** Moves bytes from the frame's buffer. @returns bytes, -errno or WAIT */
  readonly write: (f: FilePtr, t: TaskPtr, fr: FramePtr) => number;
  /** @returns EPOLL bits that hold now, for the asking task */
  readonly poll: (f: FilePtr, t: TaskPtr) => number;
  readonly ioctl: (f: FilePtr, t: TaskPtr, command: number, argument: number) => number;
  /** @returns the new position or -errno */
  readonly seek: (f: FilePtr, offset: number, whence: number) => number;
  /** @returns st_mode */
  readonly mode: (f: FilePtr) => number;
  /** @returns st_size */
  readonly size: (f: FilePtr) => number;
  /**
   * The last reference is gone: tells the other side, lets go of other files. Another CPU may still be looking at the
   * file, so its state must stay consistent. @returns 0
   */
  readonly release: (f: FilePtr) => number;
  /** A grace period later, when nobody looks any more: gives back the records that the kind holds. @returns 0 */
  readonly reclaim: (f: FilePtr) => number;
}

export function noRead(_f: FilePtr, _t: TaskPtr, _fr: FramePtr): number {
  return -EINVAL;
}
export function noWrite(_f: FilePtr, _t: TaskPtr, _fr: FramePtr): number {
  return -EINVAL;
}
export function noIoctl(_f: FilePtr, _t: TaskPtr, _command: number, _argument: number): number {
  return -ENOTTY;
}
/** Pipes and sockets. */
export function noSeek(_f: FilePtr, _offset: number, _whence: number): number {
  return -ESPIPE;
}
/** Anonymous inodes since Linux 6.0: lseek does nothing and says 0 (H9, A6). */
export function seekToNowhere(_f: FilePtr, _offset: number, _whence: number): number {
  return 0;
}
/** Anonymous inodes: neither type nor size. */
export function anonymousMode(_f: FilePtr): number {
  return 0o600;
}
export function noSize(_f: FilePtr): number {
  return 0;
}
/** Kinds that hold nothing beyond their file record. */
export function nothingToRelease(_f: FilePtr): number {
  return 0;
}
