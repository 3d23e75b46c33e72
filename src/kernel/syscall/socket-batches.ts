/**
 * sendmmsg and recvmmsg: sendmsg and recvmsg over an array of headers, one after the other; each may wait. How many were
 * done is the answer, and an error only where none was.
 *
 * recvmmsg keeps an error that ended it for the next call on the socket. Its time is looked at only when a message has
 * come, so a call that waits for one waits on.
 *
 * Linux: net/socket.c, __sys_sendmmsg, do_recvmmsg. There the next call after an interrupted recvmmsg answers 512, which
 * is no errno of any program; here such an interruption is forgotten.
 */
import { EAGAIN, EFAULT, EINVAL } from '../abi/errno.ts';
import { UIO_MAXIOV } from '../abi/flags-file.ts';
import { MSG_DONTWAIT, MSG_WAITFORONE } from '../abi/flags-socket.ts';
import { mmsghdrLayout } from '../abi/layout.ts';
import type { FilePtr } from '../file/file.ts';
import { setSocketError, takeSocketError } from '../file/socket-options.ts';
import { BAD_TIMESPEC, readTimespec, userRangeOk, writeTimespec, writeUser32 } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { ERESTARTSYS, Frame, PROCEED, WAIT } from '../task/task.ts';
import { clockNow } from '../time/clock.ts';
import { holdReceiver } from './socket-control.ts';
import { recvfromCallOps, sendtoCallOps } from './socket-messages.ts';
import {
  attemptReceiveHeader,
  attemptSendHeader,
  beginReceiveHeader,
  beginSendHeader,
  finishReceiveHeader,
  takeMessageSocket,
} from './socket-msghdr.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { countOrAgain, countOrRestart, intArgument, wordArgument } from './syscall-ops.ts';

/** The header that is being worked on. */
function headerOf(fr: FramePtr): number {
  return wordArgument(fr, 1) + Frame.messages.get(fr) * mmsghdrLayout.size;
}
function headersOf(fr: FramePtr): number {
  return intArgument(fr, 2) >>> 0;
}

/** A message was sent or received, `r` bytes of it. @returns 1, or 0 where that cannot be stored */
function noteMessage(t: TaskPtr, fr: FramePtr, r: number): number {
  const at = headerOf(fr) + mmsghdrLayout.bytes;
  if (userRangeOk(t, at, 4) === 0) return 0;
  writeUser32(at, r);
  Frame.messages.set(fr, Frame.messages.get(fr) + 1);
  Frame.moved.set(fr, 0);
  // The next one may wait as long as the first.
  Frame.deadlineNs.set(fr, Number.POSITIVE_INFINITY);
  Frame.waited.set(fr, 0);
  return 1;
}

/** What was done counts, or else the error. */
function countOr(fr: FramePtr, error: number): number {
  const done = Frame.messages.get(fr);
  return done > 0 ? done : error;
}

function sendmmsgBegin(t: TaskPtr, fr: FramePtr): number {
  const r = takeMessageSocket(t, fr, intArgument(fr, 3));
  if (r !== PROCEED) return r;
  Frame.messages.set(fr, 0);
  return headersOf(fr) === 0 ? 0 : beginSendHeader(t, fr, headerOf(fr));
}

function sendmmsgAttempt(t: TaskPtr, fr: FramePtr): number {
  const count = Math.min(headersOf(fr), UIO_MAXIOV);
  for (;;) {
    const r = attemptSendHeader(t, fr, headerOf(fr));
    if (r === WAIT) return WAIT;
    const whole = Frame.length.get(fr);
    if (r < 0) return countOr(fr, r);
    if (noteMessage(t, fr, r) === 0) return countOr(fr, -EFAULT);
    if (Frame.messages.get(fr) === count || r < whole) return Frame.messages.get(fr);
    const next = beginSendHeader(t, fr, headerOf(fr));
    if (next !== PROCEED) return Frame.messages.get(fr);
  }
}

/** The wait for one message is over: a part of it that was sent counts as one. */
function endSending(t: TaskPtr, fr: FramePtr, r: number): number {
  if (r > 0) noteMessage(t, fr, r);
  return countOr(fr, r);
}
function sendmmsgExpired(t: TaskPtr, fr: FramePtr): number {
  return endSending(t, fr, countOrAgain(t, fr));
}
function sendmmsgInterrupted(t: TaskPtr, fr: FramePtr): number {
  return endSending(t, fr, countOrRestart(t, fr));
}

/** The time is checked before the descriptor, and an error that waits is told even to one who wants no message. */
function recvmmsgBegin(t: TaskPtr, fr: FramePtr): number {
  const timeout = wordArgument(fr, 4);
  const ns = timeout === 0 ? Number.POSITIVE_INFINITY : readTimespec(t, timeout);
  if (ns === BAD_TIMESPEC) return -EINVAL;
  if (ns < 0) return ns;
  Frame.untilNs.set(fr, timeout === 0 ? ns : clockNow() + ns);
  const r = takeMessageSocket(t, fr, intArgument(fr, 3));
  if (r !== PROCEED) return r;
  const error = takeSocketError(Frame.file.get(fr) as FilePtr);
  if (error !== 0) return -error;
  Frame.messages.set(fr, 0);
  if (headersOf(fr) === 0) return 0;
  const held = holdReceiver(t, fr, intArgument(fr, 0));
  return held === 0 ? beginReceiveHeader(t, fr, headerOf(fr)) : held;
}

function recvmmsgAttempt(t: TaskPtr, fr: FramePtr): number {
  for (;;) {
    const r = attemptReceiveHeader(t, fr, headerOf(fr));
    if (r === WAIT) return WAIT;
    if (r < 0) return endReceiving(fr, r);
    if (noteMessage(t, fr, r) === 0) return endReceiving(fr, -EFAULT);
    if (Frame.messages.get(fr) === headersOf(fr) || isOver(fr)) return Frame.messages.get(fr);
    if ((Frame.first.get(fr) & (MSG_WAITFORONE | MSG_DONTWAIT)) !== 0) Frame.nonblocking.set(fr, 1);
    const next = beginReceiveHeader(t, fr, headerOf(fr));
    if (next !== PROCEED) return endReceiving(fr, next);
  }
}

/** Tells how much of the time is left, each time that a message has come. @returns true if there is none */
function isOver(fr: FramePtr): boolean {
  const timeout = wordArgument(fr, 4);
  if (timeout === 0) return false;
  const leftNs = Frame.untilNs.get(fr) - clockNow();
  // It was read from there, so it can be written.
  writeTimespec(timeout, Math.max(0, leftNs));
  return leftNs <= 0;
}

/** An error after the first message is kept for the next call; that nothing more is there, is none. */
function endReceiving(fr: FramePtr, error: number): number {
  if (Frame.messages.get(fr) === 0) return error;
  if (error !== -EAGAIN && error !== -ERESTARTSYS) setSocketError(Frame.file.get(fr) as FilePtr, -error);
  return Frame.messages.get(fr);
}

/** The wait for one message is over: what was received of it counts as one. */
function endWaiting(t: TaskPtr, fr: FramePtr, count: number): number {
  const r = finishReceiveHeader(t, fr, headerOf(fr), count);
  if (r < 0) return endReceiving(fr, r);
  if (noteMessage(t, fr, r) === 0) return endReceiving(fr, -EFAULT);
  isOver(fr);
  return Frame.messages.get(fr);
}
function recvmmsgExpired(t: TaskPtr, fr: FramePtr): number {
  return endWaiting(t, fr, countOrAgain(t, fr));
}
function recvmmsgInterrupted(t: TaskPtr, fr: FramePtr): number {
  return endWaiting(t, fr, countOrRestart(t, fr));
}

export const sendmmsgCallOps: SyscallOps = {
  ...sendtoCallOps,
  begin: sendmmsgBegin,
  attempt: sendmmsgAttempt,
  expired: sendmmsgExpired,
  interrupted: sendmmsgInterrupted,
};
export const recvmmsgCallOps: SyscallOps = {
  ...recvfromCallOps,
  begin: recvmmsgBegin,
  attempt: recvmmsgAttempt,
  expired: recvmmsgExpired,
  interrupted: recvmmsgInterrupted,
};
