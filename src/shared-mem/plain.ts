/**
 * The plain door: fields that need no atomic operation, because a lock guards them, because one CPU owns them, or
 * because they never change once published. The guard is declared with the field; with `checks` on every access
 * proves that it holds.
 *
 * Never a switch point; the stepped machine records these accesses (race detector, undo log). `peek` is the
 * exception: a read declared racy, whose result is a hint only.
 */
import { CHECKS } from './boot-constants.ts';
import { assertGuard } from './guard.ts';
import type { Guard } from './guard.ts';
import { F64, I32 } from './self.ts';

/** One int32 word. */
export class Plain<P extends number, V extends number = number> {
  readonly off: number;
  readonly guard: Guard;
  constructor(off: number, guard: Guard) {
    this.off = off;
    this.guard = guard;
  }
  get(p: P): V {
    if (CHECKS) assertGuard(p, this.guard, false);
    return I32[p + this.off] as V;
  }
  set(p: P, value: V): void {
    if (CHECKS) assertGuard(p, this.guard, true);
    I32[p + this.off] = value;
  }
  /** A racy read; its result may be out of date before it is looked at. */
  peek(p: P): V {
    return I32[p + this.off] as V;
  }
}

/** One float64, on an even word: times in ns, and counters beyond 2^31. */
export class PlainF64<P extends number> {
  /** Known to the type checker alone: who reads memory from outside must not take half of it for the number. */
  declare readonly bits: 64;
  readonly off: number;
  readonly guard: Guard;
  constructor(off: number, guard: Guard) {
    this.off = off;
    this.guard = guard;
  }
  get(p: P): number {
    if (CHECKS) assertGuard(p, this.guard, false);
    return F64[(p + this.off) >> 1]!;
  }
  set(p: P, value: number): void {
    if (CHECKS) assertGuard(p, this.guard, true);
    F64[(p + this.off) >> 1] = value;
  }
  /** A racy read; half of it may be older than the other half, so it counts only once nobody is known to have written. */
  peek(p: P): number {
    return F64[(p + this.off) >> 1]!;
  }
}

/** A run of int32 words. */
export class PlainArray<P extends number, V extends number = number> {
  readonly off: number;
  readonly guard: Guard;
  constructor(off: number, guard: Guard) {
    this.off = off;
    this.guard = guard;
  }
  getAt(p: P, index: number): V {
    if (CHECKS) assertGuard(p, this.guard, false);
    return I32[p + this.off + index] as V;
  }
  setAt(p: P, index: number, value: V): void {
    if (CHECKS) assertGuard(p, this.guard, true);
    I32[p + this.off + index] = value;
  }
}

/** A run of float64, on even words. */
export class PlainF64Array<P extends number> {
  declare readonly bits: 64;
  readonly off: number;
  readonly guard: Guard;
  constructor(off: number, guard: Guard) {
    this.off = off;
    this.guard = guard;
  }
  getAt(p: P, index: number): number {
    if (CHECKS) assertGuard(p, this.guard, false);
    return F64[((p + this.off) >> 1) + index]!;
  }
  setAt(p: P, index: number, value: number): void {
    if (CHECKS) assertGuard(p, this.guard, true);
    F64[((p + this.off) >> 1) + index] = value;
  }
}

/** Words outside any struct: the contents of free slots, freshly laid out regions. */
export function clearWords(from: number, count: number): void {
  I32.fill(0, from, from + count);
}
export function fillWords(from: number, count: number, value: number): void {
  I32.fill(value, from, from + count);
}
export function wordAt(index: number): number {
  return I32[index]!;
}
export function setWordAt(index: number, value: number): void {
  I32[index] = value;
}
