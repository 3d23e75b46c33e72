/**
 * Unix stream sockets as files: what read, write, poll, ioctl, shutdown and close do to one end.
 *
 * Around it: what the two ends share (socket-struct.ts) and how they come and go (socket-life.ts), readiness
 * (socket-readiness.ts), connecting (socket-connect.ts), bytes (socket-transfer.ts, socket-buffer.ts), names
 * (socket-names.ts).
 *
 * Nothing is woken under a lock: an operation notes what it changed, unlocks, then tells. A file that stood in a record
 * while its lock was held may die right after; the boundary between traps keeps its record until this call is over.
 *
 * Linux: net/unix/af_unix.c.
 */
import { NULL } from '../../shared-mem/pointer.ts';
import { EFAULT, EINVAL } from '../abi/errno.ts';
import { FIONREAD, S_IFSOCK } from '../abi/flags-file.ts';
import { SHUT_RD, SHUT_RDWR } from '../abi/flags-socket.ts';
import { sourceChanged } from '../epoll/source.ts';
import { lock, unlock } from '../irq/locking.ts';
import { userRangeOk, writeUser32 } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame } from '../task/task.ts';
import type { FilePtr } from './file.ts';
import { File } from './file.ts';
import type { FileOps } from './file-ops.ts';
import { noIoctl, noSeek, noSize } from './file-ops.ts';
import { closeListener } from './socket-connect.ts';
import { dropHolder } from './socket-life.ts';
import { disownName } from './socket-names.ts';
import { loseEndLocked, publishSocketLocked } from './socket-readiness.ts';
import {
  BOTH_SHUT,
  endOf,
  RECEIVE_SHUT,
  SEND_SHUT,
  Socket,
  SOCKET_CLOSED,
  SOCKET_CONNECTED,
  SOCKET_LISTENING,
  socketOf,
} from './socket-struct.ts';
import { receiveStream, sendStream } from './socket-transfer.ts';

/** Bytes (with what they cost) that were sent and not read. */
const SIOCOUTQ = 0x5411;

function socketRead(f: FilePtr, t: TaskPtr, fr: FramePtr): number {
  // read of nothing asks nothing; recv of nothing does (socket-transfer.ts).
  return Frame.length.get(fr) === 0 ? 0 : receiveStream(f, t, fr, 0);
}

function socketWrite(f: FilePtr, t: TaskPtr, fr: FramePtr): number {
  return sendStream(f, t, fr, 0);
}

function socketPoll(f: FilePtr, _t: TaskPtr): number {
  return File.readiness.load(f);
}

function socketIoctl(f: FilePtr, t: TaskPtr, command: number, argument: number): number {
  if (command !== FIONREAD && command !== SIOCOUTQ) return noIoctl(f, t, command, argument);
  const s = socketOf(f);
  const end = endOf(f);
  lock(Socket.lock.at(s));
  const listens = Socket.state.get(s) === SOCKET_LISTENING;
  const count = command === FIONREAD ? Socket.bytes.getAt(s, end) : Socket.charged.getAt(s, 1 - end);
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
  Socket.file.setAt(s, end, NULL);
  Socket.shut.setAt(s, end, BOTH_SHUT);
  if (state !== SOCKET_CONNECTED) Socket.state.set(s, SOCKET_CLOSED);
  const peer: FilePtr = state === SOCKET_CONNECTED ? loseEndLocked(s, end, 0) : NULL;
  unlock(Socket.lock.at(s));
  disownName(s, f, end);
  if (state === SOCKET_LISTENING) closeListener(f);
  if (peer !== 0) sourceChanged(peer, 0);
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
