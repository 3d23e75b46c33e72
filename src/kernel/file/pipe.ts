/**
 * A pipe: bytes in at the write end, out at the read end.
 *
 *     read     something there? take it : no writer? 0 : wait
 *     write    no reader? EPIPE : room? fill it, more to come? wait : wait
 *     poll     IN if something is there, HUP without writer; OUT if a slot is free, ERR without reader
 *
 * Both ends are files of their own that share one record and its lock; readers wait on the read end, writers on the
 * write end. Nothing is woken under the lock: an operation notes what it changed, unlocks, then tells. Whoever goes to
 * sleep looks again after it enqueued, under this lock, so a change is either seen by that look or finds the sleeper
 * queued (wait/wait-queue.ts).
 *
 * Linux wakes readers only if the pipe was empty, or if somebody has ever polled it, and writers only if it was full;
 * designs that wake on everything are told of the rest as "moved" (K11). Blocked readers and writers are exclusive:
 * one that leaves something behind hands the turn on (K15).
 *
 * Linux: fs/pipe.c.
 */
import { CLASS_FILE } from '../../shared-mem/locks/classes.ts';
import type { Ptr } from '../../shared-mem/pointer.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { allocRecord, freeRecord } from '../../shared-mem/slab.ts';
import { plain, struct } from '../../shared-mem/struct.ts';
import { EBADF, EFAULT, EPIPE } from '../abi/errno.ts';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDNORM, EPOLLWRNORM } from '../abi/flags-event.ts';
import { FIONREAD, O_NONBLOCK, O_RDONLY, openFlags, O_WRONLY, PIPE_DEFAULT_SLOTS, S_IFIFO } from '../abi/flags-file.ts';
import { SIGPIPE } from '../abi/flags-signal.ts';
import { sourceChanged, sourceChangedForOne, sourceMoved, sourceRefused } from '../epoll/source.ts';
import { initClassLock, lock, unlock } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { userRangeOk, writeUser32 } from '../process/user-memory.ts';
import { sendToThread } from '../signal/send.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, WAIT } from '../task/task.ts';
import type { FilePtr } from './file.ts';
import { bodyOf, Changes, File, KIND_PIPE } from './file.ts';
import type { FileOps } from './file-ops.ts';
import { noIoctl, noSeek, noSize } from './file-ops.ts';
import { newFile } from './lifetime.ts';
import type { PipePtr } from './pipe-buffer.ts';
import { dropBytes, Pipe, pipeIsFull, putBytes, slotsUsed, takeBytes } from './pipe-buffer.ts';

const READABLE = EPOLLIN | EPOLLRDNORM;
const WRITABLE = EPOLLOUT | EPOLLWRNORM;

export const PipeEnd = struct('PipeEnd', {
  pipe: plain<PipePtr>('immutable'),
  /** 1: the write end. */
  writes: plain('immutable'),
});
type PipeEndPtr = Ptr<'PipeEnd'>;

export function pipeOf(f: FilePtr): PipePtr {
  return PipeEnd.pipe.get(bodyOf(f) as PipeEndPtr);
}
function isWriteEnd(f: FilePtr): boolean {
  return PipeEnd.writes.get(bodyOf(f) as PipeEndPtr) === 1;
}

const DIRECT_X86_64 = openFlags.x86_64.O_DIRECT;
const DIRECT_ARM64 = openFlags.arm64.O_DIRECT;

/** O_DIRECT: each write is a packet (K17). It can be set and cleared while the pipe is open. */
function isPacketMode(f: FilePtr): boolean {
  return (File.flags.peek(f) & (Machine.abi.get(MACHINE) === 0 ? DIRECT_X86_64 : DIRECT_ARM64)) !== 0;
}

/**
 * Who writes makes packets, so only the write end has O_DIRECT at first (create_pipe_files).
 * @returns the read end of a new pipe (the write end: `writeEndOf`), or 0 when files or pipes are exhausted
 */
export function createPipe(flags: number): FilePtr {
  const p = allocRecord(Machine.pipes.at(MACHINE)) as PipePtr;
  if (p === 0) return NULL;
  const r = newFile(KIND_PIPE, O_RDONLY | (flags & O_NONBLOCK));
  const w = r === 0 ? r : newFile(KIND_PIPE, O_WRONLY | flags);
  if (w === 0) {
    if (r !== 0) freeRecord(Machine.files.at(MACHINE), r);
    freeRecord(Machine.pipes.at(MACHINE), p);
    return NULL;
  }
  initClassLock(Pipe.lock.at(p), CLASS_FILE, 0);
  attachEnd(r, p, 0);
  attachEnd(w, p, 1);
  lock(Pipe.lock.at(p));
  Pipe.readEnd.set(p, r);
  Pipe.writeEnd.set(p, w);
  Pipe.ends.set(p, 2);
  Pipe.slots.set(p, PIPE_DEFAULT_SLOTS);
  Changes.count.store(Pipe.changes.at(p), 1);
  publishReadinessLocked(p);
  unlock(Pipe.lock.at(p));
  return r;
}

function attachEnd(f: FilePtr, p: PipePtr, writes: number): void {
  const end = bodyOf(f) as PipeEndPtr;
  PipeEnd.pipe.set(end, p);
  PipeEnd.writes.set(end, writes);
  File.changes.set(f, Pipe.changes.at(p));
}

/** The other end of a pipe just created. */
export function writeEndOf(r: FilePtr): FilePtr {
  const p = pipeOf(r);
  lock(Pipe.lock.at(p));
  const w = Pipe.writeEnd.get(p);
  unlock(Pipe.lock.at(p));
  return w;
}

/** Brings both ends' readiness words up to date (K9). */
export function publishReadinessLocked(p: PipePtr): void {
  const r = Pipe.readEnd.get(p);
  const w = Pipe.writeEnd.get(p);
  if (r !== 0) setReadiness(r, (slotsUsed(p) > 0 ? READABLE : 0) | (w === 0 ? EPOLLHUP : 0));
  if (w !== 0) setReadiness(w, (pipeIsFull(p) ? 0 : WRITABLE) | (r === 0 ? EPOLLERR : 0));
}

function setReadiness(f: FilePtr, ready: number): void {
  if (File.readiness.peek(f) !== ready) File.readiness.store(f, ready);
}

function pipeRead(f: FilePtr, t: TaskPtr, fr: FramePtr): number {
  if (isWriteEnd(f)) return -EBADF;
  const wanted = Frame.length.get(fr);
  if (wanted === 0) return 0;
  const p = pipeOf(f);
  lock(Pipe.lock.at(p));
  const w = Pipe.writeEnd.get(p);
  const wasFull = pipeIsFull(p);
  const done = takeBytes(p, t, fr, wanted);
  const left = slotsUsed(p);
  if (done > 0) publishReadinessLocked(p);
  unlock(Pipe.lock.at(p));
  if (done < 0) return done;
  if (done === 0) return w === 0 ? 0 : WAIT;
  if (w !== 0 && wasFull) sourceChangedForOne(w, WRITABLE);
  else sourceMoved(w !== 0 ? w : f, WRITABLE);
  if (left > 0 && Frame.waited.get(fr) === 1) sourceChangedForOne(f, READABLE);
  return done;
}

function pipeWrite(f: FilePtr, t: TaskPtr, fr: FramePtr): number {
  if (!isWriteEnd(f)) return -EBADF;
  const total = Frame.length.get(fr);
  if (total === 0) return 0;
  const p = pipeOf(f);
  const before = Frame.moved.get(fr);
  lock(Pipe.lock.at(p));
  const r = Pipe.readEnd.get(p);
  if (r === 0) {
    unlock(Pipe.lock.at(p));
    sendToThread(t, SIGPIPE);
    return before > 0 ? before : -EPIPE;
  }
  const wasEmpty = slotsUsed(p) === 0;
  const moved = putBytes(p, t, fr, before, total, isPacketMode(f));
  const roomLeft = !pipeIsFull(p);
  const polled = Pipe.polled.get(p) === 1;
  if (moved > before) publishReadinessLocked(p);
  unlock(Pipe.lock.at(p));
  if (moved > before) {
    Frame.moved.set(fr, moved);
    // Who goes on waiting for room wakes readers of an empty pipe alone; who polled is told when the write is over.
    const waits = moved < total && !roomLeft && Frame.nonblocking.get(fr) === 0;
    if (wasEmpty || (polled && !waits)) sourceChangedForOne(r, READABLE);
    else sourceMoved(r, READABLE);
  } else if (polled && (moved < 0 || Frame.nonblocking.get(fr) === 1)) {
    sourceRefused(r, READABLE);
  }
  if (moved < 0) return before > 0 ? before : moved;
  if (roomLeft && Frame.waited.get(fr) === 1) sourceChangedForOne(f, WRITABLE);
  if (moved === total) return moved;
  // A fault in the middle left room: what was written counts. Without room the rest waits, or is the caller's affair.
  if (roomLeft || (Frame.nonblocking.get(fr) === 1 && moved > 0)) return moved > 0 ? moved : -EFAULT;
  return WAIT;
}

/** A signal ends a write that waits for room: whoever ever polled the read end is told once more, as after any write. */
export function pipeWriteInterrupted(f: FilePtr): void {
  const p = pipeOf(f);
  lock(Pipe.lock.at(p));
  const r = Pipe.readEnd.get(p);
  const polled = Pipe.polled.get(p) === 1;
  unlock(Pipe.lock.at(p));
  if (r !== 0 && polled) sourceRefused(r, READABLE);
}

function pipePoll(f: FilePtr, _t: TaskPtr): number {
  const p = pipeOf(f);
  if (Pipe.polled.peek(p) === 0) {
    lock(Pipe.lock.at(p));
    Pipe.polled.set(p, 1);
    unlock(Pipe.lock.at(p));
  }
  return File.readiness.load(f);
}

function pipeIoctl(f: FilePtr, t: TaskPtr, command: number, argument: number): number {
  if (command !== FIONREAD) return noIoctl(f, t, command, argument);
  if (userRangeOk(t, argument, 4) === 0) return -EFAULT;
  const p = pipeOf(f);
  lock(Pipe.lock.at(p));
  const bytes = Pipe.bytes.get(p);
  unlock(Pipe.lock.at(p));
  writeUser32(argument, bytes);
  return 0;
}

function pipeMode(_f: FilePtr): number {
  return S_IFIFO | 0o600;
}

/** One end is gone: the other learns it, and everyone who waits there (K14). */
function pipeRelease(f: FilePtr): number {
  const p = pipeOf(f);
  lock(Pipe.lock.at(p));
  if (isWriteEnd(f)) Pipe.writeEnd.set(p, NULL);
  else Pipe.readEnd.set(p, NULL);
  const other = Pipe.readEnd.get(p) !== 0 ? Pipe.readEnd.get(p) : Pipe.writeEnd.get(p);
  publishReadinessLocked(p);
  if (other === 0) dropBytes(p);
  unlock(Pipe.lock.at(p));
  if (other !== 0) sourceChanged(other, 0);
  return 0;
}

/** The record goes with the end that is reclaimed last. */
function pipeReclaim(f: FilePtr): number {
  const p = pipeOf(f);
  lock(Pipe.lock.at(p));
  const left = Pipe.ends.get(p) - 1;
  Pipe.ends.set(p, left);
  unlock(Pipe.lock.at(p));
  if (left === 0) freeRecord(Machine.pipes.at(MACHINE), p);
  return 0;
}

export const pipeOps: FileOps = {
  read: pipeRead,
  write: pipeWrite,
  poll: pipePoll,
  ioctl: pipeIoctl,
  seek: noSeek,
  mode: pipeMode,
  size: noSize,
  release: pipeRelease,
  reclaim: pipeReclaim,
};
