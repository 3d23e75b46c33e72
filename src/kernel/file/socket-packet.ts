/**
 * Messages through a connected seqpacket socket, whose two ends share a record as those of a stream do.
 *
 *     send      error? say so once : too long? EMSGSIZE : shut? EPIPE, without a signal : full? wait : one segment
 *     receive   error? say so once : unread? take one, whatever the room : shut? 0 : wait
 *
 * A message that is received is gone with what did not fit (M7), and with what could not be stored.
 *
 * Linux: net/unix/af_unix.c, unix_seqpacket_sendmsg, unix_dgram_sendmsg, unix_dgram_recvmsg.
 */
import { NULL } from '../../shared-mem/pointer.ts';
import { EFAULT, EMSGSIZE, ENOTCONN, EOPNOTSUPP, EPIPE } from '../abi/errno.ts';
import { MSG_OOB, MSG_PEEK, MSG_TRUNC } from '../abi/flags-socket.ts';
import { sourceChangedForOne, sourceMoved, sourceRefused } from '../epoll/source.ts';
import { lock, unlock } from '../irq/locking.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, WAIT } from '../task/task.ts';
import type { FilePtr } from './file.ts';
import { appendSegment } from './socket-buffer.ts';
import { senderOfPair } from './socket-credentials.ts';
import { copyMessage, dropMessage, firstMessage, messageLength, messageSender, seekMessage } from './socket-message.ts';
import { hasRoom, messageChargeOf, messageMax } from './socket-charge.ts';
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
  valueLocked,
} from './socket-struct.ts';

/** May an end send so much now? @returns 0, WAIT or -errno; an error that waited is taken */
export function admitMessageLocked(s: SocketPtr, end: number, length: number, unread: number): number {
  if (length > messageMax(s, end)) return -EMSGSIZE;
  const error = takeErrorLocked(s, end);
  if (error !== 0) return -error;
  if ((Socket.shut.getAt(s, end) & SEND_SHUT) !== 0) return -EPIPE;
  return unread >= Socket.sendBuffer.getAt(s, end) ? WAIT : 0;
}

/** Before a message is even looked at: 0, or -errno; an error that waited is taken. */
export function mayBeginPacket(f: FilePtr): number {
  const s = socketOf(f);
  const end = endOf(f);
  lock(Socket.lock.at(s));
  const error = takeErrorLocked(s, end);
  const connected = Socket.state.get(s) === SOCKET_CONNECTED;
  publishSocketLocked(s, end);
  unlock(Socket.lock.at(s));
  if (error !== 0) return -error;
  return connected ? 0 : -ENOTCONN;
}

/** Sends the frame's buffer as one message. @param flags MSG_* @returns its length, -errno or WAIT */
export function sendPacket(f: FilePtr, t: TaskPtr, fr: FramePtr, flags: number): number {
  const s = socketOf(f);
  const end = endOf(f);
  const length = Frame.length.get(fr);
  lock(Socket.lock.at(s));
  const error = takeErrorLocked(s, end);
  let r = -error;
  if (r === 0 && Socket.state.get(s) !== SOCKET_CONNECTED) r = -ENOTCONN;
  if (r === 0 && (flags & MSG_OOB) !== 0) r = -EOPNOTSUPP;
  if (r === 0) r = admitMessageLocked(s, end, length, Socket.charged.getAt(s, 1 - end));
  if (r === 0) {
    r = appendSegment(s, 1 - end, t, fr, 0, length, messageChargeOf(length), NULL, senderOfPair(s, t, fr));
  }
  const receiver = Socket.file.getAt(s, 1 - end);
  publishSocketLocked(s, end);
  publishSocketLocked(s, 1 - end);
  unlock(Socket.lock.at(s));
  if (r >= 0 && receiver !== 0) sourceChangedForOne(receiver, DATA_KEYS);
  // The message was made, and its end is room for its sender (sock_wfree).
  if (r === -EFAULT) sourceRefused(f, ROOM_KEYS);
  return r;
}

/** Why is nothing there? The end of a connection is told to all; WAIT is for those who wait, or becomes EAGAIN. */
function packetsEndLocked(s: SocketPtr, end: number): number {
  return (Socket.shut.getAt(s, end) & RECEIVE_SHUT) !== 0 ? 0 : WAIT;
}

/**
 * Copies the first message, and throws it away unless it is only looked at; a look may begin at an offset (SO_PEEK_OFF),
 * where another message is the first. There must be a message. Its whole length is left in `Frame.moved`, for recvmsg,
 * and who sent it in `Frame.second`.
 * @returns bytes copied, with MSG_TRUNC the message's whole length; -EFAULT; or WAIT, with nothing at the offset
 */
export function takeMessageLocked(s: SocketPtr, end: number, t: TaskPtr, fr: FramePtr, flags: number): number {
  const peek = (flags & MSG_PEEK) !== 0;
  const offset = valueLocked(s, end, VALUE_PEEK_OFFSET);
  const skip = peek && offset >= 0 ? seekMessage(s, end, offset) : firstMessage(s, end);
  if (skip < 0) return WAIT;
  const length = messageLength(s);
  Frame.second.set(fr, messageSender(s));
  const copied = copyMessage(s, end, t, fr, skip, Frame.length.get(fr), peek);
  if (!peek) dropMessage(s, end);
  if (copied >= 0 && offset >= 0) {
    setValueLocked(s, end, VALUE_PEEK_OFFSET, peek ? offset + copied : Math.max(0, offset - length));
  }
  Frame.moved.set(fr, length - skip);
  return copied >= 0 && (flags & MSG_TRUNC) !== 0 ? length - skip : copied;
}

/** Receives one message into the frame's buffer. @param flags MSG_* @returns bytes, -errno or WAIT */
export function receivePacket(f: FilePtr, t: TaskPtr, fr: FramePtr, flags: number): number {
  const s = socketOf(f);
  const end = endOf(f);
  lock(Socket.lock.at(s));
  const there = Socket.segments.getAt(s, end) > 0;
  let r = 0;
  if (Socket.state.get(s) !== SOCKET_CONNECTED) r = -ENOTCONN;
  else if ((flags & MSG_OOB) !== 0) r = -EOPNOTSUPP;
  else r = -takeErrorLocked(s, end);
  const took = r === 0 && there;
  if (took) r = takeMessageLocked(s, end, t, fr, flags);
  else if (r === 0) r = packetsEndLocked(s, end);
  const sender = Socket.file.getAt(s, 1 - end);
  const freed = took && (flags & MSG_PEEK) === 0;
  const room = hasRoom(s, end);
  publishSocketLocked(s, end);
  publishSocketLocked(s, 1 - end);
  unlock(Socket.lock.at(s));
  if (!freed) return r;
  if (sender !== 0 && room) sourceChangedForOne(sender, ROOM_KEYS);
  else sourceMoved(sender !== 0 ? sender : f, ROOM_KEYS);
  return r;
}
