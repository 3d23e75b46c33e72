/**
 * The random numbers of a torture: the same for the same seed and worker, whatever the others do.
 */

export class Random {
  private state: number;

  constructor(seed: number, stream: number) {
    // Two rounds of a mixer, so that neighbouring seeds and streams have nothing in common.
    this.state = mixed(mixed(seed | 0) ^ Math.imul(stream + 1, 0x9e3779b1)) | 1;
  }

  /** 32 bits, as an int32. (xorshift32) */
  next(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return x;
  }
  /** 0 to limit - 1. */
  below(limit: number): number {
    return (((this.next() >>> 0) * limit) / 0x1_0000_0000) | 0;
  }
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }
  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
  /** Some of the bits, each with the chance of a half. */
  bits(mask: number): number {
    return this.next() & mask;
  }
  fraction(): number {
    return (this.next() >>> 0) / 0x1_0000_0000;
  }
}

/** murmur3's finisher. */
function mixed(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
