/**
 * memfd: a regular file without a name. Its bytes lie in pages that are taken when first written; what was never
 * written is a hole and reads as zeros.
 *
 *     body ──▶ index page [ page | 0 | page | ... ]      one word for each 4096 bytes, 0 for a hole
 *
 * One index page bounds a file to 1024 pages, 4 MiB: a write at or beyond that is EFBIG, one that finds no page left is
 * ENOSPC, and one that gets some of its way is short. Always ready (L2), and epoll refuses it, so nobody is ever woken.
 * The position belongs to the open file, and duplicates share it.
 */
import type { Address, Ptr } from '../../shared-mem/pointer.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { setWordAt, wordAt } from '../../shared-mem/plain.ts';
import { f64, plain, struct } from '../../shared-mem/struct.ts';
import { EFAULT, EFBIG, EINVAL, ENOSPC, ENXIO, EPERM } from '../abi/errno.ts';
import { EPOLLIN, EPOLLOUT, EPOLLRDNORM, EPOLLWRNORM } from '../abi/flags-event.ts';
import {
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  FIONREAD,
  O_APPEND,
  O_RDWR,
  openFlags,
  PAGE_SIZE,
  S_IFREG,
  SEEK_CUR,
  SEEK_DATA,
  SEEK_END,
  SEEK_HOLE,
  SEEK_SET,
} from '../abi/flags-file.ts';
import { lock, unlock } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { userRangeOk, writeUser32 } from '../process/user-memory.ts';
import { copyIn, copyOut } from '../process/user-vector.ts';
import { zeroOut } from '../process/user-zero.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame } from '../task/task.ts';
import type { FilePtr } from './file.ts';
import { bodyOf, File, KIND_MEMFD, UNDER_FILE_LOCK } from './file.ts';
import type { FileOps } from './file-ops.ts';
import { noIoctl, nothingToRelease } from './file-ops.ts';
import { newFile } from './lifetime.ts';
import { freePage, newPage, pageBytes } from './pages.ts';

const MEMFD_PAGES_MAX = PAGE_SIZE / 4;
export const MEMFD_SIZE_MAX: number = MEMFD_PAGES_MAX * PAGE_SIZE;
/** What lseek accepts: Linux stops at 2^63-1, a number that stays exact stops here. */
const POSITION_MAX = Number.MAX_SAFE_INTEGER;

const ALWAYS_READY = EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM;
const ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;

export const Memfd = struct('Memfd', {
  position: f64(UNDER_FILE_LOCK),
  length: plain(UNDER_FILE_LOCK),
  /** The page that lists the others, or 0 before the first write. */
  index: plain<Address>(UNDER_FILE_LOCK),
  pages: plain(UNDER_FILE_LOCK),
  /** F_SEAL_* */
  seals: plain(UNDER_FILE_LOCK),
  executable: plain('immutable'),
});
type MemfdPtr = Ptr<'Memfd'>;

/** @returns a new empty memfd, or 0 when no file is left */
export function createMemfd(sealable: number, executable: number): FilePtr {
  const largeFile = openFlags[Machine.abi.get(MACHINE) === 0 ? 'x86_64' : 'arm64'].O_LARGEFILE;
  const f = newFile(KIND_MEMFD, O_RDWR | largeFile);
  if (f === 0) return NULL;
  const m = bodyOf(f) as MemfdPtr;
  Memfd.executable.set(m, executable);
  lock(File.lock.at(f));
  Memfd.seals.set(m, sealable === 1 ? 0 : F_SEAL_SEAL);
  unlock(File.lock.at(f));
  File.readiness.store(f, ALWAYS_READY);
  return f;
}

/** The word of the index page that names the page at `offset`. */
function indexWord(m: MemfdPtr, offset: number): Address {
  return pageBytes(Memfd.index.get(m)) / 4 + Math.floor(offset / PAGE_SIZE);
}

function memfdRead(f: FilePtr, t: TaskPtr, fr: FramePtr): number {
  const m = bodyOf(f) as MemfdPtr;
  lock(File.lock.at(f));
  const from = Memfd.position.get(m);
  const done = readAtLocked(m, t, fr, from);
  if (done > 0) Memfd.position.set(m, from + done);
  unlock(File.lock.at(f));
  return done;
}

function readAtLocked(m: MemfdPtr, t: TaskPtr, fr: FramePtr, from: number): number {
  const wanted = Math.min(Frame.length.get(fr), Memfd.length.get(m) - from);
  let done = 0;
  while (done < wanted) {
    const offset = (from + done) % PAGE_SIZE;
    const chunk = Math.min(PAGE_SIZE - offset, wanted - done);
    const page = Memfd.index.get(m) === 0 ? 0 : wordAt(indexWord(m, from + done));
    const copied = page === 0 ? zeroOut(t, fr, done, chunk) : copyOut(t, fr, done, pageBytes(page) + offset, chunk);
    done += copied;
    if (copied < chunk) return done > 0 ? done : -EFAULT;
  }
  return done;
}

function memfdWrite(f: FilePtr, t: TaskPtr, fr: FramePtr): number {
  const m = bodyOf(f) as MemfdPtr;
  lock(File.lock.at(f));
  const from = (File.flags.load(f) & O_APPEND) !== 0 ? Memfd.length.get(m) : Memfd.position.get(m);
  const done = writeAtLocked(m, t, fr, from);
  if (done > 0) Memfd.position.set(m, from + done);
  unlock(File.lock.at(f));
  return done;
}

function writeAtLocked(m: MemfdPtr, t: TaskPtr, fr: FramePtr, from: number): number {
  const length = Frame.length.get(fr);
  if (length === 0) return 0;
  const seals = Memfd.seals.get(m);
  if (from >= MEMFD_SIZE_MAX) return -EFBIG;
  const wanted = Math.min(length, MEMFD_SIZE_MAX - from);
  if ((seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0) return -EPERM;
  let done = 0;
  let failed = 0;
  while (done < wanted) {
    const offset = (from + done) % PAGE_SIZE;
    const chunk = Math.min(PAGE_SIZE - offset, wanted - done);
    const sealed = (seals & F_SEAL_GROW) !== 0 && from + done + chunk > Memfd.length.get(m);
    const page = sealed ? 0 : pageForWrite(m, from + done);
    if (page === 0) {
      failed = sealed ? -EPERM : -ENOSPC;
      break;
    }
    const copied = copyIn(t, fr, done, pageBytes(page) + offset, chunk);
    done += copied;
    if (copied === chunk) continue;
    failed = -EFAULT;
    break;
  }
  if (done > 0 && from + done > Memfd.length.get(m)) Memfd.length.set(m, from + done);
  return done > 0 ? done : failed;
}

/** pread: the position stays where it is. */
export function readMemfdAt(f: FilePtr, t: TaskPtr, fr: FramePtr, from: number): number {
  lock(File.lock.at(f));
  const done = readAtLocked(bodyOf(f) as MemfdPtr, t, fr, from);
  unlock(File.lock.at(f));
  return done;
}

/** pwrite: the same; with O_APPEND it appends wherever it was told to write, as on Linux. */
export function writeMemfdAt(f: FilePtr, t: TaskPtr, fr: FramePtr, from: number): number {
  const m = bodyOf(f) as MemfdPtr;
  lock(File.lock.at(f));
  const done = writeAtLocked(m, t, fr, (File.flags.load(f) & O_APPEND) !== 0 ? Memfd.length.get(m) : from);
  unlock(File.lock.at(f));
  return done;
}

/** The page at `offset`, taken now if there was a hole. @returns 0 when no page is left */
function pageForWrite(m: MemfdPtr, offset: number): Address {
  if (Memfd.index.get(m) === 0) {
    const index = newPage();
    if (index === 0) return 0;
    Memfd.index.set(m, index);
  }
  const word = indexWord(m, offset);
  const page = wordAt(word);
  if (page !== 0) return page;
  const fresh = newPage();
  if (fresh === 0) return 0;
  setWordAt(word, fresh);
  Memfd.pages.set(m, Memfd.pages.get(m) + 1);
  return fresh;
}

function memfdPoll(f: FilePtr, _t: TaskPtr): number {
  return File.readiness.load(f);
}

function memfdIoctl(f: FilePtr, t: TaskPtr, command: number, argument: number): number {
  if (command !== FIONREAD) return noIoctl(f, t, command, argument);
  if (userRangeOk(t, argument, 4) === 0) return -EFAULT;
  const m = bodyOf(f) as MemfdPtr;
  lock(File.lock.at(f));
  const left = Memfd.length.get(m) - Memfd.position.get(m);
  unlock(File.lock.at(f));
  writeUser32(argument, left | 0);
  return 0;
}

function memfdSeek(f: FilePtr, offset: number, whence: number): number {
  const m = bodyOf(f) as MemfdPtr;
  lock(File.lock.at(f));
  const target = seekTargetLocked(m, offset, whence);
  if (target >= 0) Memfd.position.set(m, target);
  unlock(File.lock.at(f));
  return target;
}

function seekTargetLocked(m: MemfdPtr, offset: number, whence: number): number {
  const size = Memfd.length.get(m);
  if (whence === SEEK_DATA || whence === SEEK_HOLE) {
    if (offset < 0 || offset >= size) return -ENXIO;
    return nextDataOrHole(m, offset, size, whence);
  }
  let target = offset;
  if (whence === SEEK_CUR) target = Memfd.position.get(m) + offset;
  else if (whence === SEEK_END) target = size + offset;
  else if (whence !== SEEK_SET) return -EINVAL;
  return target < 0 || target > POSITION_MAX ? -EINVAL : target;
}

/** The first offset from `from` on that has a page (SEEK_DATA) or none (SEEK_HOLE); the end of the file is a hole. */
function nextDataOrHole(m: MemfdPtr, from: number, size: number, whence: number): number {
  let at = from;
  while (at < size) {
    const hole = Memfd.index.get(m) === 0 || wordAt(indexWord(m, at)) === 0;
    if (hole === (whence === SEEK_HOLE)) return at;
    at = (Math.floor(at / PAGE_SIZE) + 1) * PAGE_SIZE;
  }
  return whence === SEEK_HOLE ? size : -ENXIO;
}

/** F_GET_SEALS */
export function memfdSeals(f: FilePtr): number {
  lock(File.lock.at(f));
  const seals = Memfd.seals.get(bodyOf(f) as MemfdPtr);
  unlock(File.lock.at(f));
  return seals;
}

/** F_ADD_SEALS. @returns 0 or -errno */
export function addMemfdSeals(f: FilePtr, seals: number): number {
  if ((seals & ~ALL_SEALS) !== 0) return -EINVAL;
  const m = bodyOf(f) as MemfdPtr;
  lock(File.lock.at(f));
  const old = Memfd.seals.get(m);
  if ((old & F_SEAL_SEAL) === 0) Memfd.seals.set(m, old | seals);
  unlock(File.lock.at(f));
  return (old & F_SEAL_SEAL) !== 0 ? -EPERM : 0;
}

function memfdMode(f: FilePtr): number {
  return S_IFREG | (Memfd.executable.get(bodyOf(f) as MemfdPtr) === 1 ? 0o777 : 0o666);
}

function memfdSize(f: FilePtr): number {
  lock(File.lock.at(f));
  const size = Memfd.length.get(bodyOf(f) as MemfdPtr);
  unlock(File.lock.at(f));
  return size;
}

/** st_blocks: 512 bytes each, holes not counted. */
export function memfdBlocks(f: FilePtr): number {
  lock(File.lock.at(f));
  const pages = Memfd.pages.get(bodyOf(f) as MemfdPtr);
  unlock(File.lock.at(f));
  return pages * (PAGE_SIZE / 512);
}

function memfdReclaim(f: FilePtr): number {
  const m = bodyOf(f) as MemfdPtr;
  lock(File.lock.at(f));
  const index = Memfd.index.get(m);
  Memfd.index.set(m, 0);
  for (let i = 0; index !== 0 && i < MEMFD_PAGES_MAX; i++) {
    const page = wordAt(pageBytes(index) / 4 + i);
    if (page !== 0) freePage(page);
  }
  unlock(File.lock.at(f));
  if (index !== 0) freePage(index);
  return 0;
}

export const memfdOps: FileOps = {
  read: memfdRead,
  write: memfdWrite,
  poll: memfdPoll,
  ioctl: memfdIoctl,
  seek: memfdSeek,
  mode: memfdMode,
  size: memfdSize,
  release: nothingToRelease,
  reclaim: memfdReclaim,
};
