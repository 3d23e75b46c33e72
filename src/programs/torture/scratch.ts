/**
 * Scratch memory of one caller: slots that are handed to calls, each with a canary close before and behind what the call
 * may touch. Nobody else writes there, so a canary that changed was changed by the kernel.
 *
 *     slot   [ ............ canary | the call's bytes | canary ]
 *                            8                           8
 *
 * What a call gets lies at the far end of its slot: one byte too many is a byte of the canary.
 */
import { alloc, bytesAt, load32, store32 } from '../libc/memory.ts';

const CANARY_BYTES = 8;
const CANARY_WORDS = CANARY_BYTES / 4;
const CANARY = 0x5ca1ab1e;

/** Bytes of a slot, and how many there are of each kind. */
const SMALL_BYTES = 256;
const SMALL_COUNT = 24;
const LARGE_BYTES = 8192;
const LARGE_COUNT = 3;
const SLOT_COUNT = SMALL_COUNT + LARGE_COUNT;

export const SCRATCH_BYTES: number =
  SMALL_COUNT * (SMALL_BYTES + 2 * CANARY_BYTES) + LARGE_COUNT * (LARGE_BYTES + 2 * CANARY_BYTES);
export const LARGE_MAX = LARGE_BYTES;

export class Scratch {
  /** The address behind the usable bytes of each slot. */
  private readonly ends: number[] = [];
  private readonly used: number[] = [];
  private readonly starts: number[] = [];
  private smallNext = 0;
  private largeNext = 0;

  /** @param base SCRATCH_BYTES of user memory, or 0 to take some */
  constructor(base = 0) {
    let at = base === 0 ? alloc(SCRATCH_BYTES) : base;
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      at += CANARY_BYTES + (slot < SMALL_COUNT ? SMALL_BYTES : LARGE_BYTES);
      this.ends.push(at);
      putCanary(at);
      at += CANARY_BYTES;
    }
  }

  /** A new call: every slot is free again. */
  clear(): void {
    this.used.length = 0;
    this.starts.length = 0;
    this.smallNext = 0;
    this.largeNext = SMALL_COUNT;
  }

  /** Where the last call of `take` lies. */
  get last(): number {
    return this.starts[this.starts.length - 1]!;
  }

  /** @param bytes at most LARGE_MAX @returns where they lie; what is there was left by earlier calls */
  take(bytes: number): number {
    const large = bytes > SMALL_BYTES - CANARY_BYTES;
    const slot = large ? this.largeNext++ : this.smallNext++;
    if (bytes > LARGE_BYTES || (large ? slot >= SLOT_COUNT : slot >= SMALL_COUNT)) {
      throw new RangeError(`a call takes more scratch than there is: ${bytes} bytes`);
    }
    const start = this.ends[slot]! - bytes;
    putCanary(start - CANARY_BYTES);
    this.used.push(slot);
    this.starts.push(start);
    return start;
  }

  /** As `take`, filled with zeros. */
  takeZeroed(bytes: number): number {
    const start = this.take(bytes);
    bytesAt(start, bytes).fill(0);
    return start;
  }

  /** @returns what is wrong with the canaries of the slots that are in use, or undefined */
  damage(): string | undefined {
    for (let i = 0; i < this.used.length; i++) {
      const end = this.ends[this.used[i]!]!;
      const start = this.starts[i]!;
      if (!isWhole(end)) return `the kernel wrote behind ${start}, which has ${end - start} bytes`;
      if (!isWhole(start - CANARY_BYTES)) return `the kernel wrote before ${start}, which has ${end - start} bytes`;
    }
    return undefined;
  }
}

function putCanary(at: number): void {
  for (let word = 0; word < CANARY_WORDS; word++) store32(at + word * 4, CANARY);
}
function isWhole(at: number): boolean {
  for (let word = 0; word < CANARY_WORDS; word++) if (load32(at + word * 4) !== CANARY) return false;
  return true;
}
