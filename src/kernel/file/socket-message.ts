/**
 * The segments of a queue one by one, as datagram and seqpacket sockets see them: each is a message, and is taken whole or
 * thrown away. And the descriptors of a whole queue, for one that is about to go, and for the collector.
 *
 * Every function here runs under the socket's lock and uses its cursor. Linux: net/core/datagram.c.
 */
import { CHECKS } from '../../shared-mem/boot-constants.ts';
import { assert } from '../../shared-mem/panic.ts';
import { setWordAt, wordAt } from '../../shared-mem/plain.ts';
import type { Address } from '../../shared-mem/pointer.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { EFAULT } from '../abi/errno.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame } from '../task/task.ts';
import type { ControlPtr } from './control-data.ts';
import { joinControl } from './control-data.ts';
import {
  dropFirstSegment,
  HEAD_BYTES,
  HEAD_CONTROL,
  HEAD_COST,
  HEAD_LENGTH,
  HEAD_PID,
  HEAD_SEEN,
  HEAD_SENDER,
  padded,
  takeControl,
} from './socket-buffer.ts';
import { copyAtCursor, cursorWord, moveCursor, setCursor, settleCursor } from './socket-pages.ts';
import type { SocketPtr } from './socket-struct.ts';
import { Socket } from './socket-struct.ts';

/** Sets the cursor to the first segment. @returns the word of its head */
function firstHead(s: SocketPtr, end: number): Address {
  setCursor(s, Socket.firstPage.getAt(s, end), Socket.firstOffset.getAt(s, end));
  settleCursor(s);
  return cursorWord(s);
}

/** From a segment, at whose head the cursor stands, to the next; there must be one. */
function nextHead(s: SocketPtr, head: Address): Address {
  moveCursor(s, HEAD_BYTES + padded(wordAt(head + HEAD_LENGTH)));
  settleCursor(s);
  return cursorWord(s);
}

/** Bytes of the first message; there must be one. */
export function firstLength(s: SocketPtr, end: number): number {
  return wordAt(firstHead(s, end) + HEAD_LENGTH);
}
export function firstCost(s: SocketPtr, end: number): number {
  return wordAt(firstHead(s, end) + HEAD_COST);
}
export function firstSender(s: SocketPtr, end: number): SocketPtr {
  return wordAt(firstHead(s, end) + HEAD_SENDER) as SocketPtr;
}

/** Sets the cursor to the first message. @returns 0: no byte of it is passed over */
export function firstMessage(s: SocketPtr, end: number): number {
  firstHead(s, end);
  return 0;
}

/**
 * Sets the cursor to the message in which byte `offset` of all that is unread lies: what a look at an offset passes over
 * are whole messages. @returns bytes of it to pass over, or -1 where there is no such message
 */
export function seekMessage(s: SocketPtr, end: number, offset: number): number {
  let left = offset;
  let head = firstHead(s, end);
  for (let i = Socket.segments.getAt(s, end); i > 0; i--) {
    const length = wordAt(head + HEAD_LENGTH);
    if (left < length || (left === 0 && wordAt(head + HEAD_SEEN) === 0)) {
      if (length === 0) setWordAt(head + HEAD_SEEN, 1);
      return left;
    }
    left -= length;
    if (i === 1) break;
    head = nextHead(s, head);
  }
  return -1;
}

/** Bytes of the message at the cursor. */
export function messageLength(s: SocketPtr): number {
  return wordAt(cursorWord(s) + HEAD_LENGTH);
}
export function messageSender(s: SocketPtr): SocketPtr {
  return wordAt(cursorWord(s) + HEAD_SENDER) as SocketPtr;
}

/**
 * Copies bytes of the message at the cursor to the frame's buffer, `skip` bytes passed over, and what came beside them to
 * the frame. @param peek true: descriptors stay. @returns bytes, or -EFAULT
 */
export function copyMessage(
  s: SocketPtr,
  end: number,
  t: TaskPtr,
  fr: FramePtr,
  skip: number,
  wanted: number,
  peek: boolean,
): number {
  const head = cursorWord(s);
  const chunk = Math.min(wanted, wordAt(head + HEAD_LENGTH) - skip);
  moveCursor(s, HEAD_BYTES + skip);
  const copied = copyAtCursor(s, t, fr, 0, chunk, true);
  Frame.credentials.set(fr, wordAt(head + HEAD_PID));
  if (copied === chunk || !peek) takeControl(s, end, fr, head, peek);
  return copied < chunk ? -EFAULT : chunk;
}

/** Throws the first message away, whether or not it was copied; its descriptors were taken. */
export function dropMessage(s: SocketPtr, end: number): void {
  const head = firstHead(s, end);
  const length = wordAt(head + HEAD_LENGTH);
  if (CHECKS) assert(wordAt(head + HEAD_CONTROL) === 0, 'a message is dropped with its descriptors');
  moveCursor(s, HEAD_BYTES + padded(length));
  Socket.bytes.setAt(s, end, Socket.bytes.getAt(s, end) - length);
  dropFirstSegment(s, end, wordAt(head + HEAD_COST));
}

/** Sets the cursor to the first segment from `head` on that carries descriptors; there must be one. @returns its head */
function controlFrom(s: SocketPtr, head: Address): Address {
  let at = head;
  while (wordAt(at + HEAD_CONTROL) === 0) at = nextHead(s, at);
  return at;
}

/** Walks along the segments that carry descriptors, `Socket.controls` of them. @returns the word of the first's head */
export function firstControl(s: SocketPtr, end: number): Address {
  return controlFrom(s, firstHead(s, end));
}
export function nextControl(s: SocketPtr, head: Address): Address {
  return controlFrom(s, nextHead(s, head));
}
export function controlOf(head: Address): ControlPtr {
  return wordAt(head + HEAD_CONTROL) as ControlPtr;
}

/** The descriptors of all that is on its way to `end`, in one chain, out of the queue; they still count as in flight. */
export function detachControl(s: SocketPtr, end: number): ControlPtr {
  let chain: ControlPtr = NULL;
  let left = Socket.controls.getAt(s, end);
  if (left === 0) return chain;
  let head = firstControl(s, end);
  for (;;) {
    chain = joinControl(controlOf(head), chain);
    setWordAt(head + HEAD_CONTROL, NULL);
    if (--left === 0) break;
    head = nextControl(s, head);
  }
  Socket.controls.setAt(s, end, 0);
  return chain;
}

/** The descriptors of the first message, out of the queue, or 0. */
export function detachFirst(s: SocketPtr, end: number): ControlPtr {
  const head = firstHead(s, end);
  const control = controlOf(head);
  if (control === 0) return NULL;
  setWordAt(head + HEAD_CONTROL, NULL);
  Socket.controls.setAt(s, end, Socket.controls.getAt(s, end) - 1);
  return control;
}
