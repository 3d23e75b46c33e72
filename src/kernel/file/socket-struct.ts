/**
 * The record that the two ends of a unix socket share.
 *
 * It is born with socket(), when there is only end 0. A connect adds end 1 to the client's own record, as an embryo
 * that stands in the listener's list until accept gives it a file; socketpair makes both ends at once. So a socket has
 * one lock all its life, connected or not, and the two ends of a connection have the same.
 *
 *     client ──▶ [ Socket: end 0 | end 1 ] ◀── accepted         listener ──▶ [ Socket: end 0 | pending ─▶ ... ]
 *
 * Locks of class file never nest. Connecting touches two records, the client's and the listener's, and takes their
 * locks one after the other (socket-connect.ts); everything else needs one.
 *
 * A datagram socket is alone in its record, at end 0: many may send to one, and whom it is connected to may change. Its
 * record outlives its file while another is connected to it, or while one of its messages is unread.
 *
 * The record goes when `holders` says that no file, embryo, connection or message is left.
 */
import { List, ListNode } from '../../shared-mem/list.ts';
import { SpinLock } from '../../shared-mem/locks/spin-lock.ts';
import type { Address, Ptr } from '../../shared-mem/pointer.ts';
import { RecordHeader } from '../../shared-mem/slab.ts';
import { atomic, cacheLine, embed, plain, plains, struct } from '../../shared-mem/struct.ts';
import type { FilePtr } from './file.ts';
import { bodyOf, Changes, File, UNDER_FILE_LOCK } from './file.ts';

/** Pairs of fields are indexed by end; what is on its way lies in the fields of the end that will read it. */
export const Socket = struct('Socket', {
  header: embed(RecordHeader),
  line: cacheLine(),
  lock: embed(SpinLock),
  /** Of both ends together: what one does is a change for the other, and for itself. */
  changes: embed(Changes),
  /** SOCK_* */
  type: plain('immutable'),
  /** SOCKET_* below. */
  state: plain('lock'),
  /** Ends whose file is not reclaimed, or that are embryos; of datagrams also who is connected to it, and its messages. */
  holders: atomic(),
  /** The ends' files; 0: not there yet, or closed. */
  file: plains<FilePtr>(2, 'lock'),
  /** RECEIVE_SHUT | SEND_SHUT */
  shut: plains(2, 'lock'),
  /** The errno that the end's next call answers, once. */
  error: plains(2, 'lock'),
  /** What SO_SNDBUF and SO_RCVBUF answer; only the first has an effect. */
  sendBuffer: plains(2, 'lock'),
  receiveBuffer: plains(2, 'lock'),
  /** Options that are on or off: bit SO_*. */
  options: plains(2, 'lock'),
  /** Unread segments, their unread bytes, and what they cost the sender's buffer. */
  segments: plains(2, 'lock'),
  bytes: plains(2, 'lock'),
  charged: plains(2, 'lock'),
  /** Where the first segment begins, and where the next one will; page 0: nothing is on its way. */
  firstPage: plains<Address>(2, 'lock'),
  firstOffset: plains(2, 'lock'),
  lastPage: plains<Address>(2, 'lock'),
  lastOffset: plains(2, 'lock'),
  /** The place in the pages at which the function that now holds the lock works. */
  cursorPage: plain<Address>('lock'),
  cursorOffset: plain('lock'),
  /** Listening: connections may wait while there are not more of them than this. */
  backlog: plain('lock'),
  /** Connections in `pending`, and those about to be put there. */
  promised: plain('lock'),
  /** Sockets whose end 1 is an embryo of this listener. */
  pending: embed(List),
  /** Guarded by the lock of the listener in whose list it is. */
  pendingNode: embed(ListNode),
  /** Datagrams: the record it is connected to, held; 0 for none. Written under the lock. */
  peer: atomic<Ptr<'Socket'>>(),
  /** Datagrams: what its unread messages cost, wherever they wait. */
  sent: plain('lock'),
  /** Datagrams: 1 while so many messages wait that only a peer's may come. Written under the lock. */
  full: atomic(),
  /** Datagrams connected to this one that were seen waiting while it was full; each is held. */
  waiters: embed(List),
  /** Guarded by the lock of the record in whose list it is: that of `waitsFor`. */
  waiterNode: embed(ListNode),
  waitsFor: atomic<Ptr<'Socket'>>(),
  /** Place in the table of names plus one, 0 for none; guarded by the table's lock. */
  name: plains(2, UNDER_FILE_LOCK),
});
export type SocketPtr = Ptr<'Socket'>;

export const SOCKET_UNCONNECTED = 0;
export const SOCKET_LISTENING = 1;
export const SOCKET_CONNECTED = 2;
/** Closed before it was connected: a connect, as client or as listener, that found it just before must leave it alone. */
export const SOCKET_CLOSED = 3;

export const RECEIVE_SHUT = 1;
export const SEND_SHUT = 2;
export const BOTH_SHUT = 3;

/** What a file of kind socket is: one end of a record. */
export const SocketEnd = struct('SocketEnd', {
  socket: plain<SocketPtr>('immutable'),
  end: plain('immutable'),
});
type SocketEndPtr = Ptr<'SocketEnd'>;

export function socketOf(f: FilePtr): SocketPtr {
  return SocketEnd.socket.get(bodyOf(f) as SocketEndPtr);
}
export function endOf(f: FilePtr): number {
  return SocketEnd.end.get(bodyOf(f) as SocketEndPtr);
}
/** Makes a file just born one end of a socket. */
export function becomeEnd(f: FilePtr, s: SocketPtr, end: number): void {
  SocketEnd.socket.set(bodyOf(f) as SocketEndPtr, s);
  SocketEnd.end.set(bodyOf(f) as SocketEndPtr, end);
  File.changes.set(f, Socket.changes.at(s));
}
