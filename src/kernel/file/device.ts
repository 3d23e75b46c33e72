/**
 * The two devices: /dev/null, which swallows what is written and has nothing to read, and /dev/zero, which swallows too
 * and never runs dry. Both are always ready (L2) and have no state, so there is nothing to lock and nobody to wake.
 *
 * Linux: drivers/char/mem.c.
 */
import type { Ptr } from '../../shared-mem/pointer.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { plain, struct } from '../../shared-mem/struct.ts';
import { EFAULT } from '../abi/errno.ts';
import { EPOLLIN, EPOLLOUT, EPOLLRDNORM, EPOLLWRNORM } from '../abi/flags-event.ts';
import { S_IFCHR } from '../abi/flags-file.ts';
import { zeroOut } from '../process/user-zero.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame } from '../task/task.ts';
import type { FilePtr } from './file.ts';
import { bodyOf, File, KIND_DEVICE } from './file.ts';
import type { FileOps } from './file-ops.ts';
import { noIoctl, noSize, nothingToRelease, seekToNowhere } from './file-ops.ts';
import { newFile } from './lifetime.ts';

/** Minor numbers of the memory devices, whose major is 1. */
export const DEVICE_NULL = 3;
export const DEVICE_ZERO = 5;
const MEMORY_MAJOR = 1;

const ALWAYS_READY = EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM;

const Device = struct('Device', {
  minor: plain('immutable'),
});
type DevicePtr = Ptr<'Device'>;

/** @param which DEVICE_* @returns an open file of the device, or 0 when no file is left */
export function createDevice(which: number, flags: number): FilePtr {
  const f = newFile(KIND_DEVICE, flags);
  if (f === 0) return NULL;
  Device.minor.set(bodyOf(f) as DevicePtr, which);
  File.readiness.store(f, ALWAYS_READY);
  return f;
}

/** st_rdev of a device, as user space sees it. */
export function deviceNumber(f: FilePtr): number {
  return (MEMORY_MAJOR << 8) | Device.minor.get(bodyOf(f) as DevicePtr);
}

function deviceRead(f: FilePtr, t: TaskPtr, fr: FramePtr): number {
  const wanted = Frame.length.get(fr);
  if (Device.minor.get(bodyOf(f) as DevicePtr) === DEVICE_NULL || wanted === 0) return 0;
  const done = zeroOut(t, fr, 0, wanted);
  return done > 0 ? done : -EFAULT;
}

/** The bytes are not even looked at: a bad buffer is no fault. */
function deviceWrite(_f: FilePtr, _t: TaskPtr, fr: FramePtr): number {
  return Frame.length.get(fr);
}

function devicePoll(f: FilePtr, _t: TaskPtr): number {
  return File.readiness.load(f);
}

function deviceMode(_f: FilePtr): number {
  return S_IFCHR | 0o666;
}

export const deviceOps: FileOps = {
  read: deviceRead,
  write: deviceWrite,
  poll: devicePoll,
  ioctl: noIoctl,
  seek: seekToNowhere,
  mode: deviceMode,
  size: noSize,
  release: nothingToRelease,
  reclaim: nothingToRelease,
};
