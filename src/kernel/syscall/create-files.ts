/**
 * eventfd, eventfd2, pipe, pipe2, dup, dup2, dup3, close: descriptors and their lowest free numbers.
 */
import { EBADF, EFAULT, EINVAL, EMFILE, ENFILE } from '../abi/errno.ts';
import { EFD_CLOEXEC, EFD_NONBLOCK, EFD_SEMAPHORE } from '../abi/flags-event.ts';
import { O_CLOEXEC, O_NONBLOCK, openFlags } from '../abi/flags-file.ts';
import { createEventfd } from '../file/eventfd.ts';
import type { FilePtr } from '../file/file.ts';
import { tryHoldFile } from '../file/lifetime.ts';
import { releaseFile } from '../file/ops-table.ts';
import { createPipe, writeEndOf } from '../file/pipe.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { FdTablePtr } from '../process/fd-table.ts';
import { FdTable, installFd, lookupFile, removeFd, replaceFd } from '../process/fd-table.ts';
import { userRangeOk, writeUser32 } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { immediateOps, intArgument, wordArgument } from './syscall-ops.ts';

export function tableOf(t: TaskPtr): FdTablePtr {
  return Task.fdTable.get(t) as FdTablePtr;
}

/** Gives a fresh file (or 0: none was left) a number; a file that gets none is let go. */
export function installFresh(t: TaskPtr, f: FilePtr, cloexec: number): number {
  if (f === 0) return -ENFILE;
  const fd = installFd(tableOf(t), f, cloexec, 0);
  if (fd < 0) releaseFile(f);
  return fd;
}

function eventfd2Begin(t: TaskPtr, fr: FramePtr): number {
  const flags = intArgument(fr, 1);
  if ((flags & ~(EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC)) !== 0) return -EINVAL;
  const f = createEventfd(intArgument(fr, 0), flags & EFD_SEMAPHORE, flags & EFD_NONBLOCK);
  return installFresh(t, f, flags & EFD_CLOEXEC);
}
function eventfdBegin(t: TaskPtr, fr: FramePtr): number {
  return installFresh(t, createEventfd(intArgument(fr, 0), 0, 0), 0);
}

function makePipe(t: TaskPtr, address: number, flags: number): number {
  const direct = openFlags[Machine.abi.get(MACHINE) === 0 ? 'x86_64' : 'arm64'].O_DIRECT;
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK | direct)) !== 0) return -EINVAL;
  const r = createPipe(flags & (O_NONBLOCK | direct));
  if (r === 0) return -ENFILE;
  const w = writeEndOf(r);
  const readFd = installFd(tableOf(t), r, flags & O_CLOEXEC, 0);
  if (readFd < 0) {
    releaseFile(r);
    releaseFile(w);
    return -EMFILE;
  }
  const writeFd = installFd(tableOf(t), w, flags & O_CLOEXEC, 0);
  if (writeFd < 0) {
    closeFd(t, readFd);
    releaseFile(w);
    return -EMFILE;
  }
  if (userRangeOk(t, address, 8) === 0) {
    closeFd(t, readFd);
    closeFd(t, writeFd);
    return -EFAULT;
  }
  writeUser32(address, readFd);
  writeUser32(address + 4, writeFd);
  return 0;
}
function pipe2Begin(t: TaskPtr, fr: FramePtr): number {
  return makePipe(t, wordArgument(fr, 0), intArgument(fr, 1));
}
function pipeBegin(t: TaskPtr, fr: FramePtr): number {
  return makePipe(t, wordArgument(fr, 0), 0);
}

/** @returns 0 or -EBADF */
export function closeFd(t: TaskPtr, fd: number): number {
  const f = removeFd(tableOf(t), fd);
  if (f === 0) return -EBADF;
  releaseFile(f);
  return 0;
}
function closeBegin(t: TaskPtr, fr: FramePtr): number {
  return closeFd(t, intArgument(fr, 0));
}

/** dup and F_DUPFD: another number for the same open file. */
export function duplicateFd(t: TaskPtr, fd: number, from: number, cloexec: number): number {
  const f = lookupFile(t, fd);
  if (f === 0 || tryHoldFile(f) === 0) return -EBADF;
  const copy = installFd(tableOf(t), f, cloexec, from);
  if (copy < 0) releaseFile(f);
  return copy;
}
function dupBegin(t: TaskPtr, fr: FramePtr): number {
  return duplicateFd(t, intArgument(fr, 0), 0, 0);
}

function dupOnto(t: TaskPtr, from: number, to: number, cloexec: number): number {
  const f = lookupFile(t, from);
  if (f === 0) return -EBADF;
  // dup2 of an open descriptor to itself does not look at the limit, which may lie below it by now.
  if (from === to) return to;
  if (to < 0 || to >= FdTable.limit.peek(tableOf(t))) return -EBADF;
  if (tryHoldFile(f) === 0) return -EBADF;
  const old = replaceFd(tableOf(t), f, cloexec, to);
  if (old !== 0) releaseFile(old);
  return to;
}
function dup2Begin(t: TaskPtr, fr: FramePtr): number {
  return dupOnto(t, intArgument(fr, 0), intArgument(fr, 1), 0);
}
function dup3Begin(t: TaskPtr, fr: FramePtr): number {
  const flags = intArgument(fr, 2);
  if ((flags & ~O_CLOEXEC) !== 0) return -EINVAL;
  if (intArgument(fr, 0) === intArgument(fr, 1)) return -EINVAL;
  return dupOnto(t, intArgument(fr, 0), intArgument(fr, 1), flags & O_CLOEXEC);
}

export const eventfdCallOps: SyscallOps = { ...immediateOps, begin: eventfdBegin };
export const eventfd2CallOps: SyscallOps = { ...immediateOps, begin: eventfd2Begin };
export const pipeCallOps: SyscallOps = { ...immediateOps, begin: pipeBegin };
export const pipe2CallOps: SyscallOps = { ...immediateOps, begin: pipe2Begin };
export const closeCallOps: SyscallOps = { ...immediateOps, begin: closeBegin };
export const dupCallOps: SyscallOps = { ...immediateOps, begin: dupBegin };
export const dup2CallOps: SyscallOps = { ...immediateOps, begin: dup2Begin };
export const dup3CallOps: SyscallOps = { ...immediateOps, begin: dup3Begin };
