/**
 * Slabs: all records of one kind, laid out at boot, handed out and taken back.
 *
 * Every record begins with a header: a generation, odd while the record lives, and the free list's link. A reference
 * that may outlive its record is kept as (pointer, generation) and compared. With checks on, a freed record is filled
 * with poison, and handing it out verifies that nobody wrote to it meanwhile. Running out is 0, for the caller to
 * turn into an errno; a census counts what lives, so that a test can prove that nothing leaked.
 */
import { CHECKS } from './boot-constants.ts';
import { CpuCore } from './cpu-core.ts';
import { CLASS_SLAB } from './locks/classes.ts';
import { acquire, initLock, release } from './locks/lock.ts';
import { SpinLock } from './locks/spin-lock.ts';
import { panic } from './panic.ts';
import { clearWords, fillWords, wordAt } from './plain.ts';
import type { Address, Ptr } from './pointer.ts';
import { cpu } from './self.ts';
import { atomic, cacheLine, embed, plain, struct } from './struct.ts';

export type SlabPtr = Ptr<'Slab'>;

export const Slab = struct('Slab', {
  line: cacheLine(),
  lock: embed(SpinLock),
  firstFree: plain<Address>('lock'),
  live: plain('lock'),
  /** The most that ever lived at once. */
  highWater: plain('lock'),
  /** Records never handed out so far begin here: a big slab costs nothing at boot. */
  untouched: plain('lock'),
  base: plain<Address>('immutable'),
  /** in words */
  stride: plain('immutable'),
  capacity: plain('immutable'),
});

/** The first two words of every record in a slab. */
export const RecordHeader = struct('RecordHeader', {
  /** Odd: alive. Grows by one at birth and at death. */
  generation: atomic(),
  nextFree: plain<Address>('owned:slab'),
});
export const RECORD_HEADER_WORDS = 2;

/** Every word of a freed record behind its header, with checks on. */
export const POISON = 0x5eedf00d;

export function initSlab(s: SlabPtr, lockKind: number, base: Address, stride: number, capacity: number): void {
  initLock(Slab.lock.at(s), lockKind, CLASS_SLAB, 0);
  Slab.base.set(s, base);
  Slab.stride.set(s, stride);
  Slab.capacity.set(s, capacity);
}

/** @returns a record, zeroed behind its header, or 0 when the slab is exhausted */
export function allocRecord(s: SlabPtr): Address {
  const stride = Slab.stride.get(s);
  acquire(Slab.lock.at(s));
  let p = Slab.firstFree.get(s);
  let fresh = false;
  if (p !== 0) {
    Slab.firstFree.set(s, RecordHeader.nextFree.get(p as Ptr<'RecordHeader'>));
  } else {
    const next = Slab.untouched.get(s);
    if (next === Slab.capacity.get(s)) {
      release(Slab.lock.at(s));
      if (cpu !== 0) CpuCore.slabWasEmpty.set(cpu, 1);
      return 0;
    }
    Slab.untouched.set(s, next + 1);
    p = Slab.base.get(s) + next * stride;
    fresh = true;
  }
  const live = Slab.live.get(s) + 1;
  Slab.live.set(s, live);
  if (live > Slab.highWater.get(s)) Slab.highWater.set(s, live);
  release(Slab.lock.at(s));
  if (CHECKS && !fresh) checkPoison(p, stride);
  if (!fresh) clearWords(p + RECORD_HEADER_WORDS, stride - RECORD_HEADER_WORDS);
  RecordHeader.generation.add(p as Ptr<'RecordHeader'>, 1);
  return p;
}

/** Takes a record back. Every stored (pointer, generation) to it is stale from here on. */
export function freeRecord(s: SlabPtr, p: Address): void {
  if ((RecordHeader.generation.add(p as Ptr<'RecordHeader'>, 1) & 1) === 0) panic(`record ${p} freed twice`);
  const stride = Slab.stride.get(s);
  if (CHECKS) fillWords(p + RECORD_HEADER_WORDS, stride - RECORD_HEADER_WORDS, POISON);
  acquire(Slab.lock.at(s));
  RecordHeader.nextFree.set(p as Ptr<'RecordHeader'>, Slab.firstFree.get(s));
  Slab.firstFree.set(s, p);
  Slab.live.set(s, Slab.live.get(s) - 1);
  release(Slab.lock.at(s));
}

export function generationOf(p: Address): number {
  return RecordHeader.generation.load(p as Ptr<'RecordHeader'>);
}

/** Is `p` the record it was when `generation` was noted? */
export function isAlive(p: Address, generation: number): boolean {
  return RecordHeader.generation.load(p as Ptr<'RecordHeader'>) === generation;
}

/** Position of a record in its slab, a number that fits a descriptor slot. */
export function recordIndex(s: SlabPtr, p: Address): number {
  return ((p - Slab.base.get(s)) / Slab.stride.get(s)) | 0;
}
export function recordAt(s: SlabPtr, index: number): Address {
  return Slab.base.get(s) + index * Slab.stride.get(s);
}

function checkPoison(p: Address, stride: number): void {
  for (let i = RECORD_HEADER_WORDS; i < stride; i++) {
    if (wordAt(p + i) !== POISON) panic(`record ${p}: word ${i} was written after the record was freed`);
  }
}
