/**
 * Pages: 4096 bytes each, for pipes, sockets and memfds. A page is a slab record; its bytes begin one cache line in.
 */
import type { Address } from '../../shared-mem/pointer.ts';
import { allocRecord, freeRecord, Slab } from '../../shared-mem/slab.ts';
import { PAGE_SIZE } from '../abi/flags-file.ts';
import { MACHINE, Machine } from '../machine-record.ts';

export const PAGE_HEADER_WORDS = 16;
export const PAGE_STRIDE_WORDS: number = PAGE_HEADER_WORDS + PAGE_SIZE / 4;

/** @returns a page, its bytes zero, or 0 when none is left */
export function newPage(): Address {
  return allocRecord(Machine.pages.at(MACHINE));
}

export function freePage(page: Address): void {
  freeRecord(Machine.pages.at(MACHINE), page);
}

/** A look without the lock: nobody should keep one for later any more. */
export function pagesRunShort(): boolean {
  const pages = Machine.pages.at(MACHINE);
  return Slab.live.peek(pages) * 2 > Slab.capacity.get(pages);
}

/** The address of its first byte, for copyIn and copyOut. */
export function pageBytes(page: Address): number {
  return (page + PAGE_HEADER_WORDS) * 4;
}
