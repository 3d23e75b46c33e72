/**
 * Datagrams: messages from any socket to any, each with its sender.
 *
 *     sender     error, shut, too long, full?     pay
 *     receiver   alive, ours, open, room?         one segment, which holds the sender's record
 *     receiver   take the first                   then, apart: pay the sender back, tell it of room
 *
 * A send touches two records whose locks must not nest, so it takes them in turn; what could not be delivered is paid
 * back. A message keeps its sender's record alive, whose name is the address that recvfrom answers, and whose buffer is
 * paid back wherever the message ends: received, or thrown away with its receiver.
 *
 * Linux: net/unix/af_unix.c, unix_dgram_sendmsg, unix_dgram_recvmsg.
 */
import { ECONNREFUSED, EFAULT, ENOTCONN, EOPNOTSUPP, EPERM, EPIPE } from '../abi/errno.ts';
import { MSG_OOB, MSG_PEEK, SOCK_DGRAM } from '../abi/flags-socket.ts';
import { sourceChangedForOne, sourceMoved, sourceRefused } from '../epoll/source.ts';
import { lock, unlock } from '../irq/locking.ts';
import { iovecLayout } from '../abi/layout.ts';
import { readUser64, userRangeOk } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, WAIT } from '../task/task.ts';
import type { FilePtr } from './file.ts';
import { appendSegment } from './socket-buffer.ts';
import { messageChargeOf } from './socket-charge.ts';
import { senderToNote, wantsCredentials } from './socket-credentials.ts';
import { firstCost } from './socket-message.ts';
import { dropHolder } from './socket-life.ts';
import { ownerOfName } from './socket-names.ts';
import { admitMessageLocked, takeMessageLocked } from './socket-packet.ts';
import { leavePeer, payBack } from './socket-peer.ts';
import { DATA_KEYS, publishSocketLocked, ROOM_KEYS, takeErrorLocked } from './socket-readiness.ts';
import type { SocketPtr } from './socket-struct.ts';
import { RECEIVE_SHUT, Socket, SOCKET_CLOSED, socketOf } from './socket-struct.ts';
import { awaitRoom, isFullFor, publishFullLocked, tellWaiters } from './socket-waiters.ts';

/** The whole buffer is the task's own? It is looked at before the receiver is (Linux copies first). */
function bufferOk(t: TaskPtr, fr: FramePtr): boolean {
  const count = Frame.vectorCount.get(fr);
  const length = Frame.length.get(fr);
  if (count === 0) return length === 0 || userRangeOk(t, Frame.buffer.get(fr), length) === 1;
  for (let i = 0; i < count; i++) {
    const element = Frame.vector.get(fr) + i * iovecLayout.size;
    const size = readUser64(element + iovecLayout.length);
    if (size > 0 && userRangeOk(t, readUser64(element + iovecLayout.base), size) === 0) return false;
  }
  return true;
}

/**
 * Sends the frame's buffer as one message.
 * @param flags MSG_*, @param name user address of the receiver's name behind its family, `nameLength` bytes of it,
 * checked by the caller; 0 bytes: to the peer
 * @returns its length, -errno or WAIT
 */
export function sendDatagram(
  f: FilePtr,
  t: TaskPtr,
  fr: FramePtr,
  flags: number,
  name: number,
  nameLength: number,
): number {
  if ((flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
  const s = socketOf(f);
  const cost = messageChargeOf(Frame.length.get(fr));
  const held = payFirst(f, s, t, fr, cost, nameLength === 0);
  if (held < 0) return held;
  let r = 0;
  let other = held as SocketPtr;
  if (nameLength > 0) {
    const owner = ownerOfName(name, nameLength, SOCK_DGRAM);
    if (owner < 0) r = owner;
    else {
      other = socketOf(owner as FilePtr);
      Socket.holders.add(other, 1);
    }
  }
  if (r === 0) r = deliver(f, s, other, t, fr, cost);
  if (r < 0) takeBack(s, f, cost, r);
  else sourceMoved(f, DATA_KEYS);
  if (other !== 0) dropHolder(other);
  return r;
}

/** @returns the peer's record, held, or 0 where the receiver is named; -errno or WAIT, and nothing is paid */
function payFirst(f: FilePtr, s: SocketPtr, t: TaskPtr, fr: FramePtr, cost: number, toPeer: boolean): number {
  lock(Socket.lock.at(s));
  const peer = Socket.peer.load(s);
  // Whether there is a peer is asked last: the message is made first.
  let r = admitMessageLocked(s, 0, Frame.length.get(fr), Socket.sent.get(s));
  if (r === 0 && !bufferOk(t, fr)) r = -EFAULT;
  if (r === 0 && toPeer && peer === 0) r = -ENOTCONN;
  if (r === 0) {
    Socket.sent.set(s, Socket.sent.get(s) + cost);
    if (toPeer) Socket.holders.add(peer, 1);
  }
  publishSocketLocked(s, 0);
  unlock(Socket.lock.at(s));
  if (r === 0) return toPeer ? peer : 0;
  // The message was made, and its end is room for its sender (sock_wfree).
  if (r === -EFAULT || r === -ENOTCONN) sourceRefused(f, ROOM_KEYS);
  return r;
}

/** What was not delivered costs nothing; who goes on waiting is told nothing of it, for it would wake itself. */
function takeBack(s: SocketPtr, f: FilePtr, cost: number, why: number): void {
  lock(Socket.lock.at(s));
  Socket.sent.set(s, Socket.sent.get(s) - cost);
  publishSocketLocked(s, 0);
  unlock(Socket.lock.at(s));
  if (why !== WAIT) sourceChangedForOne(f, ROOM_KEYS);
}

/** @returns the message's length, WAIT while the receiver is full, or -errno */
function deliver(f: FilePtr, s: SocketPtr, other: SocketPtr, t: TaskPtr, fr: FramePtr, cost: number): number {
  for (;;) {
    lock(Socket.lock.at(other));
    const r = appendLocked(s, other, t, fr, cost);
    const receiver = Socket.file.getAt(other, 0);
    unlock(Socket.lock.at(other));
    if (r >= 0 && receiver !== 0) sourceChangedForOne(receiver, DATA_KEYS);
    if (r === -ECONNREFUSED) leavePeer(f, s, other);
    // Who does not wait in the call may do so in poll.
    if (r !== WAIT || Socket.peer.load(s) !== other || awaitRoom(s, other)) return r;
  }
}

function appendLocked(s: SocketPtr, other: SocketPtr, t: TaskPtr, fr: FramePtr, cost: number): number {
  const friend = Socket.peer.load(other);
  if (friend !== 0 && friend !== s) return -EPERM;
  if (Socket.state.get(other) === SOCKET_CLOSED) return -ECONNREFUSED;
  if ((Socket.shut.getAt(other, 0) & RECEIVE_SHUT) !== 0) return -EPIPE;
  if (isFullFor(s, other)) return WAIT;
  const pid = senderToNote(t, fr, wantsCredentials(s, 0) || wantsCredentials(other, 0));
  const r = appendSegment(other, 0, t, fr, 0, Frame.length.get(fr), cost, s, pid);
  if (r < 0) return r;
  Socket.holders.add(s, 1);
  publishFullLocked(other);
  publishSocketLocked(other, 0);
  return r;
}

/**
 * Receives one message into the frame's buffer. Its sender's record is left in `Frame.second`, held: the caller drops
 * it. @param flags MSG_* @returns bytes, -errno or WAIT
 */
export function receiveDatagram(f: FilePtr, t: TaskPtr, fr: FramePtr, flags: number): number {
  if ((flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
  const s = socketOf(f);
  lock(Socket.lock.at(s));
  const error = takeErrorLocked(s, 0);
  if (error !== 0 || Socket.segments.getAt(s, 0) === 0) {
    const shut = (Socket.shut.getAt(s, 0) & RECEIVE_SHUT) !== 0;
    publishSocketLocked(s, 0);
    unlock(Socket.lock.at(s));
    if (error !== 0) return -error;
    // Only who would wait learns that nothing will come.
    return shut && Frame.nonblocking.get(fr) === 0 ? 0 : WAIT;
  }
  const wasFull = Socket.full.load(s) === 1;
  const cost = firstCost(s, 0);
  const peek = (flags & MSG_PEEK) !== 0;
  const r = takeMessageLocked(s, 0, t, fr, flags);
  const sender = Frame.second.get(fr) as SocketPtr;
  // The message's own hold passes to the frame; one that stays keeps it.
  if (peek && r !== WAIT) Socket.holders.add(sender, 1);
  publishFullLocked(s);
  publishSocketLocked(s, 0);
  unlock(Socket.lock.at(s));
  if (peek) return r;
  if (wasFull) tellWaiters(f, s);
  payBack(sender, cost);
  sourceMoved(f, ROOM_KEYS);
  return r;
}
