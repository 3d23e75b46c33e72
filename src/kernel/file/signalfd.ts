/**
 * signalfd: blocked signals as records to be read.
 *
 *     read     takes pending signals of its mask, the reader's own before its process's, as many records as fit : wait
 *     poll     IN if a signal of its mask is pending for whoever asks
 *
 * The file holds nothing but the mask. Pending signals belong to threads and processes, so readiness has no word of its
 * own: it is computed for the asking task. Only what nobody may handle stays for the descriptor; but reading takes what
 * is in its mask whether or not it is blocked (J6).
 *
 * A signal on its way tells the readers by the design's own path (epoll/source.ts, signalBecamePending).
 *
 * Linux: fs/signalfd.c.
 */
import type { Ptr } from '../../shared-mem/pointer.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { plain, struct } from '../../shared-mem/struct.ts';
import { EFAULT, EINVAL } from '../abi/errno.ts';
import { EPOLLIN } from '../abi/flags-event.ts';
import { O_RDWR } from '../abi/flags-file.ts';
import { signalfdSiginfoLayout } from '../abi/layout.ts';
import { sourceChanged } from '../epoll/source.ts';
import { lock, lockIrqOff, unlock, unlockIrqOn } from '../irq/locking.ts';
import type { ProcessPtr } from '../process/process.ts';
import { Process } from '../process/process.ts';
import { copyOut } from '../process/user-vector.ts';
import { UNBLOCKABLE_LOW } from '../signal/mask.ts';
import { signalfdRecord } from '../signal/siginfo.ts';
import { pendingHighOf, pendingLowOf, takePendingLocked } from '../signal/pending.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, Task, WAIT } from '../task/task.ts';
import type { FilePtr } from './file.ts';
import { bodyOf, Changes, File, KIND_SIGNALFD, UNDER_FILE_LOCK } from './file.ts';
import type { FileOps } from './file-ops.ts';
import { anonymousMode, noIoctl, noSize, nothingToRelease, noWrite, seekToNowhere } from './file-ops.ts';
import { newFile } from './lifetime.ts';

export const Signalfd = struct('Signalfd', {
  low: plain(UNDER_FILE_LOCK),
  high: plain(UNDER_FILE_LOCK),
});
type SignalfdPtr = Ptr<'Signalfd'>;

/** @returns a new signalfd, or 0 when no file is left */
export function createSignalfd(low: number, high: number, nonblocking: number): FilePtr {
  const f = newFile(KIND_SIGNALFD, O_RDWR | nonblocking);
  if (f === 0) return NULL;
  // It keeps no generation: signals are sent to processes, and nobody counts them for a file.
  Changes.count.store(File.ownChanges.at(f), 0);
  storeMask(f, low, high);
  return f;
}

/** Another mask for the same file: pending signals become readable, or cease to be, at once (J9). */
export function setSignalfdMask(f: FilePtr, low: number, high: number): void {
  storeMask(f, low, high);
  sourceChanged(f, EPOLLIN);
}

/** SIGKILL and SIGSTOP are dropped from it without a word (J2). */
function storeMask(f: FilePtr, low: number, high: number): void {
  const s = bodyOf(f) as SignalfdPtr;
  lock(File.lock.at(f));
  Signalfd.low.set(s, low & ~UNBLOCKABLE_LOW);
  Signalfd.high.set(s, high);
  unlock(File.lock.at(f));
}

function signalfdRead(f: FilePtr, t: TaskPtr, fr: FramePtr): number {
  const records = Math.floor(Frame.length.get(fr) / signalfdSiginfoLayout.size);
  if (records === 0) return -EINVAL;
  let done = 0;
  while (done < records) {
    const r = readRecord(f, t, fr, done * signalfdSiginfoLayout.size);
    if (r < 0 && done === 0) return r;
    if (r < 0) break;
    done++;
  }
  return done * signalfdSiginfoLayout.size;
}

/** Takes one signal and stores its record. @returns 0, WAIT, or -EFAULT with the signal lost */
function readRecord(f: FilePtr, t: TaskPtr, fr: FramePtr, at: number): number {
  const s = bodyOf(f) as SignalfdPtr;
  const p = Task.process.get(t) as ProcessPtr;
  lock(File.lock.at(f));
  lockIrqOff(Process.signalLock.at(p));
  const signal = takePendingLocked(t, p, Signalfd.low.get(s), Signalfd.high.get(s));
  unlockIrqOn(Process.signalLock.at(p));
  unlock(File.lock.at(f));
  if (signal === 0) return WAIT;
  const size = signalfdSiginfoLayout.size;
  return copyOut(t, fr, at, signalfdRecord(signal), size) === size ? 0 : -EFAULT;
}

function signalfdPoll(f: FilePtr, t: TaskPtr): number {
  const s = bodyOf(f) as SignalfdPtr;
  const p = Task.process.get(t) as ProcessPtr;
  lock(File.lock.at(f));
  const low = Signalfd.low.get(s) & pendingLowOf(t, p);
  const high = Signalfd.high.get(s) & pendingHighOf(t, p);
  unlock(File.lock.at(f));
  return (low | high) !== 0 ? EPOLLIN : 0;
}

export const signalfdOps: FileOps = {
  read: signalfdRead,
  write: noWrite,
  poll: signalfdPoll,
  ioctl: noIoctl,
  seek: seekToNowhere,
  mode: anonymousMode,
  size: noSize,
  release: nothingToRelease,
  reclaim: nothingToRelease,
};
