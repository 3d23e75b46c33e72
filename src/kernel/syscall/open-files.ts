/**
 * open, openat, memfd_create, fstat: files that have a name or a size. There is no file system: of all paths there are
 * /dev/null and /dev/zero, written so; every other is ENOENT.
 */
import { EBADF, EEXIST, EFAULT, EINVAL, EMFILE, ENAMETOOLONG, ENOENT, ENOSYS, ENOTDIR } from '../abi/errno.ts';
import {
  AT_FDCWD,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_EXEC,
  MFD_HUGETLB,
  MFD_NAME_MAX_LENGTH,
  MFD_NOEXEC_SEAL,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOCTTY,
  O_TRUNC,
  openFlags,
  PAGE_SIZE,
  PATH_MAX,
} from '../abi/flags-file.ts';
import type { StatLayout } from '../abi/layout.ts';
import { statLayout } from '../abi/layout.ts';
import { createDevice, DEVICE_NULL, DEVICE_ZERO, deviceNumber } from '../file/device.ts';
import type { FilePtr } from '../file/file.ts';
import { File, KIND_DEVICE, KIND_MEMFD } from '../file/file.ts';
import { createMemfd, memfdBlocks } from '../file/memfd.ts';
import { fileOps } from '../file/ops-table.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { lookupFile } from '../process/fd-table.ts';
import {
  readUser8,
  userRangeOk,
  userStringLength,
  writeUser32,
  writeUser64,
  zeroBytes,
} from '../process/user-memory.ts';
import { recordIndex } from '../../shared-mem/slab.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { installFresh, tableOf } from './create-files.ts';
import { fdsAvailable } from './descriptors.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { immediateOps, intArgument, wordArgument } from './syscall-ops.ts';

/** What open knows, the same bits on both architectures; the rest of its flags is dropped without a word. */
const OPEN_FLAGS = 0x7fffc3;

function isUserString(address: number, length: number, expected: string): boolean {
  if (length !== expected.length) return false;
  for (let i = 0; i < length; i++) {
    if (readUser8(address + i) !== expected.charCodeAt(i)) return false;
  }
  return true;
}

function openPath(t: TaskPtr, directory: number, path: number, flags: number): number {
  const own = openFlags[Machine.abi.get(MACHINE) === 0 ? 'x86_64' : 'arm64'];
  const length = userStringLength(t, path, PATH_MAX);
  if (length < 0) return length;
  if (length === PATH_MAX) return -ENAMETOOLONG;
  if (length === 0) return -ENOENT;
  if (fdsAvailable(tableOf(t), 1) === 0) return -EMFILE;
  if (readUser8(path) !== 0x2f && directory !== AT_FDCWD) return lookupFile(t, directory) === 0 ? -EBADF : -ENOTDIR;
  const isNull = isUserString(path, length, '/dev/null');
  if (!isNull && !isUserString(path, length, '/dev/zero')) return -ENOENT;
  if ((flags & O_CREAT) !== 0 && (flags & O_EXCL) !== 0) return -EEXIST;
  if ((flags & own.O_DIRECTORY) !== 0) return -ENOTDIR;
  if ((flags & own.O_DIRECT) !== 0) return -EINVAL;
  const kept = (flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)) | own.O_LARGEFILE;
  return installFresh(t, createDevice(isNull ? DEVICE_NULL : DEVICE_ZERO, kept), flags & O_CLOEXEC);
}
function openBegin(t: TaskPtr, fr: FramePtr): number {
  return openPath(t, AT_FDCWD, wordArgument(fr, 0), intArgument(fr, 1) & OPEN_FLAGS);
}
function openatBegin(t: TaskPtr, fr: FramePtr): number {
  return openPath(t, intArgument(fr, 0), wordArgument(fr, 1), intArgument(fr, 2) & OPEN_FLAGS);
}

/** Huge pages there are none. The name is for people, and is only checked. */
function memfdCreateBegin(t: TaskPtr, fr: FramePtr): number {
  const flags = intArgument(fr, 1);
  if ((flags & MFD_HUGETLB) !== 0) return -ENOSYS;
  if ((flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC)) !== 0) return -EINVAL;
  if ((flags & MFD_EXEC) !== 0 && (flags & MFD_NOEXEC_SEAL) !== 0) return -EINVAL;
  const length = userStringLength(t, wordArgument(fr, 0), MFD_NAME_MAX_LENGTH + 1);
  if (length < 0) return length;
  if (length > MFD_NAME_MAX_LENGTH) return -EINVAL;
  if (fdsAvailable(tableOf(t), 1) === 0) return -EMFILE;
  const noExec = (flags & MFD_NOEXEC_SEAL) !== 0;
  const sealable = noExec || (flags & MFD_ALLOW_SEALING) !== 0 ? 1 : 0;
  return installFresh(t, createMemfd(sealable, noExec ? 0 : 1), flags & MFD_CLOEXEC);
}

function fstatBegin(t: TaskPtr, fr: FramePtr): number {
  const f = lookupFile(t, intArgument(fr, 0));
  if (f === 0) return -EBADF;
  const layout = statLayout[Machine.abi.get(MACHINE) === 0 ? 'x86_64' : 'arm64'];
  const address = wordArgument(fr, 1);
  if (userRangeOk(t, address, layout.size) === 0) return -EFAULT;
  storeStat(f, address, layout);
  return 0;
}

/** Each kind of file is a device of its own, and each file an inode. Times are not kept. */
function storeStat(f: FilePtr, address: number, layout: StatLayout): void {
  const kind = File.kind.get(f);
  zeroBytes(address, layout.size);
  writeUser64(address + layout.st_dev, kind);
  writeUser64(address + layout.st_ino, recordIndex(Machine.files.at(MACHINE), f) + 1);
  writeUser32(address + layout.st_mode, fileOps[kind]!.mode(f));
  // No name leads to a memfd.
  writeUser32(address + layout.st_nlink, kind === KIND_MEMFD ? 0 : 1);
  writeUser64(address + layout.st_rdev, kind === KIND_DEVICE ? deviceNumber(f) : 0);
  writeUser64(address + layout.st_size, fileOps[kind]!.size(f));
  writeUser32(address + layout.st_blksize, PAGE_SIZE);
  writeUser64(address + layout.st_blocks, kind === KIND_MEMFD ? memfdBlocks(f) : 0);
}

export const openCallOps: SyscallOps = { ...immediateOps, begin: openBegin };
export const openatCallOps: SyscallOps = { ...immediateOps, begin: openatBegin };
export const memfdCreateCallOps: SyscallOps = { ...immediateOps, begin: memfdCreateBegin };
export const fstatCallOps: SyscallOps = { ...immediateOps, begin: fstatBegin };
