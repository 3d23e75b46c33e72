/**
 * What is sent costs the sender's buffer, as Linux 6.18 counts it (SIOCOUTQ). The figures depend on a kernel's version;
 * what guests may rely on is the shape: small sends cost far more than their bytes, and a socket is writable while not
 * more than a quarter of its buffer is in use (M6).
 *
 * Linux: net/core/sock.c, sock_alloc_send_pskb; net/core/skbuff.c.
 */
import { PAGE_SIZE } from '../abi/flags-file.ts';
import { SOCK_DGRAM } from '../abi/flags-socket.ts';
import type { SocketPtr } from './socket-struct.ts';
import { Socket } from './socket-struct.ts';

/** The buffers of a socket as Linux has them by default. */
export const SEND_BUFFER = 212_992;
/** A longer send of a stream becomes several segments. */
const SEGMENT_MAX = 36_544;
/** What a segment costs beyond its bytes: Linux's sk_buff, and the shared info behind the first bytes. */
const BUFFER_RECORD = 256;
const SHARED_INFO = 320;
/** Bytes of a stream's segment that lie in one block; what is beyond them lies in pages. */
const LINEAR_MAX = PAGE_SIZE - SHARED_INFO;
/** The same of a message, and how much of it may lie in pages at all. */
const MESSAGE_LINEAR_MAX: number = 4 * PAGE_SIZE - SHARED_INFO;
const MESSAGE_PAGES_MAX: number = 17 * PAGE_SIZE;

/** @param paged bytes that lie in whole pages; the rest lies in a block of the allocator, a power of two */
function cost(length: number, paged: number): number {
  const linear = Math.max(0, length - paged);
  let block = 512;
  while (block < linear + SHARED_INFO) block *= 2;
  return BUFFER_RECORD + block + paged;
}

function wholePages(length: number): number {
  return Math.ceil(Math.max(0, length) / PAGE_SIZE) * PAGE_SIZE;
}

/** What a segment of a stream costs. */
export function chargeOf(length: number): number {
  return cost(length, wholePages(length - LINEAR_MAX));
}

/** What a message of a datagram or seqpacket socket costs. */
export function messageChargeOf(length: number): number {
  return cost(length, Math.min(wholePages(length - MESSAGE_LINEAR_MAX), MESSAGE_PAGES_MAX));
}

/** A longer message is EMSGSIZE. */
export function messageMax(s: SocketPtr, end: number): number {
  return Socket.sendBuffer.getAt(s, end) - 32;
}

/** A stream keeps two segments on their way. */
export function segmentMax(s: SocketPtr, end: number): number {
  return Math.min((Socket.sendBuffer.getAt(s, end) >> 1) - 64, SEGMENT_MAX);
}

/** What an end has sent that was not read. */
export function unreadCost(s: SocketPtr, end: number): number {
  return Socket.type.get(s) === SOCK_DGRAM ? Socket.sent.get(s) : Socket.charged.getAt(s, 1 - end);
}

/** May the sender to end `end` send without waiting, as poll sees it? */
export function hasRoom(s: SocketPtr, end: number): boolean {
  return unreadCost(s, 1 - end) * 4 <= Socket.sendBuffer.getAt(s, 1 - end);
}
