/**
 * fcntl, ioctl, lseek, close_range: what concerns the descriptor or the open file as such, before its kind is asked.
 *
 * Declared: there are no locks of files (F_GETLK and its like are EINVAL) and no leases (none is ever held).
 */
import { EBADF, EFAULT, EINVAL, ENOMEM, ENOTDIR, EPERM } from '../abi/errno.ts';
import {
  CLOSE_RANGE_CLOEXEC,
  CLOSE_RANGE_UNSHARE,
  F_ADD_SEALS,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_DUPFD_QUERY,
  F_GET_SEALS,
  F_GETFD,
  F_GETFL,
  F_GETLEASE,
  F_GETOWN,
  F_GETPIPE_SZ,
  F_GETSIG,
  F_NOTIFY,
  F_SETFD,
  F_SETFL,
  F_SETOWN,
  F_SETPIPE_SZ,
  F_SETSIG,
  F_UNLCK,
  FD_CLOEXEC,
  FIOCLEX,
  FIONBIO,
  FIONCLEX,
  O_ACCMODE,
  O_APPEND,
  O_CLOEXEC,
  O_NOATIME,
  O_NONBLOCK,
  O_RDONLY,
  openFlags,
  SEEK_HOLE,
} from '../abi/flags-file.ts';
import type { FilePtr } from '../file/file.ts';
import { File, KIND_MEMFD, KIND_PIPE } from '../file/file.ts';
import { addMemfdSeals, memfdSeals } from '../file/memfd.ts';
import { fileOps } from '../file/ops-table.ts';
import { pipeSize, setPipeSize } from '../file/pipe-size.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { ownFdTable } from '../process/exec.ts';
import type { FdTablePtr } from '../process/fd-table.ts';
import { FdTable, getCloexec, lookupFile, nextOpenFd, setCloexec } from '../process/fd-table.ts';
import { readUser32, userRangeOk } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { closeFd, duplicateFd, tableOf } from './create-files.ts';
import { fileOwner, fileSignal, setFileOwner, setFileSignal } from './fcntl-owner.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { immediateOps, intArgument, wordArgument } from './syscall-ops.ts';

/** For calls that must say EMFILE before all else. @returns 1 if `wanted` numbers are free (others may be faster) */
export function fdsAvailable(table: FdTablePtr, wanted: number): number {
  const limit = FdTable.limit.peek(table);
  let found = 0;
  for (let fd = FdTable.lowestFree.peek(table); fd < limit && found < wanted; fd++) {
    if (getCloexec(table, fd) < 0) found++;
  }
  return found === wanted ? 1 : 0;
}

/** O_DIRECT as this machine's programs know it. */
function directFlag(): number {
  return openFlags[Machine.abi.get(MACHINE) === 0 ? 'x86_64' : 'arm64'].O_DIRECT;
}

/** Changes the flags that may be changed; the rest of `wanted` is ignored. @returns 0 or -EINVAL */
function setFileFlags(f: FilePtr, wanted: number): number {
  const direct = directFlag();
  if ((wanted & direct) !== 0 && File.kind.get(f) !== KIND_PIPE) return -EINVAL;
  changeFileFlags(f, O_APPEND | O_NONBLOCK | O_NOATIME | direct, wanted);
  return 0;
}

/** Two threads may change flags at once: none loses the other's. */
function changeFileFlags(f: FilePtr, mask: number, wanted: number): void {
  for (;;) {
    const old = File.flags.load(f);
    if (File.flags.compareExchange(f, old, (old & ~mask) | (wanted & mask)) === old) return;
  }
}

/** F_DUPFD_QUERY: does the other descriptor lead to the same open file? */
function sameFile(t: TaskPtr, f: FilePtr, fd: number): number {
  const other = lookupFile(t, fd);
  if (other === 0) return -EBADF;
  return other === f ? 1 : 0;
}

function fcntlBegin(t: TaskPtr, fr: FramePtr): number {
  const fd = intArgument(fr, 0);
  const command = intArgument(fr, 1);
  const argument = wordArgument(fr, 2);
  const f = lookupFile(t, fd);
  if (f === 0) return -EBADF;
  switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
      // An int, and then without a sign.
      if (intArgument(fr, 2) >>> 0 >= FdTable.limit.peek(tableOf(t))) return -EINVAL;
      return duplicateFd(t, fd, intArgument(fr, 2), command === F_DUPFD_CLOEXEC ? O_CLOEXEC : 0);
    case F_DUPFD_QUERY:
      return sameFile(t, f, intArgument(fr, 2));
    case F_GETFD:
      return getCloexec(tableOf(t), fd);
    case F_SETFD:
      return setCloexec(tableOf(t), fd, argument & FD_CLOEXEC);
    case F_GETFL:
      return File.flags.load(f);
    case F_SETFL:
      return setFileFlags(f, intArgument(fr, 2));
    case F_SETPIPE_SZ:
      return File.kind.get(f) === KIND_PIPE ? setPipeSize(f, intArgument(fr, 2) >>> 0) : -EBADF;
    case F_GETPIPE_SZ:
      return File.kind.get(f) === KIND_PIPE ? pipeSize(f) : -EBADF;
    case F_SETOWN:
      return setFileOwner(f, intArgument(fr, 2));
    case F_GETOWN:
      return fileOwner(f);
    case F_SETSIG:
      return setFileSignal(f, intArgument(fr, 2));
    case F_GETSIG:
      return fileSignal(f);
    case F_GETLEASE:
      return F_UNLCK;
    case F_NOTIFY:
      return -ENOTDIR;
    case F_ADD_SEALS:
      if ((File.flags.load(f) & O_ACCMODE) === O_RDONLY) return -EPERM;
      return File.kind.get(f) === KIND_MEMFD ? addMemfdSeals(f, intArgument(fr, 2)) : -EINVAL;
    case F_GET_SEALS:
      return File.kind.get(f) === KIND_MEMFD ? memfdSeals(f) : -EINVAL;
    default:
      return -EINVAL;
  }
}

function ioctlBegin(t: TaskPtr, fr: FramePtr): number {
  const fd = intArgument(fr, 0);
  const command = intArgument(fr, 1);
  const argument = wordArgument(fr, 2);
  const f = lookupFile(t, fd);
  if (f === 0) return -EBADF;
  if (command === FIOCLEX) return setCloexec(tableOf(t), fd, 1);
  if (command === FIONCLEX) return setCloexec(tableOf(t), fd, 0);
  if (command === FIONBIO) {
    if (userRangeOk(t, argument, 4) === 0) return -EFAULT;
    changeFileFlags(f, O_NONBLOCK, readUser32(argument) !== 0 ? O_NONBLOCK : 0);
    return 0;
  }
  return fileOps[File.kind.get(f)]!.ioctl(f, t, command, argument);
}

function lseekBegin(t: TaskPtr, fr: FramePtr): number {
  const f = lookupFile(t, intArgument(fr, 0));
  if (f === 0) return -EBADF;
  const whence = intArgument(fr, 2);
  if (whence < 0 || whence > SEEK_HOLE) return -EINVAL;
  return fileOps[File.kind.get(f)]!.seek(f, wordArgument(fr, 1), whence);
}

/** With CLOSE_RANGE_UNSHARE in a table of one's own: the other threads keep theirs, and what is open there. */
function closeRangeBegin(t: TaskPtr, fr: FramePtr): number {
  const first = intArgument(fr, 0) >>> 0;
  const last = intArgument(fr, 1) >>> 0;
  const flags = intArgument(fr, 2);
  if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) !== 0 || first > last) return -EINVAL;
  const table = (flags & CLOSE_RANGE_UNSHARE) !== 0 ? ownFdTable(t) : tableOf(t);
  if (table === 0) return -ENOMEM;
  for (let fd = nextOpenFd(table, first); fd >= 0 && fd <= last; fd = nextOpenFd(table, fd + 1)) {
    if ((flags & CLOSE_RANGE_CLOEXEC) !== 0) setCloexec(table, fd, 1);
    else closeFd(t, fd);
  }
  return 0;
}

export const fcntlCallOps: SyscallOps = { ...immediateOps, begin: fcntlBegin };
export const ioctlCallOps: SyscallOps = { ...immediateOps, begin: ioctlBegin };
export const lseekCallOps: SyscallOps = { ...immediateOps, begin: lseekBegin };
export const closeRangeCallOps: SyscallOps = { ...immediateOps, begin: closeRangeBegin };
