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
import { CLASS_FLIGHT } from '../../shared-mem/locks/classes.ts';
import { SpinLock } from '../../shared-mem/locks/spin-lock.ts';
import { assert } from '../../shared-mem/panic.ts';
import type { Address, Ptr } from '../../shared-mem/pointer.ts';
import { RecordHeader } from '../../shared-mem/slab.ts';
import { atomic, atomics, cacheLine, embed, f64s, plain, plains, struct } from '../../shared-mem/struct.ts';
import type { FilePtr } from './file.ts';
import { bodyOf, Changes, File, UNDER_FILE_LOCK } from './file.ts';

/** Options that are any int, by place in `values`; each is kept as its distance from the value at birth. */
export const VALUE_PRIORITY = 0;
export const VALUE_LINGER = 1;
export const VALUE_RECEIVE_LOW = 2;
export const VALUE_PEEK_OFFSET = 3;
export const VALUE_BUSY_POLL = 4;
export const VALUE_INCOMING_CPU = 5;
const VALUES = 6;
const VALUES_AT_BIRTH: readonly number[] = [0, 0, 1, -1, 0, -1];

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
  /** Options that are on or off: a bit for each of socket-options.ts's switches. */
  options: plains(2, 'lock'),
  /** Options that are ints: VALUE_* of end 0, then of end 1. */
  values: plains(2 * VALUES, 'lock'),
  /** SO_PASSCRED, looked at with every send; written under the lock. */
  passesCredentials: atomics(2),
  /** SO_RCVTIMEO and SO_SNDTIMEO, us; 0: wait for as long as it takes; NO_WAIT: not at all. */
  receiveTimeoutUs: f64s(2, 'lock'),
  sendTimeoutUs: f64s(2, 'lock'),
  /** SO_PEERCRED: the process that made or connected the other end, or listened; 0: nobody did. */
  peerPid: plains(2, 'lock'),
  /** Unread segments, how many of them carry descriptors, their unread bytes, and what they cost the sender's buffer. */
  segments: plains(2, 'lock'),
  controls: plains(2, 'lock'),
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

/** A timeout that a negative number of seconds sets. */
export const NO_WAIT = -1;

/** Besides a pid, what a message may say of its sender: nothing was received, or its sender was not noted. */
export const NOBODY = -1;
export const UNKNOWN_SENDER = 0;

const UNDER_FLIGHT_LOCK = `class:${CLASS_FLIGHT}:in flight`;

/** What a file of kind socket is: one end of a record. The rest is noted while it is in flight itself (in-flight.ts). */
export const SocketEnd = struct('SocketEnd', {
  socket: plain<SocketPtr>('immutable'),
  end: plain('immutable'),
  /** References to the file that lie in messages. Written under the lock of what is in flight. */
  inFlight: atomic(),
  /** In Machine.flyingSockets while there are any. */
  flightNode: embed(ListNode),
  /** The collector's notes: FLIGHT_*, and references that it has not found yet in the queues of suspects. */
  verdict: plain(UNDER_FLIGHT_LOCK),
  unfound: plain(UNDER_FLIGHT_LOCK),
});
export type SocketEndPtr = Ptr<'SocketEnd'>;

const BODY_WORDS = 20;
assert(SocketEnd.size <= BODY_WORDS, 'an end of a socket fits the body of a file');

export function valueLocked(s: SocketPtr, end: number, value: number): number {
  return (Socket.values.getAt(s, end * VALUES + value) + VALUES_AT_BIRTH[value]!) | 0;
}
export function setValueLocked(s: SocketPtr, end: number, value: number, to: number): void {
  Socket.values.setAt(s, end * VALUES + value, (to - VALUES_AT_BIRTH[value]!) | 0);
}

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
