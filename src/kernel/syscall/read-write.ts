/**
 * read, write, readv, writev: the bytes themselves are the file's affair; here are descriptors, directions, lengths
 * and vectors. Precedence as Linux: EBADF, then vector errors, then what the file says.
 */
import { EAGAIN, EBADF, EFAULT, EINVAL } from '../abi/errno.ts';
import { MAX_RW_COUNT, O_ACCMODE, O_NONBLOCK, O_RDONLY, O_WRONLY, UIO_MAXIOV } from '../abi/flags-file.ts';
import { iovecLayout } from '../abi/layout.ts';
import type { FilePtr } from '../file/file.ts';
import { File } from '../file/file.ts';
import { fileOps } from '../file/ops-table.ts';
import { lookupFile } from '../process/fd-table.ts';
import { inUserRange, readUser64, userRangeOk } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, PROCEED, WAIT } from '../task/task.ts';
import type { SyscallOps } from './syscall-ops.ts';
import {
  countOrAgain,
  countOrRestart,
  intArgument,
  standsAtItsFile,
  watchesItsFile,
  wordArgument,
} from './syscall-ops.ts';

/** Puts the file into the frame. @returns PROCEED or -EBADF */
function beginTransfer(t: TaskPtr, fr: FramePtr, forbiddenMode: number): number {
  const f = lookupFile(t, intArgument(fr, 0));
  if (f === 0) return -EBADF;
  const flags = File.flags.peek(f);
  if ((flags & O_ACCMODE) === forbiddenMode) return -EBADF;
  Frame.file.set(fr, f);
  Frame.nonblocking.set(fr, (flags & O_NONBLOCK) !== 0 ? 1 : 0);
  return PROCEED;
}

/** Takes buffer and length from arguments 1 and 2. */
function takeBuffer(fr: FramePtr): number {
  const address = wordArgument(fr, 1);
  const length = wordArgument(fr, 2);
  if (length < 0) return -EINVAL;
  if (inUserRange(address, 0) === 0) return -EFAULT;
  Frame.buffer.set(fr, address);
  Frame.length.set(fr, Math.min(length, MAX_RW_COUNT));
  Frame.vectorCount.set(fr, 0);
  return PROCEED;
}

/** Takes a vector, checks its elements and sums their lengths. */
export function takeVector(t: TaskPtr, fr: FramePtr, vector: number, count: number): number {
  if (count < 0 || count > UIO_MAXIOV) return -EINVAL;
  if (userRangeOk(t, vector, count * iovecLayout.size) === 0) return -EFAULT;
  let total = 0;
  let firstBuffer = 0;
  for (let i = 0; i < count; i++) {
    const base = readUser64(vector + i * iovecLayout.size + iovecLayout.base);
    const length = readUser64(vector + i * iovecLayout.size + iovecLayout.length);
    if (length < 0) return -EINVAL;
    if (inUserRange(base, 0) === 0) return -EFAULT;
    if (i === 0) firstBuffer = base;
    total = Math.min(total + length, MAX_RW_COUNT);
  }
  // Nothing to move: the file is not asked.
  if (total === 0) return 0;
  Frame.buffer.set(fr, firstBuffer);
  Frame.length.set(fr, total);
  Frame.vector.set(fr, vector);
  // One element is a plain buffer, and spares the copy loop its search.
  Frame.vectorCount.set(fr, count === 1 ? 0 : count);
  return PROCEED;
}

function readBegin(t: TaskPtr, fr: FramePtr): number {
  const r = beginTransfer(t, fr, O_WRONLY);
  return r === PROCEED ? takeBuffer(fr) : r;
}
function writeBegin(t: TaskPtr, fr: FramePtr): number {
  const r = beginTransfer(t, fr, O_RDONLY);
  return r === PROCEED ? takeBuffer(fr) : r;
}
function readvBegin(t: TaskPtr, fr: FramePtr): number {
  const r = beginTransfer(t, fr, O_WRONLY);
  return r === PROCEED ? takeVector(t, fr, wordArgument(fr, 1), wordArgument(fr, 2)) : r;
}
function writevBegin(t: TaskPtr, fr: FramePtr): number {
  const r = beginTransfer(t, fr, O_RDONLY);
  return r === PROCEED ? takeVector(t, fr, wordArgument(fr, 1), wordArgument(fr, 2)) : r;
}

function readAttempt(t: TaskPtr, fr: FramePtr): number {
  const f = Frame.file.get(fr) as FilePtr;
  const r = fileOps[File.kind.get(f)]!.read(f, t, fr);
  return r === WAIT && Frame.nonblocking.get(fr) === 1 ? -EAGAIN : r;
}
function writeAttempt(t: TaskPtr, fr: FramePtr): number {
  const f = Frame.file.get(fr) as FilePtr;
  const r = fileOps[File.kind.get(f)]!.write(f, t, fr);
  return r === WAIT && Frame.nonblocking.get(fr) === 1 ? -EAGAIN : r;
}

export const readOps: SyscallOps = {
  begin: readBegin,
  attempt: readAttempt,
  enqueue: standsAtItsFile,
  expired: countOrAgain,
  interrupted: countOrRestart,
  watches: watchesItsFile,
};
export const writeOps: SyscallOps = { ...readOps, begin: writeBegin, attempt: writeAttempt };
export const readvOps: SyscallOps = { ...readOps, begin: readvBegin };
export const writevOps: SyscallOps = { ...readOps, begin: writevBegin, attempt: writeAttempt };
