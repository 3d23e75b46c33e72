/**
 * What is on its way to one end of a socket: segments, one for each send, in a chain of pages.
 *
 *     firstPage, firstOffset                         lastPage, lastOffset
 *       ▼                                              ▼
 *     [ head|bytes...|head|bytes ] ─▶ [ ...bytes|head|byt ... ] ─▶ 0
 *
 * A segment keeps its boundary although a stream ignores it, for the cost of a send is that of its segment, and it is
 * given back only when the segment's last byte was read (M5, M6). Heads lie on multiples of 16 bytes, so none is cut by
 * the end of a page. An end that has nothing unread holds no page.
 *
 * Every function here runs under the socket's lock and uses its cursor. Linux: net/unix/af_unix.c, net/core/skbuff.c.
 */
import { setWordAt, wordAt } from '../../shared-mem/plain.ts';
import type { Address, Ptr } from '../../shared-mem/pointer.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { RecordHeader } from '../../shared-mem/slab.ts';
import { embed, plain, struct } from '../../shared-mem/struct.ts';
import { EFAULT, ENOBUFS } from '../abi/errno.ts';
import { PAGE_SIZE } from '../abi/flags-file.ts';
import { copyIn, copyOut } from '../process/user-vector.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { UNDER_FILE_LOCK } from './file.ts';
import { freePage, newPage, pageBytes } from './pages.ts';
import type { SocketPtr } from './socket-struct.ts';
import { Socket } from './socket-struct.ts';

/** The link of a page in a chain, within the page's own head. */
const SocketPage = struct('SocketPage', {
  header: embed(RecordHeader),
  next: plain<SocketPagePtr>(UNDER_FILE_LOCK),
});
type SocketPagePtr = Ptr<'SocketPage'>;

/** A segment's head: length, bytes read so far, what it cost, and who sent it (0: the other end). */
const HEAD_BYTES = 16;
const HEAD_LENGTH = 0;
const HEAD_READ = 1;
const HEAD_COST = 2;
const HEAD_SENDER = 3;

function padded(length: number): number {
  return (length + HEAD_BYTES - 1) & ~(HEAD_BYTES - 1);
}

function setCursor(s: SocketPtr, page: Address, offset: number): void {
  Socket.cursorPage.set(s, page);
  Socket.cursorOffset.set(s, offset);
}

/** Steps over the end of a page. */
function settleCursor(s: SocketPtr): void {
  if (Socket.cursorOffset.get(s) < PAGE_SIZE) return;
  setCursor(s, SocketPage.next.get(Socket.cursorPage.get(s) as SocketPagePtr), 0);
}

/** Moves on; at the end of a page it stays there, for there may be no next one yet. */
function moveCursor(s: SocketPtr, bytes: number): void {
  let left = bytes;
  while (left > 0) {
    settleCursor(s);
    const step = Math.min(left, PAGE_SIZE - Socket.cursorOffset.get(s));
    Socket.cursorOffset.set(s, Socket.cursorOffset.get(s) + step);
    left -= step;
  }
}

/** The words at the cursor. */
function cursorWord(s: SocketPtr): Address {
  return (pageBytes(Socket.cursorPage.get(s)) + Socket.cursorOffset.get(s)) / 4;
}

/**
 * Copies between the frame's buffer and the pages, from the cursor on. @param at offset within the frame's buffer
 * @returns how many bytes were copied; less than `length` where the user's memory ends
 */
function copyAtCursor(s: SocketPtr, t: TaskPtr, fr: FramePtr, at: number, length: number, out: boolean): number {
  let done = 0;
  while (done < length) {
    settleCursor(s);
    const offset = Socket.cursorOffset.get(s);
    const bytes = pageBytes(Socket.cursorPage.get(s)) + offset;
    const chunk = Math.min(length - done, PAGE_SIZE - offset);
    const copied = out ? copyOut(t, fr, at + done, bytes, chunk) : copyIn(t, fr, at + done, bytes, chunk);
    done += copied;
    if (copied < chunk) return done;
    Socket.cursorOffset.set(s, offset + chunk);
  }
  return done;
}

/** @returns the first of `count` linked pages, or 0 when there are not so many */
function newChain(count: number): SocketPagePtr {
  let first: SocketPagePtr = NULL;
  for (let i = 0; i < count; i++) {
    const page = newPage() as SocketPagePtr;
    if (page === 0) {
      freeChain(first, NULL);
      return NULL;
    }
    SocketPage.next.set(page, first);
    first = page;
  }
  return first;
}

/** Frees pages up to, but without, `end`. */
function freeChain(first: Address, end: Address): void {
  let page = first as SocketPagePtr;
  while (page !== end) {
    const next = SocketPage.next.get(page);
    freePage(page);
    page = next;
  }
}

/**
 * Appends bytes `at .. at+length` of the frame's buffer as one segment for `end`.
 * @param cost what the sender pays for it, @param sender the sender's record, where it is not the other end
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
): number {
  const before = Socket.lastPage.getAt(s, end) as SocketPagePtr;
  const room = before === 0 ? 0 : PAGE_SIZE - Socket.lastOffset.getAt(s, end);
  const needed = Math.max(0, Math.ceil((HEAD_BYTES + padded(length) - room) / PAGE_SIZE));
  const added = newChain(needed);
  if (needed > 0 && added === 0) return -ENOBUFS;
  if (before !== 0 && needed > 0) SocketPage.next.set(before, added);
  if (before === 0) setCursor(s, added, 0);
  else setCursor(s, before, Socket.lastOffset.getAt(s, end));
  settleCursor(s);
  const firstPage = Socket.cursorPage.get(s);
  const firstOffset = Socket.cursorOffset.get(s);
  const head = cursorWord(s);
  moveCursor(s, HEAD_BYTES);
  if (copyAtCursor(s, t, fr, at, length, false) < length) {
    if (before !== 0) SocketPage.next.set(before, NULL);
    freeChain(added, NULL);
    return -EFAULT;
  }
  moveCursor(s, padded(length) - length);
  setWordAt(head + HEAD_LENGTH, length);
  setWordAt(head + HEAD_READ, 0);
  setWordAt(head + HEAD_COST, cost);
  setWordAt(head + HEAD_SENDER, sender);
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

/**
 * Takes up to `wanted` bytes for `end`, across segments, to the frame's buffer from `at` on.
 * @param peek true: they stay. @returns bytes, or -EFAULT if not even the first segment's could be copied
 */
export function takeSegments(
  s: SocketPtr,
  end: number,
  t: TaskPtr,
  fr: FramePtr,
  at: number,
  wanted: number,
  peek: boolean,
): number {
  let done = 0;
  let left = Socket.segments.getAt(s, end);
  setCursor(s, Socket.firstPage.getAt(s, end), Socket.firstOffset.getAt(s, end));
  while (left > 0 && done < wanted) {
    settleCursor(s);
    const head = cursorWord(s);
    const length = wordAt(head + HEAD_LENGTH);
    const read = wordAt(head + HEAD_READ);
    const chunk = Math.min(length - read, wanted - done);
    moveCursor(s, HEAD_BYTES + read);
    if (copyAtCursor(s, t, fr, at + done, chunk, true) < chunk) return done > 0 ? done : -EFAULT;
    done += chunk;
    if (!peek) {
      setWordAt(head + HEAD_READ, read + chunk);
      Socket.bytes.setAt(s, end, Socket.bytes.getAt(s, end) - chunk);
    }
    if (read + chunk < length) break;
    left--;
    moveCursor(s, padded(length) - length);
    if (!peek) dropFirstSegment(s, end, wordAt(head + HEAD_COST));
  }
  return done;
}

/** Sets the cursor to the first segment. @returns the word of its head */
function firstHead(s: SocketPtr, end: number): Address {
  setCursor(s, Socket.firstPage.getAt(s, end), Socket.firstOffset.getAt(s, end));
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

/** Copies the beginning of the first message to the frame's buffer. @returns bytes, or -EFAULT */
export function copyMessage(s: SocketPtr, end: number, t: TaskPtr, fr: FramePtr, wanted: number): number {
  const chunk = Math.min(wanted, wordAt(firstHead(s, end) + HEAD_LENGTH));
  moveCursor(s, HEAD_BYTES);
  return copyAtCursor(s, t, fr, 0, chunk, true) < chunk ? -EFAULT : chunk;
}

/** Throws the first message away, whether or not it was copied. */
export function dropMessage(s: SocketPtr, end: number): void {
  const head = firstHead(s, end);
  const length = wordAt(head + HEAD_LENGTH);
  moveCursor(s, HEAD_BYTES + padded(length));
  Socket.bytes.setAt(s, end, Socket.bytes.getAt(s, end) - length);
  dropFirstSegment(s, end, wordAt(head + HEAD_COST));
}

/** The first segment was read to its end, at which the cursor stands. */
function dropFirstSegment(s: SocketPtr, end: number, cost: number): void {
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

/** Throws everything away that is on its way to `end`. */
export function dropSegments(s: SocketPtr, end: number): void {
  freeChain(Socket.firstPage.getAt(s, end), NULL);
  Socket.firstPage.setAt(s, end, 0);
  Socket.firstOffset.setAt(s, end, 0);
  Socket.lastPage.setAt(s, end, 0);
  Socket.lastOffset.setAt(s, end, 0);
  Socket.segments.setAt(s, end, 0);
  Socket.bytes.setAt(s, end, 0);
  Socket.charged.setAt(s, end, 0);
}
