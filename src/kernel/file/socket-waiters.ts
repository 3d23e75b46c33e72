/**
 * Datagram sockets that wait for room at another one. Only a peer may add to a queue of more than DATAGRAMS_MAX
 * messages; all others wait until one was received:
 *
 *     blocked senders            in the queue for all names (socket-names-struct.ts), as blocked connects do
 *     connected, and polled      in the list `waiters` of the socket that they are connected to
 *
 * Who is polled for room, or was answered EAGAIN, is put into the list only then, and taken off when it is told: a
 * socket with a thousand clients tells those who asked.
 *
 * Linux: net/unix/af_unix.c, unix_dgram_peer_wake_me and unix_dgram_peer_wake_relay.
 */
import { listAppend, listRemove, listTakeFirst } from '../../shared-mem/list.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { queueForFile, sourceChangedForOne } from '../epoll/source.ts';
import { lock, unlock } from '../irq/locking.ts';
import { REASON_SOURCE } from '../task/task.ts';
import { WAKE_ALL, wakeQueue } from '../wait/wait-queue.ts';
import type { WaitQueuePtr } from '../wait/wait-queue-struct.ts';
import type { FilePtr } from './file.ts';
import { File } from './file.ts';
import { dropHolder } from './socket-life.ts';
import { socketNames } from './socket-names.ts';
import { SocketNames } from './socket-names-struct.ts';
import { ROOM_KEYS } from './socket-readiness.ts';
import type { SocketPtr } from './socket-struct.ts';
import { Socket } from './socket-struct.ts';

/** net.unix.max_dgram_qlen */
const DATAGRAMS_MAX = 10;

/**
 * Where one stands who waits for another's room (a full backlog, a full queue of datagrams): where its design lets
 * everybody stand, in the queue for all names where each file has a queue of its own, or nowhere (0).
 */
export function queueForConnecting(client: FilePtr): WaitQueuePtr {
  const q = queueForFile(client);
  return q === File.queue.at(client) ? SocketNames.connecting.at(socketNames()) : q;
}

/** Brings `full` up to date. */
export function publishFullLocked(s: SocketPtr): void {
  const full = Socket.segments.getAt(s, 0) > DATAGRAMS_MAX ? 1 : 0;
  if (Socket.full.load(s) !== full) Socket.full.store(s, full);
}

/** Is `other` closed to all but its peer, and `s` not that peer? */
export function isFullFor(s: SocketPtr, other: SocketPtr): boolean {
  return Socket.full.load(other) === 1 && Socket.peer.load(other) !== s && other !== s;
}

/** `s`, connected to `other`, will be told of room there. @returns false if there is room already */
export function awaitRoom(s: SocketPtr, other: SocketPtr): boolean {
  lock(Socket.lock.at(other));
  const full = isFullFor(s, other);
  if (full && Socket.waitsFor.compareExchange(s, NULL, other) === NULL) {
    Socket.holders.add(s, 1);
    listAppend(Socket.waiters.at(other), Socket.waiterNode.at(s));
  }
  unlock(Socket.lock.at(other));
  // It may have been connected elsewhere meanwhile.
  if (full && Socket.peer.load(s) !== other) forgetRoom(s, other);
  return full;
}

/** `s` is not connected to `other` any more. */
export function forgetRoom(s: SocketPtr, other: SocketPtr): void {
  lock(Socket.lock.at(other));
  const stood = Socket.waitsFor.load(s) === other;
  if (stood) {
    listRemove(Socket.waiters.at(other), Socket.waiterNode.at(s));
    Socket.waitsFor.store(s, NULL);
  }
  unlock(Socket.lock.at(other));
  if (stood) dropHolder(s);
}

/** Somebody may send to `s` again, or never will: all who wait look for themselves. @param f its file */
export function tellWaiters(f: FilePtr, s: SocketPtr): void {
  wakeQueue(SocketNames.connecting.at(socketNames()), 0, WAKE_ALL, REASON_SOURCE, f);
  for (;;) {
    lock(Socket.lock.at(s));
    const node = listTakeFirst(Socket.waiters.at(s));
    if (node !== 0) Socket.waitsFor.store(Socket.waiterNode.outer(node), NULL);
    unlock(Socket.lock.at(s));
    if (node === 0) return;
    tellWaiter(Socket.waiterNode.outer(node));
  }
}

function tellWaiter(s: SocketPtr): void {
  lock(Socket.lock.at(s));
  const f = Socket.file.getAt(s, 0);
  unlock(Socket.lock.at(s));
  if (f !== 0) sourceChangedForOne(f, ROOM_KEYS);
  dropHolder(s);
}
