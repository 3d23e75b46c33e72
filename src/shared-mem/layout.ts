/**
 * How the machine's memory is divided: word 0 stays unused, so that 0 can be the null pointer; then one region after
 * the other, each with a fixed place from boot on. Pure arithmetic: nothing here touches memory.
 */
import type { Address } from './pointer.ts';

export const MEMORY_MAGIC = 0x534d504c; // 'SMPL'
/** Grows with every change of a layout that a reader of a dump would trip over. */
export const MEMORY_VERSION = 1;
/** Where the first record starts, a cache line in. */
export const FIRST_RECORD: Address = 16;

export interface Region {
  readonly name: string;
  readonly base: Address;
  readonly words: number;
}

/** Places regions in order, each on a cache line. */
export function placeRegions(from: Address, wanted: readonly (readonly [name: string, words: number])[]): Region[] {
  const regions: Region[] = [];
  let at = from;
  for (const [name, words] of wanted) {
    regions.push({ name, base: at, words });
    at = Math.ceil((at + words) / 16) * 16;
  }
  return regions;
}
