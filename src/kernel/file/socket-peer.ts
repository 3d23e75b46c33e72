/**
 * Whom a datagram socket is connected to, and how it comes apart: by another connect, by AF_UNSPEC, by a send that finds
 * the peer gone, by close. The pointer is one-sided: a pair is two sockets that are connected to each other.
 *
 * Who leaves a peer throws away what it had not read, for a connected socket hears its peer only. A peer that lives and
 * is connected back finds ECONNRESET, if something was lost.
 *
 * Linux: net/unix/af_unix.c, unix_dgram_connect, unix_dgram_disconnected, unix_release_sock.
 */
import { NULL } from '../../shared-mem/pointer.ts';
import { EBADF, ECONNREFUSED, ECONNRESET, EPERM } from '../abi/errno.ts';
import { SOCK_DGRAM } from '../abi/flags-socket.ts';
import { sourceChanged, sourceChangedForOne, sourceMoved } from '../epoll/source.ts';
import { lock, unlock } from '../irq/locking.ts';
import type { FilePtr } from './file.ts';
import { dropQueued } from './in-flight.ts';
import { detachFirst, dropMessage, firstCost, firstSender } from './socket-message.ts';
import { hasRoom } from './socket-charge.ts';
import { createSocket, dropHolder } from './socket-life.ts';
import { ownerOfName } from './socket-names.ts';
import { publishSocketLocked, ROOM_KEYS } from './socket-readiness.ts';
import type { SocketPtr } from './socket-struct.ts';
import { Socket, SOCKET_CLOSED, socketOf } from './socket-struct.ts';
import { forgetRoom, publishFullLocked, tellWaiters } from './socket-waiters.ts';

/** A message of `sender` is gone: it may send more. */
export function payBack(sender: SocketPtr, cost: number): void {
  lock(Socket.lock.at(sender));
  Socket.sent.set(sender, Socket.sent.get(sender) - cost);
  const room = hasRoom(sender, 1);
  const f = Socket.file.getAt(sender, 0);
  publishSocketLocked(sender, 0);
  unlock(Socket.lock.at(sender));
  if (f === 0) return;
  if (room) sourceChangedForOne(f, ROOM_KEYS);
  else sourceMoved(f, ROOM_KEYS);
}

/** Throws away what `s` has unread by now. @returns 1 if there was anything */
function purge(f: FilePtr, s: SocketPtr): number {
  lock(Socket.lock.at(s));
  const count = Socket.segments.getAt(s, 0);
  unlock(Socket.lock.at(s));
  for (let i = 0; i < count; i++) {
    lock(Socket.lock.at(s));
    if (Socket.segments.getAt(s, 0) === 0) {
      unlock(Socket.lock.at(s));
      break;
    }
    const sender = firstSender(s, 0);
    const cost = firstCost(s, 0);
    const control = detachFirst(s, 0);
    dropMessage(s, 0);
    publishFullLocked(s);
    publishSocketLocked(s, 0);
    unlock(Socket.lock.at(s));
    payBack(sender, cost);
    dropHolder(sender);
    dropQueued(control);
  }
  if (count > 0) tellWaiters(f, s);
  return count > 0 ? 1 : 0;
}

/** `s` is not connected to `old` any more, which it still holds. */
function comeApart(f: FilePtr, s: SocketPtr, old: SocketPtr): void {
  if (purge(f, s) === 0) return;
  lock(Socket.lock.at(old));
  const back = Socket.state.get(old) !== SOCKET_CLOSED && Socket.peer.load(old) === s;
  const peer: FilePtr = back ? Socket.file.getAt(old, 0) : NULL;
  if (back) {
    Socket.error.setAt(old, 0, ECONNRESET);
    publishSocketLocked(old, 0);
  }
  unlock(Socket.lock.at(old));
  if (peer !== 0) sourceChanged(peer, 0);
}

/** A send found its peer `old` gone. */
export function leavePeer(f: FilePtr, s: SocketPtr, old: SocketPtr): void {
  lock(Socket.lock.at(s));
  const left = Socket.peer.load(s) === old;
  if (left) Socket.peer.store(s, NULL);
  unlock(Socket.lock.at(s));
  if (!left) return;
  forgetRoom(s, old);
  sourceChangedForOne(f, ROOM_KEYS);
  comeApart(f, s, old);
  dropHolder(old);
}

/** @returns the record that a name leads `s` to, held, or -errno */
function findPeer(s: SocketPtr, name: number, nameLength: number): number {
  const owner = ownerOfName(name, nameLength, SOCK_DGRAM);
  if (owner < 0) return owner;
  const other = socketOf(owner as FilePtr);
  lock(Socket.lock.at(other));
  const closed = Socket.state.get(other) === SOCKET_CLOSED;
  unlock(Socket.lock.at(other));
  if (closed) return -ECONNREFUSED;
  const friend = Socket.peer.load(other);
  if (friend !== 0 && friend !== s) return -EPERM;
  Socket.holders.add(other, 1);
  return other;
}

/**
 * Connects a datagram socket to another, or to none.
 * @param name user address behind the family, `nameLength` bytes of it, checked by the caller; 0 bytes: to none
 * @returns 0 or -errno
 */
export function connectDatagram(f: FilePtr, name: number, nameLength: number): number {
  const s = socketOf(f);
  const found = nameLength === 0 ? 0 : findPeer(s, name, nameLength);
  if (found < 0) return found;
  const other = found as SocketPtr;
  lock(Socket.lock.at(s));
  const closed = Socket.state.get(s) === SOCKET_CLOSED;
  const old = closed ? other : (Socket.peer.load(s) as SocketPtr);
  if (!closed) Socket.peer.store(s, other);
  unlock(Socket.lock.at(s));
  if (old === 0) return 0;
  if (!closed) {
    forgetRoom(s, old);
    sourceChangedForOne(f, ROOM_KEYS);
    if (old !== other) comeApart(f, s, old);
  }
  dropHolder(old);
  return closed ? -EBADF : 0;
}

/** @returns a new datagram socket, it and `first` connected to each other; or 0 when files or sockets are exhausted */
export function createFriend(first: FilePtr, flags: number): FilePtr {
  const g = createSocket(SOCK_DGRAM, flags);
  if (g === 0) return NULL;
  const a = socketOf(first);
  const b = socketOf(g);
  lock(Socket.lock.at(a));
  Socket.peer.store(a, b);
  Socket.holders.add(b, 1);
  unlock(Socket.lock.at(a));
  lock(Socket.lock.at(b));
  Socket.peer.store(b, a);
  Socket.holders.add(a, 1);
  unlock(Socket.lock.at(b));
  return g;
}

/** Its file is gone and its state closed: nothing comes to it any more. */
export function closeDatagram(f: FilePtr, s: SocketPtr): void {
  lock(Socket.lock.at(s));
  const old = Socket.peer.load(s);
  Socket.peer.store(s, NULL);
  unlock(Socket.lock.at(s));
  if (purge(f, s) === 0) tellWaiters(f, s);
  if (old === 0) return;
  forgetRoom(s, old);
  lock(Socket.lock.at(old));
  const peer = Socket.file.getAt(old, 0);
  unlock(Socket.lock.at(old));
  // Linux tells nobody: the peer finds out when it sends (M7).
  if (peer !== 0) sourceMoved(peer, 0);
  dropHolder(old);
}

/** @returns the record that a datagram socket is connected to, held, or 0 */
export function holdPeer(s: SocketPtr): SocketPtr {
  lock(Socket.lock.at(s));
  const peer = Socket.peer.load(s);
  if (peer !== 0) Socket.holders.add(peer, 1);
  unlock(Socket.lock.at(s));
  return peer;
}
