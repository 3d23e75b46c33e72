/**
 * SO_RCVTIMEO and SO_SNDTIMEO: how long a call may wait for a socket. A call that is about to sleep fixes its deadline
 * here, once; when it has passed, the call answers what it moved, or EAGAIN (syscall/syscall-ops.ts).
 *
 * Linux: net/core/sock.c, sock_set_timeout, sock_get_timeout.
 */
import { lock, unlock } from '../irq/locking.ts';
import type { FramePtr } from '../task/task.ts';
import { Frame } from '../task/task.ts';
import { clockNow } from '../time/clock.ts';
import type { FilePtr } from './file.ts';
import { endOf, NO_WAIT, Socket, socketOf } from './socket-struct.ts';

/** Linux counts in jiffies, of which most kernels have 250 a second. */
const JIFFY_US = 4000;
/** So many seconds are for ever: MAX_SCHEDULE_TIMEOUT in jiffies. */
const FOREVER_SECONDS = 3.689e16;

/** The call will wait for its file: until when? */
export function boundWait(f: FilePtr, fr: FramePtr, sends: boolean): void {
  if (Frame.nonblocking.get(fr) === 1 || Frame.deadlineNs.get(fr) !== Number.POSITIVE_INFINITY) return;
  const us = socketTimeout(f, sends);
  if (us !== 0) Frame.deadlineNs.set(fr, clockNow() + Math.max(0, us) * 1000);
}

/** @returns us, which are exact for longer than ns; 0: none, NO_WAIT: not at all */
export function socketTimeout(f: FilePtr, sends: boolean): number {
  const s = socketOf(f);
  const end = endOf(f);
  lock(Socket.lock.at(s));
  const us = sends ? Socket.sendTimeoutUs.getAt(s, end) : Socket.receiveTimeoutUs.getAt(s, end);
  unlock(Socket.lock.at(s));
  return us;
}

/** @param microseconds less than a million */
export function setSocketTimeout(f: FilePtr, sends: boolean, seconds: number, microseconds: number): void {
  let us = seconds * 1e6 + Math.ceil(microseconds / JIFFY_US) * JIFFY_US;
  if (seconds < 0) us = NO_WAIT;
  else if (seconds >= FOREVER_SECONDS) us = 0;
  const s = socketOf(f);
  const end = endOf(f);
  lock(Socket.lock.at(s));
  if (sends) Socket.sendTimeoutUs.setAt(s, end, us);
  else Socket.receiveTimeoutUs.setAt(s, end, us);
  unlock(Socket.lock.at(s));
}
