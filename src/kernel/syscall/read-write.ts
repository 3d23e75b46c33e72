/**
 * read, write, readv, writev, pread64, pwrite64: the bytes themselves are the file's affair; here are descriptors, directions, lengths
 * and vectors. Precedence as Linux: EBADF, then vector errors, then what the file says; a position is looked at before the
 * descriptor, and refused (ESPIPE) by every kind of file that has none.
 */
import { EAGAIN, EBADF, EFAULT, EINVAL, ESPIPE } from '../abi/errno.ts';
import { MAX_RW_COUNT, O_ACCMODE, O_NONBLOCK, O_RDONLY, O_WRONLY, UIO_MAXIOV } from '../abi/flags-file.ts';
import { iovecLayout } from '../abi/layout.ts';
import type { FilePtr } from '../file/file.ts';
import { File, KIND_DEVICE, KIND_MEMFD, KIND_PIPE, KIND_SOCKET } from '../file/file.ts';
import { readMemfdAt, writeMemfdAt } from '../file/memfd.ts';
import { fileOps } from '../file/ops-table.ts';
import { pipeWriteInterrupted } from '../file/pipe.ts';
import { lookupFile } from '../process/fd-table.ts';
import { inUserRange, readUser64, userRangeOk } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, PROCEED, WAIT } from '../task/task.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { standsAtItsFile, standsToReceive } from './stands.ts';
import { countOrAgain, countOrRestart, intArgument, watchesItsFile, wordArgument } from './syscall-ops.ts';

/** What an x86_64 program may address; a size_t beyond comes here as a negative number, or as one above. */
const ADDRESS_SPACE_BYTES = 2 ** 47;

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
  // No buffer is as long as that: it would reach out of every address space.
  if (inUserRange(address, 0) === 0 || length < 0 || length >= ADDRESS_SPACE_BYTES) return -EFAULT;
  Frame.buffer.set(fr, address);
  Frame.length.set(fr, Math.min(length, MAX_RW_COUNT));
  Frame.vectorCount.set(fr, 0);
  return PROCEED;
}

/** Takes a vector, checks its elements and sums their lengths. */
export function takeVector(t: TaskPtr, fr: FramePtr, vector: number, count: number): number {
  if (count < 0 || count > UIO_MAXIOV) return -EINVAL;
  // No vector at all may lie anywhere.
  if (count === 0) return 0;
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

/** Takes the position from argument 3. */
function beginPositional(t: TaskPtr, fr: FramePtr, forbiddenMode: number): number {
  const position = wordArgument(fr, 3);
  if (position < 0) return -EINVAL;
  const f = lookupFile(t, intArgument(fr, 0));
  if (f === 0) return -EBADF;
  const kind = File.kind.get(f);
  if (kind !== KIND_MEMFD && kind !== KIND_DEVICE) return -ESPIPE;
  const r = beginTransfer(t, fr, forbiddenMode);
  const taken = r === PROCEED ? takeBuffer(fr) : r;
  // Positions end where numbers are no longer exact.
  return taken === PROCEED && position + Frame.length.get(fr) > Number.MAX_SAFE_INTEGER ? -EINVAL : taken;
}
function pread64Begin(t: TaskPtr, fr: FramePtr): number {
  return beginPositional(t, fr, O_WRONLY);
}
function pwrite64Begin(t: TaskPtr, fr: FramePtr): number {
  return beginPositional(t, fr, O_RDONLY);
}

/** Neither kind of file makes anybody wait. A device is the same everywhere. */
function pread64Attempt(t: TaskPtr, fr: FramePtr): number {
  const f = Frame.file.get(fr) as FilePtr;
  return File.kind.get(f) === KIND_MEMFD ? readMemfdAt(f, t, fr, wordArgument(fr, 3)) : readAttempt(t, fr);
}
function pwrite64Attempt(t: TaskPtr, fr: FramePtr): number {
  const f = Frame.file.get(fr) as FilePtr;
  return File.kind.get(f) === KIND_MEMFD ? writeMemfdAt(f, t, fr, wordArgument(fr, 3)) : writeAttempt(t, fr);
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

/**
 * What came before the signal, but after the last look, is the answer: Linux's readers look once more when they see a signal
 * (wait_event_interruptible). Those of sockets do not.
 */
function readInterrupted(t: TaskPtr, fr: FramePtr): number {
  if (File.kind.get(Frame.file.get(fr) as FilePtr) === KIND_SOCKET) return countOrRestart(t, fr);
  const r = readAttempt(t, fr);
  return r !== WAIT ? r : countOrRestart(t, fr);
}
function writeInterrupted(t: TaskPtr, fr: FramePtr): number {
  const f = Frame.file.get(fr) as FilePtr;
  if (File.kind.get(f) === KIND_PIPE) pipeWriteInterrupted(f);
  return countOrRestart(t, fr);
}

export const readOps: SyscallOps = {
  begin: readBegin,
  attempt: readAttempt,
  enqueue: standsToReceive,
  expired: countOrAgain,
  interrupted: readInterrupted,
  watches: watchesItsFile,
};
export const writeOps: SyscallOps = {
  ...readOps,
  begin: writeBegin,
  attempt: writeAttempt,
  enqueue: standsAtItsFile,
  interrupted: writeInterrupted,
};
export const pread64CallOps: SyscallOps = { ...readOps, begin: pread64Begin, attempt: pread64Attempt };
export const pwrite64CallOps: SyscallOps = { ...readOps, begin: pwrite64Begin, attempt: pwrite64Attempt };
export const readvOps: SyscallOps = { ...readOps, begin: readvBegin };
export const writevOps: SyscallOps = { ...writeOps, begin: writevBegin };
