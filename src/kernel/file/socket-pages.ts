/**
 * The chain of pages in which lies what is on its way to one end of a socket, and the cursor that walks along it. What
 * the bytes mean is the affair of socket-buffer.ts, which alone calls this.
 *
 * Every function here runs under the socket's lock and uses its cursor.
 */
import type { Address, Ptr } from '../../shared-mem/pointer.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { RecordHeader } from '../../shared-mem/slab.ts';
import { embed, plain, struct } from '../../shared-mem/struct.ts';
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
export type SocketPagePtr = Ptr<'SocketPage'>;

export function setCursor(s: SocketPtr, page: Address, offset: number): void {
  Socket.cursorPage.set(s, page);
  Socket.cursorOffset.set(s, offset);
}

/** Steps over the end of a page. */
export function settleCursor(s: SocketPtr): void {
  if (Socket.cursorOffset.get(s) < PAGE_SIZE) return;
  setCursor(s, SocketPage.next.get(Socket.cursorPage.get(s) as SocketPagePtr), 0);
}

/** Moves on; at the end of a page it stays there, for there may be no next one yet. */
export function moveCursor(s: SocketPtr, bytes: number): void {
  let left = bytes;
  while (left > 0) {
    settleCursor(s);
    const step = Math.min(left, PAGE_SIZE - Socket.cursorOffset.get(s));
    Socket.cursorOffset.set(s, Socket.cursorOffset.get(s) + step);
    left -= step;
  }
}

/** The words at the cursor. */
export function cursorWord(s: SocketPtr): Address {
  return (pageBytes(Socket.cursorPage.get(s)) + Socket.cursorOffset.get(s)) / 4;
}

/**
 * Copies between the frame's buffer and the pages, from the cursor on. @param at offset within the frame's buffer
 * @returns how many bytes were copied; less than `length` where the user's memory ends
 */
export function copyAtCursor(s: SocketPtr, t: TaskPtr, fr: FramePtr, at: number, length: number, out: boolean): number {
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
export function newChain(count: number): SocketPagePtr {
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

/** Puts a chain behind a page, or ends the chain there (0). */
export function linkChain(page: SocketPagePtr, next: SocketPagePtr): void {
  SocketPage.next.set(page, next);
}

/** Frees pages up to, but without, `end`. */
export function freeChain(first: Address, end: Address): void {
  let page = first as SocketPagePtr;
  while (page !== end) {
    const next = SocketPage.next.get(page);
    freePage(page);
    page = next;
  }
}
