/**
 * What poll answers for the ends of a socket, and the state that a lost end leaves behind. All under the socket's lock.
 *
 *     IN      something is unread, waits to be accepted, or will never come (RDHUP with it)
 *     OUT     a quarter of the send buffer is not yet full, whether or not anybody will read
 *     HUP     both directions are shut, or the socket was never connected (datagrams need not be)
 *     ERR     the other end was closed with our bytes unread, and no call has said so yet
 *
 * Linux: net/unix/af_unix.c, unix_poll, unix_writable.
 */
import { List } from '../../shared-mem/list.ts';
import { ECONNRESET } from '../abi/errno.ts';
import {
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLPRI,
  EPOLLRDBAND,
  EPOLLRDHUP,
  EPOLLRDNORM,
  EPOLLWRBAND,
  EPOLLWRNORM,
} from '../abi/flags-event.ts';
import { SOCK_DGRAM } from '../abi/flags-socket.ts';
import type { FilePtr } from './file.ts';
import { File } from './file.ts';
import { dropSegments } from './socket-buffer.ts';
import { firstLength } from './socket-message.ts';
import { hasRoom } from './socket-charge.ts';
import type { SocketPtr } from './socket-struct.ts';
import { BOTH_SHUT, RECEIVE_SHUT, Socket, SOCKET_LISTENING, SOCKET_UNCONNECTED } from './socket-struct.ts';

/** What a wake for arriving data says, and one for room to send (M8). */
export const DATA_KEYS: number = EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND;
export const ROOM_KEYS: number = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;

/** Brings the readiness word of an end's file up to date, if it has one. */
export function publishSocketLocked(s: SocketPtr, end: number): void {
  const f = Socket.file.getAt(s, end);
  if (f === 0) return;
  const ready = readinessOf(s, end);
  if (File.readiness.load(f) !== ready) File.readiness.store(f, ready);
}

function readinessOf(s: SocketPtr, end: number): number {
  const state = Socket.state.get(s);
  const shut = Socket.shut.getAt(s, end);
  let ready = Socket.error.getAt(s, end) !== 0 ? EPOLLERR : 0;
  if (shut === BOTH_SHUT || (state === SOCKET_UNCONNECTED && Socket.type.get(s) !== SOCK_DGRAM)) ready |= EPOLLHUP;
  if ((shut & RECEIVE_SHUT) !== 0) ready |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
  if (state === SOCKET_LISTENING) {
    return List.count.get(Socket.pending.at(s)) > 0 ? ready | EPOLLIN | EPOLLRDNORM : ready;
  }
  if (Socket.segments.getAt(s, end) > 0) ready |= EPOLLIN | EPOLLRDNORM;
  return hasRoom(s, 1 - end) ? ready | ROOM_KEYS : ready;
}

/** An empty message that is the only one does not count: Linux 6.18 takes it for one already read. */
function leavesUnreadLocked(s: SocketPtr, end: number): boolean {
  const segments = Socket.segments.getAt(s, end);
  return segments > 1 || (segments === 1 && firstLength(s, end) > 0);
}

/**
 * End `end` of a connection is gone, with whatever it had not read; the caller took the descriptors (`detachControl`).
 * @param reset 1: the other end learns ECONNRESET even if nothing was unread (a connection never accepted)
 * @returns the other end's file, to be told, or 0
 */
export function loseEndLocked(s: SocketPtr, end: number, reset: number): FilePtr {
  const other = 1 - end;
  Socket.shut.setAt(s, other, BOTH_SHUT);
  if (reset === 1 || leavesUnreadLocked(s, end)) Socket.error.setAt(s, other, ECONNRESET);
  dropSegments(s, end);
  publishSocketLocked(s, other);
  return Socket.file.getAt(s, other);
}

/** @returns the errno that waits for an end's next call, which takes it, or 0 */
export function takeErrorLocked(s: SocketPtr, end: number): number {
  const error = Socket.error.getAt(s, end);
  if (error !== 0) Socket.error.setAt(s, end, 0);
  return error;
}

/** Does it still take connections? A listener that will receive nothing more does not. */
export function acceptsLocked(s: SocketPtr): boolean {
  return Socket.state.get(s) === SOCKET_LISTENING && (Socket.shut.getAt(s, 0) & RECEIVE_SHUT) === 0;
}
