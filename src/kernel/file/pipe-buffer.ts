/**
 * What lies between the two ends of a pipe: slots of one page each, in a ring.
 *
 *      tail                    head
 *       ▼                       ▼
 *     [ ~~~xxxx ][ xxxxxxxx ][ xxx..... ][          ]     x unread, ~ read, . room to merge into
 *
 * A write first fills up the last page, if its odd bytes (length mod 4096) fit whole, then takes fresh slots; a slot
 * is free again when its last byte was read (K4, K5). So readability is `head != tail`, writability a free slot.
 *
 * Every function here runs under the pipe's lock. Linux: fs/pipe.c.
 */
import { SpinLock } from '../../shared-mem/locks/spin-lock.ts';
import type { Address, Ptr } from '../../shared-mem/pointer.ts';
import { RecordHeader } from '../../shared-mem/slab.ts';
import { cacheLine, embed, plain, plains, struct } from '../../shared-mem/struct.ts';
import { EFAULT, ENOMEM } from '../abi/errno.ts';
import { PAGE_SIZE } from '../abi/flags-file.ts';
import { copyIn, copyOut } from '../process/user-vector.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import type { FilePtr } from './file.ts';
import { Changes } from './file.ts';
import { freePage, newPage, pageBytes, pagesRunShort } from './pages.ts';

/** The most slots a pipe can be given (1 MiB, pipe-max-size); a power of two. */
export const PIPE_SLOTS_MAX = 256;
const SLOT_MASK = PIPE_SLOTS_MAX - 1;
/** head and tail count modulo this. */
export const PIPE_COUNT_MASK = 0x7fffffff;
/** In an extent: this slot is one packet (O_DIRECT); what a read leaves of it is dropped. */
export const EXTENT_PACKET: number = 0x80000000 | 0;

export const Pipe = struct('Pipe', {
  header: embed(RecordHeader),
  line: cacheLine(),
  lock: embed(SpinLock),
  /** The ends, or 0 once closed. */
  readEnd: plain<FilePtr>('lock'),
  writeEnd: plain<FilePtr>('lock'),
  /** Ends whose file record is not reclaimed yet. */
  ends: plain('lock'),
  /** Slots ever filled and ever emptied; their difference is what is in use. */
  head: plain('lock'),
  tail: plain('lock'),
  slots: plain('lock'),
  /** Unread bytes. */
  bytes: plain('lock'),
  /** Sticky: somebody has polled an end, so every write wakes (Linux: poll_usage). */
  polled: plain('lock'),
  /** A page kept from the last emptied slot, so that ping-pong allocates nothing. */
  sparePage: plain<Address>('lock'),
  changes: embed(Changes),
  /** Of each slot: its page, and offset << 16 | length of what is unread. */
  page: plains<Address>(PIPE_SLOTS_MAX, 'lock'),
  extent: plains(PIPE_SLOTS_MAX, 'lock'),
});
export type PipePtr = Ptr<'Pipe'>;

export function slotsUsed(p: PipePtr): number {
  return (Pipe.head.get(p) - Pipe.tail.get(p)) & PIPE_COUNT_MASK;
}
export function pipeIsFull(p: PipePtr): boolean {
  return slotsUsed(p) >= Pipe.slots.get(p);
}

/**
 * Takes up to `wanted` bytes out, across slots, to the frame's buffer.
 * @returns bytes taken; -EFAULT if not even the first slot could be copied. A slot that faults keeps its bytes.
 */
export function takeBytes(p: PipePtr, t: TaskPtr, fr: FramePtr, wanted: number): number {
  let done = 0;
  while (done < wanted && slotsUsed(p) > 0) {
    const slot = Pipe.tail.get(p) & SLOT_MASK;
    const extent = Pipe.extent.getAt(p, slot);
    const offset = (extent & ~EXTENT_PACKET) >> 16;
    const unread = extent & 0xffff;
    const chunk = Math.min(unread, wanted - done);
    if (copyOut(t, fr, done, pageBytes(Pipe.page.getAt(p, slot)) + offset, chunk) < chunk)
      return done > 0 ? done : -EFAULT;
    done += chunk;
    const packet = (extent & EXTENT_PACKET) !== 0;
    Pipe.bytes.set(p, Pipe.bytes.get(p) - (packet ? unread : chunk));
    if (chunk === unread || packet) emptySlot(p, slot);
    else Pipe.extent.setAt(p, slot, ((offset + chunk) << 16) | (unread - chunk));
    if (packet) break;
  }
  return done;
}

function emptySlot(p: PipePtr, slot: number): void {
  const page = Pipe.page.getAt(p, slot);
  Pipe.page.setAt(p, slot, 0);
  Pipe.extent.setAt(p, slot, 0);
  Pipe.tail.set(p, (Pipe.tail.get(p) + 1) & PIPE_COUNT_MASK);
  // A spare saves the next write a look at the slab; but those of many pipes must not leave the others without.
  if (Pipe.sparePage.get(p) === 0 && !pagesRunShort()) Pipe.sparePage.set(p, page);
  else freePage(page);
}

/**
 * Puts bytes `from..total` of the frame's buffer in, as far as there is room.
 * @returns the offset reached; -EFAULT or -ENOMEM if that stopped it at `from` itself
 */
export function putBytes(p: PipePtr, t: TaskPtr, fr: FramePtr, from: number, total: number, packet: boolean): number {
  let moved = from;
  // A packet too: what lies in the last page is bytes, and bytes it becomes (pipe_write does not ask for O_DIRECT here).
  if (moved === 0) {
    moved = mergeOddBytes(p, t, fr, total);
    if (moved < 0) return moved;
  }
  while (moved < total && !pipeIsFull(p)) {
    const chunk = Math.min(PAGE_SIZE, total - moved);
    const failed = fillSlot(p, t, fr, moved, packet ? chunk | EXTENT_PACKET : chunk);
    if (failed !== 0) return moved > from ? moved : failed;
    moved += chunk;
  }
  return moved;
}

/** Appends the odd bytes of a write to the last page, if they fit whole. @returns bytes merged, or -EFAULT */
function mergeOddBytes(p: PipePtr, t: TaskPtr, fr: FramePtr, total: number): number {
  const odd = total % PAGE_SIZE;
  if (odd === 0 || slotsUsed(p) === 0) return 0;
  const slot = (Pipe.head.get(p) - 1) & SLOT_MASK;
  const extent = Pipe.extent.getAt(p, slot);
  const end = (extent >> 16) + (extent & 0xffff);
  if ((extent & EXTENT_PACKET) !== 0 || end + odd > PAGE_SIZE) return 0;
  if (copyIn(t, fr, 0, pageBytes(Pipe.page.getAt(p, slot)) + end, odd) < odd) return -EFAULT;
  Pipe.extent.setAt(p, slot, extent + odd);
  Pipe.bytes.set(p, Pipe.bytes.get(p) + odd);
  return odd;
}

/** Fills a fresh slot. @returns 0, or -EFAULT or -ENOMEM with nothing left behind (K18) */
function fillSlot(p: PipePtr, t: TaskPtr, fr: FramePtr, at: number, extent: number): number {
  let page = Pipe.sparePage.get(p);
  if (page !== 0) Pipe.sparePage.set(p, 0);
  else page = newPage();
  if (page === 0) return -ENOMEM;
  const chunk = extent & 0xffff;
  if (copyIn(t, fr, at, pageBytes(page), chunk) < chunk) {
    Pipe.sparePage.set(p, page);
    return -EFAULT;
  }
  const slot = Pipe.head.get(p) & SLOT_MASK;
  Pipe.page.setAt(p, slot, page);
  Pipe.extent.setAt(p, slot, extent);
  Pipe.head.set(p, (Pipe.head.get(p) + 1) & PIPE_COUNT_MASK);
  Pipe.bytes.set(p, Pipe.bytes.get(p) + chunk);
  return 0;
}

/** Gives every page back; nobody can reach the pipe any more. */
export function dropBytes(p: PipePtr): void {
  while (slotsUsed(p) > 0) emptySlot(p, Pipe.tail.get(p) & SLOT_MASK);
  const spare = Pipe.sparePage.get(p);
  if (spare !== 0) freePage(spare);
  Pipe.sparePage.set(p, 0);
  Pipe.bytes.set(p, 0);
}
