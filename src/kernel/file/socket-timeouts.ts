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
const JIFFY_NS = 4e6;
/** So many seconds are for ever: MAX_SCHEDULE_TIMEOUT in jiffies. */
const FOREVER_SECONDS = 3.689e16;

/** The call will wait for its file: until when? */
export function boundWait(f: FilePtr, fr: FramePtr, sends: boolean): void {
  if (Frame.nonblocking.get(fr) === 1 || Frame.deadlineNs.get(fr) !== Number.POSITIVE_INFINITY) return;
  const ns = socketTimeout(f, sends);
  if (ns !== 0) Frame.deadlineNs.set(fr, clockNow() + Math.max(0, ns));
}

/** @returns ns; 0: none, NO_WAIT: not at all */
export function socketTimeout(f: FilePtr, sends: boolean): number {
  const s = socketOf(f);
  const end = endOf(f);
  lock(Socket.lock.at(s));
  const ns = sends ? Socket.sendTimeoutNs.getAt(s, end) : Socket.receiveTimeoutNs.getAt(s, end);
  unlock(Socket.lock.at(s));
  return ns;
}

/** @param microseconds less than a million */
export function setSocketTimeout(f: FilePtr, sends: boolean, seconds: number, microseconds: number): void {
  let ns = seconds * 1e9 + Math.ceil((microseconds * 1000) / JIFFY_NS) * JIFFY_NS;
  if (seconds < 0) ns = NO_WAIT;
  else if (seconds >= FOREVER_SECONDS) ns = 0;
  const s = socketOf(f);
  const end = endOf(f);
  lock(Socket.lock.at(s));
  if (sends) Socket.sendTimeoutNs.setAt(s, end, ns);
  else Socket.receiveTimeoutNs.setAt(s, end, ns);
  unlock(Socket.lock.at(s));
}
