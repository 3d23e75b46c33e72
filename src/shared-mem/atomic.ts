/**
 * The atomic door: every word that two CPUs may touch at once without a lock goes through these fields.
 *
 * Each operation is a point at which another CPU may be chosen (the stepped machine compiles it so). JavaScript's
 * Atomics are sequentially consistent, and several arguments of the kernel lean on exactly that: where a store must
 * be visible before a later load (a Dekker pair), both are operations of this door.
 */
import { I32 } from './self.ts';

/** One atomic int32 word of a struct whose pointers are `P`; it holds values of type `V`. */
export class Atomic<P extends number, V extends number = number> {
  readonly off: number;
  constructor(off: number) {
    this.off = off;
  }
  load(p: P): V {
    return Atomics.load(I32, p + this.off) as V;
  }
  /** By exchange: V8's Atomics.store converts its argument and takes half as long again. */
  store(p: P, value: V): void {
    Atomics.exchange(I32, p + this.off, value);
  }
  /**
   * A plain read: a hint, ten times cheaper than `load`, which V8 does not inline. For words that are looked at again
   * and again (pending interrupts), or whose value is checked by what follows (a compareExchange, a lock).
   */
  peek(p: P): V {
    return I32[p + this.off] as V;
  }
  /**
   * A plain write: it orders nothing. A CPU may keep it in its store buffer until its next atomic write, while its own later
   * loads go ahead. For words that nobody's decision hangs on; the stepped machine shows what becomes of the others.
   */
  poke(p: P, value: V): void {
    I32[p + this.off] = value;
  }
  add(p: P, value: number): number {
    return Atomics.add(I32, p + this.off, value);
  }
  sub(p: P, value: number): number {
    return Atomics.sub(I32, p + this.off, value);
  }
  and(p: P, value: number): number {
    return Atomics.and(I32, p + this.off, value);
  }
  or(p: P, value: number): number {
    return Atomics.or(I32, p + this.off, value);
  }
  exchange(p: P, value: V): V {
    return Atomics.exchange(I32, p + this.off, value) as V;
  }
  /** @returns the value found: the exchange happened iff it equals `expected` */
  compareExchange(p: P, expected: V, value: V): V {
    return Atomics.compareExchange(I32, p + this.off, expected, value) as V;
  }
  /** One turn of a spin loop that found `seen`. Stepped, it parks the CPU until the word differs; here it is nothing. */
  spin(_p: P, _seen: V): void {}
  /**
   * Blocks this thread until the word is notified, or differs from `seen`, or the time is over.
   * @param timeoutNs Infinity for ever
   * @returns false if the time ran out
   */
  wait(p: P, seen: V, timeoutNs: number): boolean {
    return Atomics.wait(I32, p + this.off, seen, timeoutNs / 1e6) !== 'timed-out';
  }
  /** Ends every `wait` on the word. */
  notify(p: P): void {
    Atomics.notify(I32, p + this.off);
  }
  /** The word's index, for pictures and reports. */
  at(p: P): number {
    return p + this.off;
  }
}

/** A run of atomic int32 words inside a struct (or behind it). */
export class AtomicArray<P extends number, V extends number = number> {
  readonly off: number;
  constructor(off: number) {
    this.off = off;
  }
  loadAt(p: P, index: number): V {
    return Atomics.load(I32, p + this.off + index) as V;
  }
  storeAt(p: P, index: number, value: V): void {
    Atomics.exchange(I32, p + this.off + index, value);
  }
  peekAt(p: P, index: number): V {
    return I32[p + this.off + index] as V;
  }
  /**
   * A plain read of a word that says where to read next. What is read there is at least as new as the word: no machine does
   * a load before the one that its address comes from, and no engine guesses addresses. Linux: rcu_dereference.
   */
  followAt(p: P, index: number): V {
    return I32[p + this.off + index] as V;
  }
  addAt(p: P, index: number, value: number): number {
    return Atomics.add(I32, p + this.off + index, value);
  }
  exchangeAt(p: P, index: number, value: V): V {
    return Atomics.exchange(I32, p + this.off + index, value) as V;
  }
  compareExchangeAt(p: P, index: number, expected: V, value: V): V {
    return Atomics.compareExchange(I32, p + this.off + index, expected, value) as V;
  }
}
