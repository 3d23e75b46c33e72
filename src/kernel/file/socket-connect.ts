/**
 * Listening, connecting, accepting.
 *
 * A connect touches two records whose locks must not nest. It takes them in turn:
 *
 *     listener   does it listen, is there room?   promise one place
 *     client     still unconnected?               connected; end 1 is an embryo from here on
 *     listener   does it still listen?            put the client's record into the list, tell the listener
 *
 * What can happen between the steps: the client is connected by another thread (the promise is taken back), or the
 * listener closes (the embryo is dropped, and the client finds a connection that was reset, as it would had the listener
 * closed a moment later). The promise keeps the backlog exact meanwhile.
 *
 * Who finds the backlog full waits in one queue for all names (socket-names-struct.ts), or where the design lets
 * everybody stand, and looks its name up again when woken, as Linux does; so nobody stands in a queue of a listener that
 * may die.
 *
 * Linux: net/unix/af_unix.c, unix_listen, unix_stream_connect, unix_accept.
 */
import { List, listAppend, listTakeFirst } from '../../shared-mem/list.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { freeRecord } from '../../shared-mem/slab.ts';
import { EAGAIN, ECONNREFUSED, EINVAL, EISCONN, ENFILE } from '../abi/errno.ts';
import { O_RDWR } from '../abi/flags-file.ts';
import { SOMAXCONN } from '../abi/flags-socket.ts';
import { sourceChangedForOne, sourceMoved } from '../epoll/source.ts';
import { lock, unlock } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { REASON_SOURCE, WAIT } from '../task/task.ts';
import { WAKE_ALL, wakeQueue } from '../wait/wait-queue.ts';
import type { FilePtr } from './file.ts';
import { KIND_SOCKET } from './file.ts';
import { dropQueued } from './in-flight.ts';
import { newFile } from './lifetime.ts';
import { wantsCredentials } from './socket-credentials.ts';
import { dropEmbryo, giveFile } from './socket-life.ts';
import { inheritName, socketNames } from './socket-names.ts';
import { SocketNames } from './socket-names-struct.ts';
import { acceptsLocked, DATA_KEYS, publishSocketLocked, ROOM_KEYS } from './socket-readiness.ts';
import type { SocketPtr } from './socket-struct.ts';
import {
  RECEIVE_SHUT,
  Socket,
  SOCKET_CONNECTED,
  SOCKET_LISTENING,
  SOCKET_UNCONNECTED,
  socketOf,
} from './socket-struct.ts';

/** Lets blocked connects look again. @param listener whose full backlog has room now, or that is gone */
function wakeConnecting(listener: FilePtr): void {
  wakeQueue(SocketNames.connecting.at(socketNames()), 0, WAKE_ALL, REASON_SOURCE, listener);
  sourceMoved(listener, ROOM_KEYS);
}

/**
 * listen(2) on a socket that has a name. A negative backlog is the longest, as its unsigned value is.
 * @param pid who listens, as those who connect are told
 */
export function listenOn(f: FilePtr, backlog: number, pid: number): number {
  const s = socketOf(f);
  lock(Socket.lock.at(s));
  const state = Socket.state.get(s);
  if (state !== SOCKET_UNCONNECTED && state !== SOCKET_LISTENING) {
    unlock(Socket.lock.at(s));
    return -EINVAL;
  }
  const longest = backlog < 0 || backlog > SOMAXCONN ? SOMAXCONN : backlog;
  const grows = state === SOCKET_LISTENING && longest > Socket.backlog.get(s);
  Socket.state.set(s, SOCKET_LISTENING);
  Socket.backlog.set(s, longest);
  Socket.peerPid.setAt(s, 0, pid);
  publishSocketLocked(s, 0);
  unlock(Socket.lock.at(s));
  if (grows) wakeConnecting(f);
  return 0;
}

/** One attempt of `client`, of process `pid`, to connect. @returns 0, WAIT while the backlog is full, or -errno */
export function connectTo(client: FilePtr, listener: FilePtr, pid: number): number {
  const l = socketOf(listener);
  const promised = promisePlace(l);
  if (promised < 0) return promised;
  const s = socketOf(client);
  const r = becomeConnected(s, promised, pid);
  if (r !== 0) {
    takePromiseBack(l, listener);
    return r;
  }
  inheritName(s, l);
  // What is accepted is told of its senders if the listener is, from the first message on.
  if (wantsCredentials(l, 0)) Socket.passesCredentials.storeAt(s, 1, 1);
  if (putPending(l, s)) sourceChangedForOne(listener, DATA_KEYS);
  else dropQueued(dropEmbryo(s));
  return 0;
}

/** @returns the pid of who listens; WAIT or -ECONNREFUSED */
function promisePlace(l: SocketPtr): number {
  lock(Socket.lock.at(l));
  let r = Socket.peerPid.getAt(l, 0);
  if (!acceptsLocked(l)) r = -ECONNREFUSED;
  else if (Socket.promised.get(l) > Socket.backlog.get(l)) r = WAIT;
  else Socket.promised.set(l, Socket.promised.get(l) + 1);
  unlock(Socket.lock.at(l));
  return r;
}

function takePromiseBack(l: SocketPtr, listener: FilePtr): void {
  lock(Socket.lock.at(l));
  Socket.promised.set(l, Socket.promised.get(l) - 1);
  unlock(Socket.lock.at(l));
  wakeConnecting(listener);
}

function becomeConnected(s: SocketPtr, listenerPid: number, pid: number): number {
  lock(Socket.lock.at(s));
  const state = Socket.state.get(s);
  if (state === SOCKET_UNCONNECTED) {
    Socket.state.set(s, SOCKET_CONNECTED);
    Socket.holders.add(s, 1);
    Socket.peerPid.setAt(s, 0, listenerPid);
    Socket.peerPid.setAt(s, 1, pid);
    publishSocketLocked(s, 0);
  }
  unlock(Socket.lock.at(s));
  if (state === SOCKET_UNCONNECTED) return 0;
  return state === SOCKET_CONNECTED ? -EISCONN : -EINVAL;
}

/** @returns false if the listener is gone */
function putPending(l: SocketPtr, s: SocketPtr): boolean {
  lock(Socket.lock.at(l));
  const listens = Socket.state.get(l) === SOCKET_LISTENING;
  if (listens) {
    listAppend(Socket.pending.at(l), Socket.pendingNode.at(s));
    publishSocketLocked(l, 0);
  }
  unlock(Socket.lock.at(l));
  return listens;
}

/** @returns the connection that waited longest, out of the list, or 0 */
function takePending(listener: FilePtr): SocketPtr {
  const l = socketOf(listener);
  lock(Socket.lock.at(l));
  const wasFull = Socket.promised.get(l) > Socket.backlog.get(l);
  const node = listTakeFirst(Socket.pending.at(l));
  if (node !== 0) {
    Socket.promised.set(l, Socket.promised.get(l) - 1);
    publishSocketLocked(l, 0);
  }
  unlock(Socket.lock.at(l));
  if (node === 0) return NULL;
  if (wasFull) wakeConnecting(listener);
  return Socket.pendingNode.outer(node);
}

/**
 * One attempt to accept. A listener that will receive nothing more says so only to those who would wait.
 * @returns 0 if a connection is there, WAIT or -errno
 */
export function mayAccept(listener: FilePtr, nonblocking: number): number {
  const l = socketOf(listener);
  lock(Socket.lock.at(l));
  const state = Socket.state.get(l);
  const waiting = List.count.get(Socket.pending.at(l));
  const shut = Socket.shut.getAt(l, 0);
  unlock(Socket.lock.at(l));
  if (state !== SOCKET_LISTENING) return -EINVAL;
  if (waiting > 0) return 0;
  if (nonblocking === 1) return -EAGAIN;
  return (shut & RECEIVE_SHUT) !== 0 ? -EINVAL : WAIT;
}

/** Takes a connection that `mayAccept` saw. @returns its file, 0 if another was faster, or -ENFILE */
export function acceptFrom(listener: FilePtr, flags: number): number {
  const f = newFile(KIND_SOCKET, O_RDWR | flags);
  if (f === 0) return -ENFILE;
  const s = takePending(listener);
  if (s === 0) {
    freeRecord(Machine.files.at(MACHINE), f);
    return 0;
  }
  giveFile(s, f);
  return f;
}

/** A listener is closed and takes no more: whoever still waits in its backlog is reset, whoever wants to get in is refused. */
export function closeListener(f: FilePtr): void {
  for (;;) {
    const s = takePending(f);
    if (s === 0) break;
    dropQueued(dropEmbryo(s));
  }
  wakeConnecting(f);
}
