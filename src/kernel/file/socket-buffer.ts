/**
 * What is on its way to one end of a socket: segments, one for each send, in a chain of pages.
 *
 *     firstPage, firstOffset                         lastPage, lastOffset
 *       ▼                                              ▼
 *     [ head|bytes...|head|bytes ] ─▶ [ ...bytes|head|byt ... ] ─▶ 0
 *
 * A segment keeps its boundary although a stream ignores it, for the cost of a send is that of its segment, and it is
 * given back only when the segment's last byte was read (M5, M6); and a stream's reader stops where descriptors came
 * with the bytes. Heads lie on multiples of their size, so none is cut by the end of a page. An end that has nothing
 * unread holds no page.
 *
 * What was received beside the bytes is left in the frame: descriptors in `Frame.control`, the sender in
 * `Frame.credentials`. Whoever lets segments go otherwise takes their descriptors first (`detachControl` of
 * socket-message.ts), for files cannot be let go under a lock.
 *
 * Every function here runs under the socket's lock and uses its cursor. Linux: net/unix/af_unix.c, net/core/skbuff.c.
 */
import { CHECKS } from '../../shared-mem/boot-constants.ts';
import { assert } from '../../shared-mem/panic.ts';
import { setWordAt, wordAt } from '../../shared-mem/plain.ts';
import type { Address } from '../../shared-mem/pointer.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { EFAULT, ENOBUFS } from '../abi/errno.ts';
import { PAGE_SIZE } from '../abi/flags-file.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, HELD_CONTROL } from '../task/task.ts';
import type { ControlPtr } from './control-data.ts';
import { copyControl } from './control-data.ts';
import type { SocketPagePtr } from './socket-pages.ts';
import {
  copyAtCursor,
  cursorWord,
  freeChain,
  linkChain,
  moveCursor,
  newChain,
  setCursor,
  settleCursor,
} from './socket-pages.ts';
import type { SocketPtr } from './socket-struct.ts';
import { NOBODY, Socket } from './socket-struct.ts';

/** A segment's head: length, bytes read so far, what it cost, who sent it (0: the other end), descriptors, a pid. */
export const HEAD_BYTES = 32;
export const HEAD_LENGTH = 0;
export const HEAD_READ = 1;
export const HEAD_COST = 2;
export const HEAD_SENDER = 3;
export const HEAD_CONTROL = 4;
export const HEAD_PID = 5;
/** 1: an empty message that a look at an offset has seen, and need not see again. */
export const HEAD_SEEN = 6;

export function padded(length: number): number {
  return (length + HEAD_BYTES - 1) & ~(HEAD_BYTES - 1);
}

/**
 * Appends bytes `at .. at+length` of the frame's buffer as one segment for `end`; with the first goes `Frame.control`.
 * @param cost what the sender pays for it, @param sender the sender's record, where it is not the other end, @param pid
 * who sends, or UNKNOWN_SENDER
 * @returns length; -EFAULT or -ENOBUFS, and nothing is left behind
 */
export function appendSegment(
  s: SocketPtr,
  end: number,
  t: TaskPtr,
  fr: FramePtr,
  at: number,
  length: number,
  cost: number,
  sender: SocketPtr,
  pid: number,
): number {
  const before = Socket.lastPage.getAt(s, end) as SocketPagePtr;
  const room = before === 0 ? 0 : PAGE_SIZE - Socket.lastOffset.getAt(s, end);
  const needed = Math.max(0, Math.ceil((HEAD_BYTES + padded(length) - room) / PAGE_SIZE));
  const added = newChain(needed);
  if (needed > 0 && added === 0) return -ENOBUFS;
  if (before !== 0 && needed > 0) linkChain(before, added);
  if (before === 0) setCursor(s, added, 0);
  else setCursor(s, before, Socket.lastOffset.getAt(s, end));
  settleCursor(s);
  const firstPage = Socket.cursorPage.get(s);
  const firstOffset = Socket.cursorOffset.get(s);
  const head = cursorWord(s);
  moveCursor(s, HEAD_BYTES);
  if (copyAtCursor(s, t, fr, at, length, false) < length) {
    if (before !== 0) linkChain(before, NULL);
    freeChain(added, NULL);
    return -EFAULT;
  }
  moveCursor(s, padded(length) - length);
  setWordAt(head + HEAD_LENGTH, length);
  setWordAt(head + HEAD_READ, 0);
  setWordAt(head + HEAD_COST, cost);
  setWordAt(head + HEAD_SENDER, sender);
  setWordAt(head + HEAD_CONTROL, at === 0 ? giveControl(s, end, fr) : NULL);
  setWordAt(head + HEAD_PID, pid);
  setWordAt(head + HEAD_SEEN, 0);
  if (Socket.segments.getAt(s, end) === 0) {
    Socket.firstPage.setAt(s, end, firstPage);
    Socket.firstOffset.setAt(s, end, firstOffset);
  }
  Socket.lastPage.setAt(s, end, Socket.cursorPage.get(s));
  Socket.lastOffset.setAt(s, end, Socket.cursorOffset.get(s));
  Socket.segments.setAt(s, end, Socket.segments.getAt(s, end) + 1);
  Socket.bytes.setAt(s, end, Socket.bytes.getAt(s, end) + length);
  Socket.charged.setAt(s, end, Socket.charged.getAt(s, end) + cost);
  return length;
}

/** The frame's descriptors go into the queue. */
function giveControl(s: SocketPtr, end: number, fr: FramePtr): ControlPtr {
  const control = Frame.control.get(fr) as ControlPtr;
  if (control === 0) return NULL;
  Frame.control.set(fr, NULL);
  Frame.fileHeld.set(fr, Frame.fileHeld.get(fr) & ~HELD_CONTROL);
  Socket.controls.setAt(s, end, Socket.controls.getAt(s, end) + 1);
  return control;
}

/** The descriptors of the segment at `head` come to the frame; or, for a look, copies of them. */
export function takeControl(s: SocketPtr, end: number, fr: FramePtr, head: Address, peek: boolean): void {
  const control = wordAt(head + HEAD_CONTROL) as ControlPtr;
  if (control === 0) return;
  if (!peek) {
    setWordAt(head + HEAD_CONTROL, NULL);
    Socket.controls.setAt(s, end, Socket.controls.getAt(s, end) - 1);
  }
  Frame.control.set(fr, peek ? copyControl(control) : control);
}

/**
 * Takes up to `wanted` bytes of a stream for `end`, across segments, to the frame's buffer from `at` on. It ends with the
 * segment that carries descriptors, and before one of another sender where senders are told.
 * @param skip bytes to pass over first, for a look at an offset. @param peek true: they stay
 * @returns bytes, or -EFAULT if not even the first segment's could be copied
 */
export function takeSegments(
  s: SocketPtr,
  end: number,
  t: TaskPtr,
  fr: FramePtr,
  at: number,
  wanted: number,
  peek: boolean,
  skip: number,
): number {
  const told = Socket.passesCredentials.peekAt(s, end) === 1;
  let done = 0;
  let passed = skip;
  let left = Socket.segments.getAt(s, end);
  setCursor(s, Socket.firstPage.getAt(s, end), Socket.firstOffset.getAt(s, end));
  while (left > 0) {
    settleCursor(s);
    const head = cursorWord(s);
    const length = wordAt(head + HEAD_LENGTH);
    const read = wordAt(head + HEAD_READ) + passed;
    if (read >= length) {
      passed = read - length;
      left--;
      moveCursor(s, HEAD_BYTES + padded(length));
      continue;
    }
    if (told && isOfAnotherSender(fr, wordAt(head + HEAD_PID))) break;
    const chunk = Math.min(length - read, wanted - done);
    moveCursor(s, HEAD_BYTES + read);
    if (copyAtCursor(s, t, fr, at + done, chunk, true) < chunk) return done > 0 ? done : -EFAULT;
    Frame.credentials.set(fr, wordAt(head + HEAD_PID));
    done += chunk;
    takeControl(s, end, fr, head, peek);
    if (!peek) {
      setWordAt(head + HEAD_READ, read + chunk);
      Socket.bytes.setAt(s, end, Socket.bytes.getAt(s, end) - chunk);
      if (read + chunk < length) break;
    }
    passed = 0;
    left--;
    moveCursor(s, padded(length) - read - chunk);
    if (!peek) dropFirstSegment(s, end, wordAt(head + HEAD_COST));
    if (Frame.control.get(fr) !== 0) break;
    // A look goes on, in vain but for the descriptors it may meet: so does Linux's.
    if (done === wanted && (!peek || Socket.controls.getAt(s, end) === 0)) break;
  }
  return done;
}

function isOfAnotherSender(fr: FramePtr, pid: number): boolean {
  const before = Frame.credentials.get(fr);
  return before !== NOBODY && before !== pid;
}

/** The first segment was read to its end, at which the cursor stands. */
export function dropFirstSegment(s: SocketPtr, end: number, cost: number): void {
  const left = Socket.segments.getAt(s, end) - 1;
  if (left === 0) {
    dropSegments(s, end);
    return;
  }
  const page = Socket.cursorPage.get(s);
  freeChain(Socket.firstPage.getAt(s, end), page);
  Socket.firstPage.setAt(s, end, page);
  Socket.firstOffset.setAt(s, end, Socket.cursorOffset.get(s));
  Socket.segments.setAt(s, end, left);
  Socket.charged.setAt(s, end, Socket.charged.getAt(s, end) - cost);
}

/** Throws everything away that is on its way to `end`; descriptors were taken. */
export function dropSegments(s: SocketPtr, end: number): void {
  if (CHECKS) assert(Socket.controls.getAt(s, end) === 0, 'a queue is dropped with its descriptors');
  freeChain(Socket.firstPage.getAt(s, end), NULL);
  Socket.firstPage.setAt(s, end, 0);
  Socket.firstOffset.setAt(s, end, 0);
  Socket.lastPage.setAt(s, end, 0);
  Socket.lastOffset.setAt(s, end, 0);
  Socket.segments.setAt(s, end, 0);
  Socket.bytes.setAt(s, end, 0);
  Socket.charged.setAt(s, end, 0);
}
