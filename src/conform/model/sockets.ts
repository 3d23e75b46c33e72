// The model's unix socket pairs, as plain data: what a send costs, what a receive gives back, when an end is ready, and
// whom a change is told to. Callers: files.ts, transfer-calls.ts, calls.ts.
// Promise: it shares no code with the machine. The costs of messages are those of Linux 6.18 (M6 leaves them to the
// kernel's version): a design's readiness hangs on them, so they are kept here once more.

import { numberOf } from '../../programs/conform/constants.ts';
import { ERR, HUP, IN, type Moved, OUT, RDHUP, RDNORM, type Tell, type Told } from './told.ts';

const ROOM = OUT | numberOf('EPOLLWRNORM|EPOLLWRBAND');
const DATA = IN | RDNORM | numberOf('EPOLLPRI|EPOLLRDBAND');

const SEND_BUFFER = 212_992;
const PAGE_BYTES = 4096;
/** A record for each send, and what stands behind the bytes of its block. */
const RECORD_BYTES = 256;
const BLOCK_TAIL_BYTES = 320;
const SEGMENT_MAX = 36_544;
const MESSAGE_MAX = SEND_BUFFER - 32;

interface Unread {
  length: number;
  /** How much of it was read already, of a stream. */
  read: number;
  cost: number;
}

export interface SocketSide {
  /** What each send left to be read here. */
  unread: Unread[];
  open: boolean;
  /** A datagram socket that found its peer gone. */
  deserted: boolean;
  shutRead: boolean;
  shutWrite: boolean;
  /** ECONNRESET, to be told once. */
  error: string | undefined;
}

export interface SocketFile {
  kind: 'socket';
  /** Stream and seqpacket: an end of the peer is an end. A datagram socket hardly notices its peer. */
  connected: boolean;
  /** Datagram and seqpacket: one read takes one message, and drops what did not fit. */
  messages: boolean;
  own: SocketSide;
  peer: SocketSide;
}

export function newSide(): SocketSide {
  return { unread: [], open: true, deserted: false, shutRead: false, shutWrite: false, error: undefined };
}

function costOf(file: SocketFile, length: number): number {
  const linear = (file.messages ? 4 : 1) * PAGE_BYTES - BLOCK_TAIL_BYTES;
  const pages = Math.ceil(Math.max(0, length - linear) / PAGE_BYTES);
  const paged = (file.messages ? Math.min(17, pages) : pages) * PAGE_BYTES;
  let block = 512;
  while (block < Math.max(0, length - paged) + BLOCK_TAIL_BYTES) block *= 2;
  return RECORD_BYTES + block + paged;
}

/** What this end has sent that was not read. Who found its peer gone has nothing on its way. */
function unreadCost(file: SocketFile): number {
  return file.own.deserted ? 0 : file.peer.unread.reduce((sum, { cost }) => sum + cost, 0);
}

function hasRoom(file: SocketFile): boolean {
  return unreadCost(file) * 4 <= SEND_BUFFER;
}

export function socketReadiness(file: SocketFile): number {
  const { own } = file;
  let bits = hasRoom(file) ? ROOM : 0;
  if (own.unread.length > 0) bits |= IN | RDNORM;
  if (own.shutRead) bits |= IN | RDNORM | RDHUP;
  if (own.shutRead && own.shutWrite) bits |= HUP;
  if (own.error !== undefined) bits |= ERR;
  return bits;
}

/** The same pair, seen from the other end. */
function seenFrom(file: SocketFile): SocketFile {
  return { ...file, own: file.peer, peer: file.own };
}

function roomTold(file: SocketFile): Told {
  return { to: 'other', keys: ROOM, kind: hasRoom(seenFrom(file)) ? 'changed' : 'moved' };
}

/** @param peek what is received stays there */
export function receive(file: SocketFile, bytes: number, peek: boolean, tell: Tell): Moved {
  const { own, connected, messages } = file;
  // A socket of messages tells its error before what is unread.
  if (messages && own.error !== undefined) return takeError(own);
  if (own.unread.length === 0) {
    if (own.error !== undefined) return takeError(own);
    return connected && own.shutRead ? 0 : '-EAGAIN';
  }
  if (messages) return receiveMessage(file, bytes, peek, tell);
  const before = own.unread.length;
  let moved = 0;
  for (let at = 0; moved < bytes && at < own.unread.length; ) {
    const segment = own.unread[at]!;
    const taken = Math.min(segment.length - segment.read, bytes - moved);
    moved += taken;
    if (!peek) segment.read += taken;
    if (segment.read === segment.length) own.unread.shift();
    else at += 1;
  }
  if (!peek && moved > 0)
    tell(own.unread.length < before ? roomTold(file) : { to: 'other', keys: ROOM, kind: 'moved' });
  return moved;
}

function receiveMessage(file: SocketFile, bytes: number, peek: boolean, tell: Tell): number {
  const { own, connected } = file;
  const moved = Math.min(own.unread[0]!.length, bytes);
  if (peek) return moved;
  own.unread.shift();
  tell(roomTold(file));
  if (!connected) tell({ to: 'own', keys: ROOM, kind: 'moved' });
  return moved;
}

export function send(file: SocketFile, bytes: number, tell: Tell): Moved {
  const { own } = file;
  if (!file.messages) return sendStream(file, bytes, tell);
  if (file.connected && own.error !== undefined) return takeError(own);
  if (bytes > MESSAGE_MAX) return '-EMSGSIZE';
  if (own.error !== undefined) return takeError(own);
  if (own.shutWrite) return '-EPIPE';
  if (unreadCost(file) >= SEND_BUFFER) return '-EAGAIN';
  return file.connected ? deliver(file, bytes, tell) : sendDatagram(file, bytes, tell);
}

function deliver(file: SocketFile, bytes: number, tell: Tell): number {
  file.peer.unread.push({ length: bytes, read: 0, cost: costOf(file, bytes) });
  tell({ to: 'other', keys: DATA, kind: 'changed' });
  return bytes;
}

function sendStream(file: SocketFile, bytes: number, tell: Tell): Moved {
  const { own, peer } = file;
  if (own.shutWrite) return '-EPIPE';
  let moved = 0;
  while (moved < bytes) {
    if (own.error !== undefined) {
      const error = takeError(own);
      return moved > 0 ? moved : error;
    }
    if (unreadCost(file) >= SEND_BUFFER) break;
    const length = Math.min(bytes - moved, SEGMENT_MAX);
    peer.unread.push({ length, read: 0, cost: costOf(file, length) });
    moved += length;
  }
  if (moved > 0) tell({ to: 'other', keys: DATA, kind: 'changed' });
  return moved > 0 || bytes === 0 ? moved : '-EAGAIN';
}

/** A message that was paid for and not delivered is given back, and the sender told of the room. */
function sendDatagram(file: SocketFile, bytes: number, tell: Tell): Moved {
  const { own, peer } = file;
  const room: Told = { to: 'own', keys: ROOM, kind: 'changed' };
  if (own.deserted) return '-ENOTCONN';
  if (!peer.open) {
    // It notices now, and forgets its peer and what that had sent.
    own.deserted = true;
    own.unread = [];
    tell(room);
    tell(room);
    return '-ECONNREFUSED';
  }
  if (peer.shutRead) {
    tell(room);
    return '-EPIPE';
  }
  deliver(file, bytes, tell);
  tell({ to: 'own', keys: DATA, kind: 'moved' });
  return bytes;
}

function takeError(side: SocketSide): string {
  const error = side.error ?? '-EPIPE';
  side.error = undefined;
  return error;
}

export function shutdownSocket(file: SocketFile, how: number, tell: Tell): void {
  const { own, peer } = file;
  const [read, write] = [how !== numberOf('SHUT_WR'), how !== numberOf('SHUT_RD')];
  own.shutRead ||= read;
  own.shutWrite ||= write;
  tell({ to: 'own', keys: 0, kind: 'changed' });
  if (!file.connected) return;
  peer.shutWrite ||= read;
  peer.shutRead ||= write;
  tell({ to: 'other', keys: 0, kind: 'changed' });
}

/** The last reference is gone: the other end notices, if it is a connection; its messages are given back in any case. */
export function closeSocket(file: SocketFile, tell: Tell): void {
  const { own, peer } = file;
  own.open = false;
  own.shutRead = true;
  own.shutWrite = true;
  if (!file.connected) {
    while (own.unread.length > 0) {
      own.unread.shift();
      tell(roomTold(file));
    }
    tell({ to: 'other', keys: 0, kind: 'moved' });
    return;
  }
  // One empty message alone does not count.
  if (own.unread.length > 1 || (own.unread[0]?.length ?? 0) > 0) peer.error = '-ECONNRESET';
  own.unread = [];
  peer.shutRead = true;
  peer.shutWrite = true;
  tell({ to: 'other', keys: 0, kind: 'changed' });
}
