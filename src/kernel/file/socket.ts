/**
 * Unix sockets as files: what read, write, poll, ioctl, shutdown and close do to one end.
 *
 * Around it: what the two ends share (socket-struct.ts) and how they come and go (socket-life.ts), readiness
 * (socket-readiness.ts), connecting (socket-connect.ts), bytes (socket-transfer.ts, socket-buffer.ts), messages
 * (socket-packet.ts, socket-datagram.ts, socket-message.ts), whom datagrams go to (socket-peer.ts, socket-waiters.ts),
 * names (socket-names.ts), options (socket-options.ts, socket-timeouts.ts), what travels beside the bytes
 * (socket-credentials.ts, control-data.ts, in-flight.ts).
 *
 * Nothing is woken under a lock: an operation notes what it changed, unlocks, then tells. A file that stood in a record
 * while its lock was held may die right after; the boundary between traps keeps its record until this call is over.
 *
 * Linux: net/unix/af_unix.c.
 */
import { NULL } from '../../shared-mem/pointer.ts';
import { EFAULT, EINVAL } from '../abi/errno.ts';
import { FIONREAD, S_IFSOCK } from '../abi/flags-file.ts';
import { EPOLLOUT } from '../abi/flags-event.ts';
import { MSG_PEEK, SHUT_RD, SHUT_RDWR, SOCK_DGRAM, SOCK_STREAM } from '../abi/flags-socket.ts';
import { sourceChanged } from '../epoll/source.ts';
import { lock, unlock } from '../irq/locking.ts';
import { FdTable } from '../process/fd-table.ts';
import { userRangeOk, writeUser32 } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, Task, WAIT } from '../task/task.ts';
import type { ControlPtr } from './control-data.ts';
import type { FilePtr } from './file.ts';
import { File } from './file.ts';
import type { FileOps } from './file-ops.ts';
import { noIoctl, noSeek, noSize } from './file-ops.ts';
import { collectSockets, dropControl, dropQueued, enterFlight, leaveFlight } from './in-flight.ts';
import { unreadCost } from './socket-charge.ts';
import { closeListener } from './socket-connect.ts';
import { nameForAnswers } from './socket-credentials.ts';
import { receiveDatagram, sendDatagram } from './socket-datagram.ts';
import { dropHolder, isConnected } from './socket-life.ts';
import { detachControl, firstLength } from './socket-message.ts';
import { disownName } from './socket-names.ts';
import { receivePacket, sendPacket } from './socket-packet.ts';
import { closeDatagram, holdPeer } from './socket-peer.ts';
import { loseEndLocked, publishSocketLocked, ROOM_KEYS } from './socket-readiness.ts';
import type { SocketPtr } from './socket-struct.ts';
import {
  BOTH_SHUT,
  endOf,
  NOBODY,
  RECEIVE_SHUT,
  SEND_SHUT,
  Socket,
  SOCKET_CLOSED,
  SOCKET_CONNECTED,
  SOCKET_LISTENING,
  socketOf,
  UNKNOWN_SENDER,
} from './socket-struct.ts';
import { receiveStream, sendStream } from './socket-transfer.ts';
import { boundWait } from './socket-timeouts.ts';
import { awaitRoom, isFullFor } from './socket-waiters.ts';

/** Bytes (with what they cost) that were sent and not read. */
const SIOCOUTQ = 0x5411;

function socketRead(f: FilePtr, t: TaskPtr, fr: FramePtr): number {
  // read of nothing asks nothing; recv of nothing does.
  if (Frame.length.get(fr) === 0) return 0;
  const r = receiveSocket(f, t, fr, 0);
  dropReceived(fr);
  return r;
}

function socketWrite(f: FilePtr, t: TaskPtr, fr: FramePtr): number {
  Frame.credentials.set(fr, UNKNOWN_SENDER);
  return sendSocket(f, t, fr, 0, 0, 0);
}

/**
 * Sends the frame's buffer, with `Frame.control`, in the name of `Frame.credentials`.
 * @param name a datagram's receiver, `nameLength` bytes behind the family; 0 bytes: the peer
 */
export function sendSocket(
  f: FilePtr,
  t: TaskPtr,
  fr: FramePtr,
  flags: number,
  name: number,
  nameLength: number,
): number {
  const control = Frame.control.get(fr) as ControlPtr;
  // A stream sends no empty message, nor descriptors with one.
  const flies = control !== 0 && (Frame.length.get(fr) > 0 || Socket.type.get(socketOf(f)) !== SOCK_STREAM);
  if (flies) {
    const tooMany = enterFlight(control, FdTable.limit.peek(Task.fdTable.get(t)));
    if (tooMany !== 0) return tooMany;
  }
  const r = sendByType(f, t, fr, flags, name, nameLength);
  if (flies && Frame.control.get(fr) !== 0) leaveFlight(control);
  if (r === WAIT) boundWait(f, fr, true);
  return r;
}

function sendByType(f: FilePtr, t: TaskPtr, fr: FramePtr, flags: number, name: number, nameLength: number): number {
  const type = Socket.type.get(socketOf(f));
  if (type === SOCK_STREAM) return sendStream(f, t, fr, flags);
  const named = type === SOCK_DGRAM || isConnected(f) === 1 ? nameForAnswers(f) : 0;
  if (named !== 0) return named;
  return type === SOCK_DGRAM ? sendDatagram(f, t, fr, flags, name, nameLength) : sendPacket(f, t, fr, flags);
}

/**
 * Receives into the frame's buffer. What came beside the bytes is left in the frame until `dropReceived`: in
 * `Frame.second` a datagram's sender, held, else 0; in `Frame.control` descriptors, in `Frame.credentials` who sent, or
 * NOBODY if nothing was received.
 */
export function receiveSocket(f: FilePtr, t: TaskPtr, fr: FramePtr, flags: number): number {
  const type = Socket.type.get(socketOf(f));
  Frame.second.set(fr, NULL);
  // A stream's call that has something already knows from whom.
  if (type !== SOCK_STREAM || Frame.moved.get(fr) === 0) Frame.credentials.set(fr, NOBODY);
  const r = receiveByType(type, f, t, fr, flags);
  const control = Frame.control.get(fr) as ControlPtr;
  if (control !== 0 && (flags & MSG_PEEK) === 0) leaveFlight(control);
  if (r === WAIT) boundWait(f, fr, false);
  return r;
}

function receiveByType(type: number, f: FilePtr, t: TaskPtr, fr: FramePtr, flags: number): number {
  if (type === SOCK_STREAM) return receiveStream(f, t, fr, flags);
  return type === SOCK_DGRAM ? receiveDatagram(f, t, fr, flags) : receivePacket(f, t, fr, flags);
}

/** Lets go what came beside the bytes and was not handed to the guest. */
export function dropReceived(fr: FramePtr): void {
  const sender = Frame.second.get(fr) as SocketPtr;
  const control = Frame.control.get(fr) as ControlPtr;
  Frame.second.set(fr, NULL);
  Frame.control.set(fr, NULL);
  if (sender !== 0) dropHolder(sender);
  if (control !== 0) dropControl(control, 0);
}

/** Whether a peer has room is looked up, and asked to be told of, only when its sender is polled. */
function socketPoll(f: FilePtr, _t: TaskPtr): number {
  const ready = File.readiness.load(f);
  const s = socketOf(f);
  if ((ready & EPOLLOUT) === 0 || Socket.type.get(s) !== SOCK_DGRAM || Socket.peer.load(s) === 0) return ready;
  const peer = holdPeer(s);
  if (peer === 0) return ready;
  const full = isFullFor(s, peer) && awaitRoom(s, peer);
  dropHolder(peer);
  return full ? ready & ~ROOM_KEYS : ready;
}

/** Of datagrams, only the first. */
function unreadBytesLocked(s: SocketPtr, end: number): number {
  if (Socket.type.get(s) !== SOCK_DGRAM) return Socket.bytes.getAt(s, end);
  return Socket.segments.getAt(s, end) > 0 ? firstLength(s, end) : 0;
}

function socketIoctl(f: FilePtr, t: TaskPtr, command: number, argument: number): number {
  if (command !== FIONREAD && command !== SIOCOUTQ) return noIoctl(f, t, command, argument);
  const s = socketOf(f);
  const end = endOf(f);
  lock(Socket.lock.at(s));
  const listens = Socket.state.get(s) === SOCKET_LISTENING;
  const count = command === FIONREAD ? unreadBytesLocked(s, end) : unreadCost(s, end);
  unlock(Socket.lock.at(s));
  if (listens && command === FIONREAD) return -EINVAL;
  if (userRangeOk(t, argument, 4) === 0) return -EFAULT;
  writeUser32(argument, count);
  return 0;
}

function socketMode(_f: FilePtr): number {
  return S_IFSOCK | 0o777;
}

/**
 * Shuts one or both directions, connected or not. What is unread stays readable; the other end learns that nothing more
 * will come, or that nobody will read (M1, M2). @param how SHUT_*
 */
export function shutdownSocket(f: FilePtr, how: number): number {
  if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
  const mode = how + 1;
  const peerMode = ((mode & RECEIVE_SHUT) !== 0 ? SEND_SHUT : 0) | ((mode & SEND_SHUT) !== 0 ? RECEIVE_SHUT : 0);
  const s = socketOf(f);
  const end = endOf(f);
  const other = 1 - end;
  lock(Socket.lock.at(s));
  Socket.shut.setAt(s, end, Socket.shut.getAt(s, end) | mode);
  publishSocketLocked(s, end);
  if (Socket.state.get(s) === SOCKET_CONNECTED) {
    Socket.shut.setAt(s, other, Socket.shut.getAt(s, other) | peerMode);
    publishSocketLocked(s, other);
  }
  const peer = Socket.file.getAt(s, other);
  unlock(Socket.lock.at(s));
  sourceChanged(f, 0);
  if (peer !== 0) sourceChanged(peer, 0);
  return 0;
}

/** One end is closed: the other finds it hung up, and reset if something of its own was unread. */
function socketRelease(f: FilePtr): number {
  const s = socketOf(f);
  const end = endOf(f);
  lock(Socket.lock.at(s));
  const state = Socket.state.get(s);
  const control: ControlPtr = state === SOCKET_CONNECTED ? detachControl(s, end) : NULL;
  Socket.file.setAt(s, end, NULL);
  Socket.shut.setAt(s, end, BOTH_SHUT);
  if (state !== SOCKET_CONNECTED) Socket.state.set(s, SOCKET_CLOSED);
  const peer: FilePtr = state === SOCKET_CONNECTED ? loseEndLocked(s, end, 0) : NULL;
  unlock(Socket.lock.at(s));
  disownName(s, f, end);
  if (state === SOCKET_LISTENING) closeListener(f);
  if (Socket.type.get(s) === SOCK_DGRAM) closeDatagram(f, s);
  if (peer !== 0) sourceChanged(peer, 0);
  dropQueued(control);
  // As Linux, which looks whenever a socket goes: what a search was too early for is found now.
  collectSockets();
  return 0;
}

function socketReclaim(f: FilePtr): number {
  dropHolder(socketOf(f));
  return 0;
}

export const socketOps: FileOps = {
  read: socketRead,
  write: socketWrite,
  poll: socketPoll,
  ioctl: socketIoctl,
  seek: noSeek,
  mode: socketMode,
  size: noSize,
  release: socketRelease,
  reclaim: socketReclaim,
};
