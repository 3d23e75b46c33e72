/**
 * Birth and death of the records that the ends of sockets share (socket-struct.ts).
 */
import { CLASS_FILE } from '../../shared-mem/locks/classes.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { allocRecord, freeRecord } from '../../shared-mem/slab.ts';
import { O_RDWR } from '../abi/flags-file.ts';
import { sourceChanged } from '../epoll/source.ts';
import { initClassLock, lock, unlock } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { FilePtr } from './file.ts';
import { Changes, KIND_SOCKET } from './file.ts';
import { newFile } from './lifetime.ts';
import { SEND_BUFFER } from './socket-charge.ts';
import type { ControlPtr } from './control-data.ts';
import { detachControl } from './socket-message.ts';
import { dropNames } from './socket-names.ts';
import { loseEndLocked, publishSocketLocked } from './socket-readiness.ts';
import type { SocketPtr } from './socket-struct.ts';
import { becomeEnd, endOf, Socket, SOCKET_CONNECTED, socketOf } from './socket-struct.ts';

/** @param type SOCK_* @returns an unconnected socket, or 0 when files or sockets are exhausted */
export function createSocket(type: number, flags: number): FilePtr {
  const s = allocRecord(Machine.sockets.at(MACHINE)) as SocketPtr;
  if (s === 0) return NULL;
  const f = newFile(KIND_SOCKET, O_RDWR | flags);
  if (f === 0) {
    freeRecord(Machine.sockets.at(MACHINE), s);
    return NULL;
  }
  initClassLock(Socket.lock.at(s), CLASS_FILE, 0);
  Socket.type.set(s, type);
  Changes.count.store(Socket.changes.at(s), 1);
  becomeEnd(f, s, 0);
  lock(Socket.lock.at(s));
  Socket.holders.store(s, 1);
  for (let end = 0; end < 2; end++) {
    Socket.sendBuffer.setAt(s, end, SEND_BUFFER);
    Socket.receiveBuffer.setAt(s, end, SEND_BUFFER);
  }
  Socket.file.setAt(s, 0, f);
  publishSocketLocked(s, 0);
  unlock(Socket.lock.at(s));
  return f;
}

/** @returns one end of a connected pair (the other: `peerOf`), or 0 when files or sockets are exhausted */
export function createSocketPair(type: number, flags: number): FilePtr {
  const f = createSocket(type, flags);
  if (f === 0) return NULL;
  const g = newFile(KIND_SOCKET, O_RDWR | flags);
  const s = socketOf(f);
  if (g === 0) {
    freeRecord(Machine.files.at(MACHINE), f);
    freeRecord(Machine.sockets.at(MACHINE), s);
    return NULL;
  }
  lock(Socket.lock.at(s));
  Socket.state.set(s, SOCKET_CONNECTED);
  Socket.holders.store(s, 2);
  unlock(Socket.lock.at(s));
  giveFile(s, g);
  return f;
}

/** End 1 gets the file that its reader and writer will use. */
export function giveFile(s: SocketPtr, f: FilePtr): void {
  becomeEnd(f, s, 1);
  lock(Socket.lock.at(s));
  Socket.file.setAt(s, 1, f);
  publishSocketLocked(s, 0);
  publishSocketLocked(s, 1);
  unlock(Socket.lock.at(s));
}

/** Who made the pair of which `f` is one: SO_PEERCRED. */
export function notePeer(f: FilePtr, pid: number): void {
  const s = socketOf(f);
  lock(Socket.lock.at(s));
  Socket.peerPid.setAt(s, endOf(f), pid);
  unlock(Socket.lock.at(s));
}

/** The file at the other end of a socket, or 0. */
export function peerOf(f: FilePtr): FilePtr {
  const s = socketOf(f);
  lock(Socket.lock.at(s));
  const peer = Socket.file.getAt(s, 1 - endOf(f));
  unlock(Socket.lock.at(s));
  return peer;
}

/** Has it a peer, be it closed meanwhile? Of stream and seqpacket. */
export function isConnected(f: FilePtr): number {
  const s = socketOf(f);
  lock(Socket.lock.at(s));
  const connected = Socket.state.get(s) === SOCKET_CONNECTED ? 1 : 0;
  unlock(Socket.lock.at(s));
  return connected;
}

/**
 * A connection that nobody will accept any more: its client finds it reset (M3).
 * @returns the descriptors that were sent to it, for the caller to drop; they count as in flight
 */
export function dropEmbryo(s: SocketPtr): ControlPtr {
  lock(Socket.lock.at(s));
  const control = detachControl(s, 1);
  const client = loseEndLocked(s, 1, 1);
  unlock(Socket.lock.at(s));
  if (client !== 0) sourceChanged(client, 0);
  dropHolder(s);
  return control;
}

/** One fewer can reach the record; with the last one it goes. */
export function dropHolder(s: SocketPtr): void {
  if (Socket.holders.sub(s, 1) > 1) return;
  dropNames(s);
  freeRecord(Machine.sockets.at(MACHINE), s);
}
