// A second, tiny kernel's files: eventfd, pipe, unix socket pair, timerfd, as plain data with the rules of Linux for
// what they answer and when they are ready. It serves to foretell what a design answers where it differs, so it shares
// no code with the machine. Callers: model/world.ts and the model of a design.
// Promise: what a rule does not fix (the sizes at which a socket is full, say) is answered `undefined`, never guessed.

import { numberOf } from '../../programs/conform/constants.ts';

export const IN = numberOf('EPOLLIN');
export const OUT = numberOf('EPOLLOUT');
export const ERR = numberOf('EPOLLERR');
export const HUP = numberOf('EPOLLHUP');
export const RDHUP = numberOf('EPOLLRDHUP');
/** Linux sets these beside IN and OUT. */
export const RDNORM = numberOf('EPOLLRDNORM');
export const WRNORM = numberOf('EPOLLWRNORM');

export const EVENTFD_MAX = 2n ** 64n - 1n;
const PAGE_BYTES = 4096;
export const PIPE_SLOTS = 16;
/** Below this many unread bytes a socket is surely writable, whatever a kernel counts as overhead. */
const SOCKET_SURE_BYTES = 16_384;
const SOCKET_SURE_MESSAGES = 32;

export interface EventfdFile {
  kind: 'eventfd';
  count: bigint;
  semaphore: boolean;
}

/** What both ends of a pipe share. A slot is a page: where its unread bytes begin, and how many they are. */
export interface PipeState {
  slots: { offset: number; length: number }[];
  readerOpen: boolean;
  writerOpen: boolean;
}

export interface PipeEnd {
  kind: 'pipe';
  pipe: PipeState;
  writes: boolean;
}

export interface SocketSide {
  /** Lengths of what each send left to be read. */
  unread: number[];
  open: boolean;
  /** A datagram socket that found its peer gone. */
  deserted: boolean;
  shutRead: boolean;
  shutWrite: boolean;
  /** ECONNRESET or ECONNREFUSED to be told once. */
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

export interface TimerFile {
  kind: 'timerfd';
  /** When it expires first, or undefined while disarmed. The clock of the model moves in sleeps only. */
  dueNs: number | undefined;
  intervalNs: number;
  /** Its expiry was told. */
  told?: boolean;
}

export type SourceFile = EventfdFile | PipeEnd | SocketFile | TimerFile;

/** What a read or write moved, or an errno by name; undefined where the rules do not say. */
export type Moved = number | string | undefined;

export function readinessOf(file: SourceFile, nowNs: number): number | undefined {
  if (file.kind === 'eventfd') return (file.count > 0n ? IN : 0) | (file.count < EVENTFD_MAX - 1n ? OUT : 0);
  if (file.kind === 'timerfd') return file.dueNs !== undefined && file.dueNs <= nowNs ? IN : 0;
  if (file.kind === 'socket') return socketReadiness(file);
  const { slots, readerOpen, writerOpen } = file.pipe;
  if (file.writes) return (slots.length < PIPE_SLOTS ? OUT | WRNORM : 0) | (readerOpen ? 0 : ERR);
  return (slots.length > 0 ? IN | RDNORM : 0) | (writerOpen ? 0 : HUP);
}

function socketReadiness(file: SocketFile): number | undefined {
  const { own, peer, connected } = file;
  const pending = peer.unread.reduce((sum, length) => sum + length, 0);
  if (pending > SOCKET_SURE_BYTES || peer.unread.length > SOCKET_SURE_MESSAGES) return undefined;
  const readShut = own.shutRead || (connected && (!peer.open || peer.shutWrite));
  const writeShut = own.shutWrite || (connected && (!peer.open || peer.shutRead));
  let bits = OUT | WRNORM;
  if (own.unread.length > 0) bits |= IN | RDNORM;
  if (readShut) bits |= IN | RDNORM | RDHUP;
  if (readShut && writeShut) bits |= HUP;
  if (own.error !== undefined) bits |= ERR;
  return bits;
}

export function readEventfd(file: EventfdFile): bigint | undefined {
  if (file.count === 0n) return undefined;
  const value = file.semaphore ? 1n : file.count;
  file.count -= value;
  return value;
}

export function writeEventfd(file: EventfdFile, value: bigint): Moved {
  if (value === EVENTFD_MAX) return '-EINVAL';
  if (file.count + value > EVENTFD_MAX - 1n) return '-EAGAIN';
  file.count += value;
  return 8;
}

export function readPipe(pipe: PipeState, bytes: number): Moved {
  if (bytes === 0) return 0;
  if (pipe.slots.length === 0) return pipe.writerOpen ? '-EAGAIN' : 0;
  let moved = 0;
  while (moved < bytes && pipe.slots.length > 0) {
    const slot = pipe.slots[0]!;
    const taken = Math.min(slot.length, bytes - moved);
    slot.offset += taken;
    slot.length -= taken;
    moved += taken;
    if (slot.length === 0) pipe.slots.shift();
  }
  return moved;
}

/** K4 to K7: the odd bytes share the last page if they fit in it whole, the rest fills pages of its own. */
export function writePipe(pipe: PipeState, bytes: number): Moved {
  if (bytes === 0) return 0;
  if (!pipe.readerOpen) return '-EPIPE';
  let left = bytes;
  const odd = bytes % PAGE_BYTES;
  const last = pipe.slots.at(-1);
  if (odd > 0 && last !== undefined && last.offset + last.length + odd <= PAGE_BYTES) {
    last.length += odd;
    left -= odd;
  }
  while (left > 0 && pipe.slots.length < PIPE_SLOTS) {
    const length = Math.min(left, PAGE_BYTES);
    pipe.slots.push({ offset: 0, length });
    left -= length;
  }
  return left === bytes ? '-EAGAIN' : bytes - left;
}

export function readSocket(file: SocketFile, bytes: number): Moved {
  const { own, peer, connected, messages } = file;
  // A socket of messages tells its error before what is unread.
  if (messages && own.error !== undefined) return takeError(own);
  if (own.unread.length === 0) {
    if (own.error !== undefined) return takeError(own);
    const ended = connected && (own.shutRead || !peer.open || peer.shutWrite);
    return ended ? 0 : '-EAGAIN';
  }
  if (messages) return Math.min(own.unread.shift()!, bytes);
  let moved = 0;
  while (moved < bytes && own.unread.length > 0) {
    const taken = Math.min(own.unread[0]!, bytes - moved);
    own.unread[0]! -= taken;
    moved += taken;
    if (own.unread[0] === 0) own.unread.shift();
  }
  return moved;
}

export function writeSocket(file: SocketFile, bytes: number): Moved {
  const { own, peer, connected } = file;
  const pending = peer.unread.reduce((sum, length) => sum + length, 0);
  if (pending + bytes > SOCKET_SURE_BYTES) return undefined;
  if (connected) {
    const ended = own.shutWrite || !peer.open || peer.shutRead;
    // A stream looks at what is shut first, a socket of messages at its error.
    if (ended) return file.messages && own.error !== undefined ? takeError(own) : '-EPIPE';
  } else {
    if (own.error !== undefined) return takeError(own);
    if (own.shutWrite) return '-EPIPE';
    if (own.deserted) return '-ENOTCONN';
    if (!peer.open) {
      // It notices now, and forgets its peer and what that had sent.
      own.deserted = true;
      own.unread = [];
      return '-ECONNREFUSED';
    }
    if (peer.shutRead) return '-EPIPE';
  }
  if (bytes === 0) return file.messages ? undefined : 0;
  peer.unread.push(bytes);
  return bytes;
}

function takeError(side: SocketSide): string {
  const error = side.error ?? '-EPIPE';
  side.error = undefined;
  return error;
}

export function shutdownSocket(file: SocketFile, how: number): void {
  if (how === numberOf('SHUT_RD') || how === numberOf('SHUT_RDWR')) file.own.shutRead = true;
  if (how === numberOf('SHUT_WR') || how === numberOf('SHUT_RDWR')) file.own.shutWrite = true;
}

/** The last reference is gone: the other end notices. */
export function releaseSource(file: SourceFile): void {
  if (file.kind === 'pipe') {
    if (file.writes) file.pipe.writerOpen = false;
    else file.pipe.readerOpen = false;
  }
  if (file.kind === 'socket') {
    // A connection that dies with unread data resets its peer.
    if (file.connected && file.own.unread.length > 0) file.peer.error = '-ECONNRESET';
    file.own.open = false;
  }
}
