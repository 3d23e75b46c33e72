/**
 * What every system call answers, so that waiting is written once (wait/sleep.ts).
 *
 *   begin        decode, validate, copy in, fix the absolute deadline; a result, or PROCEED to go on
 *   attempt      try: a result, or WAIT for not yet (YIELD for not yet, but stay runnable). Run again after each wake.
 *   enqueue      stand in the queues from which the wake will come; 0, -errno, or YIELD where the design has none
 *   expired      the answer when the deadline has passed and the attempt still says WAIT
 *   interrupted  the answer when a signal can be delivered and the attempt still says WAIT
 *   watches      is `source` (a file) one of those the call waits for? Decides how a wake in vain is classed.
 */
import { EAGAIN, EINTR } from '../abi/errno.ts';
import type { FilePtr } from '../file/file.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { ERESTARTSYS, Frame, PROCEED, WAIT } from '../task/task.ts';

export interface SyscallOps {
  readonly begin: (t: TaskPtr, fr: FramePtr) => number;
  readonly attempt: (t: TaskPtr, fr: FramePtr) => number;
  readonly enqueue: (t: TaskPtr, fr: FramePtr) => number;
  readonly expired: (t: TaskPtr, fr: FramePtr) => number;
  readonly interrupted: (t: TaskPtr, fr: FramePtr) => number;
  readonly watches: (t: TaskPtr, fr: FramePtr, source: FilePtr) => number;
}

/** For calls that finish in `begin`. */
export function neverAttempts(_t: TaskPtr, _fr: FramePtr): number {
  return PROCEED;
}
/** For calls that wait for time alone. */
export function standsNowhere(_t: TaskPtr, _fr: FramePtr): number {
  return 0;
}
export function neverExpires(_t: TaskPtr, _fr: FramePtr): number {
  return WAIT;
}
export function answersZero(_t: TaskPtr, _fr: FramePtr): number {
  return 0;
}
/** epoll_wait: EINTR whatever SA_RESTART says (E10). */
export function answersEintr(_t: TaskPtr, _fr: FramePtr): number {
  return -EINTR;
}
/** read, write and their like: what was moved counts; else restart if the handler allows it, and there is no deadline. */
export function countOrRestart(_t: TaskPtr, fr: FramePtr): number {
  const moved = Frame.moved.get(fr);
  return moved > 0 ? moved : interruption(fr);
}
/** How a call that moved nothing answers a signal: one with a deadline of its own is not begun anew. */
export function interruption(fr: FramePtr): number {
  return Frame.deadlineNs.get(fr) === Number.POSITIVE_INFINITY ? -ERESTARTSYS : -EINTR;
}
/** The time that SO_RCVTIMEO or SO_SNDTIMEO gives a call on a socket is over; other files give none. */
export function countOrAgain(_t: TaskPtr, fr: FramePtr): number {
  const moved = Frame.moved.get(fr);
  return moved > 0 ? moved : -EAGAIN;
}
export function watchesNothing(_t: TaskPtr, _fr: FramePtr, _source: FilePtr): number {
  return 0;
}
export function watchesItsFile(_t: TaskPtr, fr: FramePtr, source: FilePtr): number {
  return Frame.file.get(fr) === source ? 1 : 0;
}

/** Calls that answer at once; each takes a `begin` of its own. */
export const immediateOps: SyscallOps = {
  begin: neverAttempts,
  attempt: neverAttempts,
  enqueue: standsNowhere,
  expired: neverExpires,
  interrupted: answersZero,
  watches: watchesNothing,
};

/** Integer argument `index`, cut to 32 bits as the kernel's `int` parameters are. */
export function intArgument(fr: FramePtr, index: number): number {
  return Frame.args.getAt(fr, index) | 0;
}
/** Argument `index` as an address or size, whole. */
export function wordArgument(fr: FramePtr, index: number): number {
  return Frame.args.getAt(fr, index);
}
