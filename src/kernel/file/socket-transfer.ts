/**
 * Bytes through a connected stream socket.
 *
 *     send      shut? EPIPE : a segment for each `segmentMax` bytes while the send buffer is not full : wait
 *     receive   unread? take it, across segments : reset? say so once : shut? 0 : wait
 *
 * A reader frees what it read from its peer's send buffer, segment by segment, and tells the peer once less than a
 * quarter is in use (M5, M6). Blocked readers and writers are not exclusive: all look again.
 *
 * Linux: net/unix/af_unix.c, unix_stream_sendmsg, unix_stream_read_generic, unix_write_space.
 */
import { NULL } from '../../shared-mem/pointer.ts';
import { EFAULT, EINVAL, ENOTCONN, EOPNOTSUPP, EPIPE } from '../abi/errno.ts';
import { MSG_NOSIGNAL, MSG_OOB, MSG_PEEK, MSG_WAITALL } from '../abi/flags-socket.ts';
import { SIGPIPE } from '../abi/flags-signal.ts';
import { sourceChangedForOne, sourceMoved, sourceRefused } from '../epoll/source.ts';
import { lock, unlock } from '../irq/locking.ts';
import { signalDeliverable } from '../signal/deliver.ts';
import { sendToThread } from '../signal/send.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, WAIT } from '../task/task.ts';
import type { FilePtr } from './file.ts';
import { appendSegment, takeSegments } from './socket-buffer.ts';
import { chargeOf, hasRoom, segmentMax } from './socket-charge.ts';
import { senderOfPair } from './socket-credentials.ts';
import { DATA_KEYS, publishSocketLocked, ROOM_KEYS, takeErrorLocked } from './socket-readiness.ts';
import type { SocketPtr } from './socket-struct.ts';
import {
  endOf,
  RECEIVE_SHUT,
  SEND_SHUT,
  setValueLocked,
  Socket,
  SOCKET_CONNECTED,
  socketOf,
  VALUE_PEEK_OFFSET,
  VALUE_RECEIVE_LOW,
  valueLocked,
} from './socket-struct.ts';

/**
 * Sends the frame's buffer from `Frame.moved` on. @param flags MSG_*
 * @returns bytes sent in all, -errno or WAIT
 */
export function sendStream(f: FilePtr, t: TaskPtr, fr: FramePtr, flags: number): number {
  // Urgent data, which Linux's streams know since 5.15, is not modelled: they refuse it as older ones do.
  if ((flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
  const s = socketOf(f);
  const end = endOf(f);
  const before = Frame.moved.get(fr);
  lock(Socket.lock.at(s));
  const state = Socket.state.get(s);
  const shut = (Socket.shut.getAt(s, end) & SEND_SHUT) !== 0;
  // One who already waits for room learns of a shut direction as of an error: without the signal.
  if (state !== SOCKET_CONNECTED || (shut && Frame.waited.get(fr) === 0)) {
    unlock(Socket.lock.at(s));
    return state !== SOCKET_CONNECTED ? -ENOTCONN : brokenPipe(t, flags);
  }
  const failed = fillLocked(s, end, t, fr, Frame.length.get(fr));
  const receiver = Socket.file.getAt(s, 1 - end);
  publishSocketLocked(s, end);
  publishSocketLocked(s, 1 - end);
  unlock(Socket.lock.at(s));
  const moved = Frame.moved.get(fr);
  if (moved > before) {
    if (receiver !== 0) sourceChangedForOne(receiver, DATA_KEYS);
    // Each segment may wait for as long as SO_SNDTIMEO says.
    Frame.deadlineNs.set(fr, Number.POSITIVE_INFINITY);
  }
  // The message was made, and its end is room for its sender (sock_wfree).
  if (failed === -EFAULT) sourceRefused(f, ROOM_KEYS);
  if (failed === WAIT && Frame.nonblocking.get(fr) === 0) {
    Frame.waited.set(fr, 1);
    return WAIT;
  }
  return moved > 0 || failed === 0 ? moved : failed;
}

/** Sends until all is sent (0) or something stops it: WAIT without room, or -errno. Frame.moved says how far it got. */
function fillLocked(s: SocketPtr, end: number, t: TaskPtr, fr: FramePtr, total: number): number {
  const other = 1 - end;
  const pid = senderOfPair(s, t, fr);
  let moved = Frame.moved.get(fr);
  while (moved < total) {
    const error = takeErrorLocked(s, end);
    if (error !== 0) return -error;
    if ((Socket.shut.getAt(s, end) & SEND_SHUT) !== 0) return -EPIPE;
    if (Socket.charged.getAt(s, other) >= Socket.sendBuffer.getAt(s, end)) return WAIT;
    const length = Math.min(total - moved, segmentMax(s, end));
    const r = appendSegment(s, other, t, fr, moved, length, chargeOf(length), NULL, pid);
    if (r < 0) return r;
    moved += r;
    Frame.moved.set(fr, moved);
  }
  return 0;
}

function brokenPipe(t: TaskPtr, flags: number): number {
  if ((flags & MSG_NOSIGNAL) === 0) sendToThread(t, SIGPIPE);
  return -EPIPE;
}

/**
 * Receives into the frame's buffer from `Frame.moved` on. @param flags MSG_*
 * @returns bytes received in all, 0 at the end of the stream, -errno or WAIT
 */
export function receiveStream(f: FilePtr, t: TaskPtr, fr: FramePtr, flags: number): number {
  if ((flags & MSG_OOB) !== 0) return -EINVAL;
  // Who has waited is interrupted though bytes came, too: Linux looks for signals as soon as it is awake.
  if (Frame.waited.get(fr) === 1 && signalDeliverable(t) === 1) return WAIT;
  const s = socketOf(f);
  const end = endOf(f);
  const wanted = Frame.length.get(fr);
  const before = Frame.moved.get(fr);
  lock(Socket.lock.at(s));
  if (Socket.state.get(s) !== SOCKET_CONNECTED) {
    unlock(Socket.lock.at(s));
    return -EINVAL;
  }
  const charged = Socket.charged.getAt(s, end);
  const peek = (flags & MSG_PEEK) !== 0;
  const offset = valueLocked(s, end, VALUE_PEEK_OFFSET);
  const skip = peek ? Math.max(0, offset) : 0;
  const unread = Socket.bytes.getAt(s, end) > skip;
  const done = takeSegments(s, end, t, fr, before, wanted - before, peek, skip);
  if (done > 0 && offset >= 0) {
    setValueLocked(s, end, VALUE_PEEK_OFFSET, peek ? offset + done : Math.max(0, offset - done));
  }
  const moved = done > 0 ? before + done : before;
  // A look at what is there waits for no more of it; nor does a read that ended at descriptors or at another sender. A
  // call for 0 bytes waits until there is something.
  const stopped = peek || Frame.control.get(fr) !== 0 || Socket.bytes.getAt(s, end) > 0;
  const enough = moved > 0 && (stopped || moved >= leastLocked(s, end, wanted, flags));
  let r = moved;
  if (!enough && done >= 0 && !(unread && wanted === 0)) r = endOrWaitLocked(s, end, moved);
  else if (done < 0 && moved === 0) r = done;
  const sender = Socket.file.getAt(s, 1 - end);
  const freed = Socket.charged.getAt(s, end) < charged && hasRoom(s, end);
  publishSocketLocked(s, end);
  publishSocketLocked(s, 1 - end);
  unlock(Socket.lock.at(s));
  if (!peek && done > 0) {
    Frame.moved.set(fr, moved);
    if (sender !== 0 && freed) sourceChangedForOne(sender, ROOM_KEYS);
    else sourceMoved(sender !== 0 ? sender : f, ROOM_KEYS);
  }
  return r === WAIT && moved > 0 && Frame.nonblocking.get(fr) === 1 ? moved : r;
}

/** With fewer bytes than these a receive waits for more. */
function leastLocked(s: SocketPtr, end: number, wanted: number, flags: number): number {
  return (flags & MSG_WAITALL) !== 0 ? wanted : Math.min(wanted, valueLocked(s, end, VALUE_RECEIVE_LOW));
}

/** Nothing (or not enough) is there: why not, and will more come? */
function endOrWaitLocked(s: SocketPtr, end: number, moved: number): number {
  const error = takeErrorLocked(s, end);
  if (error !== 0) return moved > 0 ? moved : -error;
  return (Socket.shut.getAt(s, end) & RECEIVE_SHUT) !== 0 ? moved : WAIT;
}
