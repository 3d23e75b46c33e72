/**
 * The stepped atomic door: the operations of shared-mem's, on an ordinary array, since one thread runs all CPUs.
 *
 * The compile step gives each operation one more argument, evaluated last: the question whether another CPU goes
 * first, and the yield if so. `Point` is not `void`, because TypeScript would let that be left out. An operation
 * never yields itself, so it stays one step; only `spin` and `wait`, which park the CPU, are generators.
 */
import { I32 } from './self.ts';
import { buffering, delay, delayed, drain, ownValue, write } from './store-buffer.ts';
import { countTurn, steering, turnLeft, watcher } from './steering.ts';
import { trackAcquire, trackRelease, tracking } from './tracks.ts';

/** What the argument evaluates to: false if the CPU went on, 1 when it was resumed. */
export type Point = false | 1;

/** Does another CPU go first? Called by compiled code only. */
export function $point(operation: number, address: number): boolean {
  if (turnLeft > 1) {
    countTurn();
    return false;
  }
  return steering.point(operation, address);
}

function note(word: number, reads: boolean, writes: boolean): void {
  if (delayed > 0 && writes) drain();
  if (watcher !== null) watcher.atomic(word, reads, writes);
  if (!tracking) return;
  if (reads) trackAcquire(word);
  if (writes) trackRelease(word);
}

export class Atomic<P extends number, V extends number = number> {
  readonly off: number;
  constructor(off: number) {
    this.off = off;
  }
  load(p: P, _point: Point): V {
    note(p + this.off, true, false);
    return (delayed > 0 ? ownValue(p + this.off) : I32[p + this.off]) as V;
  }
  store(p: P, value: V, _point: Point): void {
    note(p + this.off, false, true);
    I32[p + this.off] = value;
  }
  /** A plain read in the source: it orders nothing. */
  peek(p: P, _point: Point): V {
    if (watcher !== null) watcher.peek?.(p + this.off);
    return (delayed > 0 ? ownValue(p + this.off) : I32[p + this.off]) as V;
  }
  /** A plain write in the source: it may stay in the CPU's store buffer for a while (store-buffer.ts). */
  poke(p: P, value: V, _point: Point): void {
    if (watcher !== null) watcher.write(p + this.off, 1);
    if (buffering) delay(p + this.off, value);
    else write(p + this.off, value);
  }
  add(p: P, value: number, _point: Point): number {
    note(p + this.off, true, true);
    const old = I32[p + this.off]!;
    I32[p + this.off] = old + value;
    return old;
  }
  sub(p: P, value: number, _point: Point): number {
    note(p + this.off, true, true);
    const old = I32[p + this.off]!;
    I32[p + this.off] = old - value;
    return old;
  }
  and(p: P, value: number, _point: Point): number {
    note(p + this.off, true, true);
    const old = I32[p + this.off]!;
    I32[p + this.off] = old & value;
    return old;
  }
  or(p: P, value: number, _point: Point): number {
    note(p + this.off, true, true);
    const old = I32[p + this.off]!;
    I32[p + this.off] = old | value;
    return old;
  }
  exchange(p: P, value: V, _point: Point): V {
    note(p + this.off, true, true);
    const old = I32[p + this.off];
    I32[p + this.off] = value;
    return old as V;
  }
  compareExchange(p: P, expected: V, value: V, _point: Point): V {
    // It is a barrier even where it fails.
    if (delayed > 0) drain();
    const old = I32[p + this.off];
    note(p + this.off, true, old === (expected | 0));
    if (old === (expected | 0)) I32[p + this.off] = value;
    return old as V;
  }
  /** Parks the CPU until the word differs from `seen`; the scheduler may also let it go on earlier, as a turn is free. */
  *spin(p: P, seen: V, _marker: 1): Generator<void, void, 1> {
    if (delayed > 0) drain();
    if (I32[p + this.off] !== (seen | 0)) return;
    steering.parkSpinning(p + this.off, seen | 0);
    yield;
  }
  *wait(p: P, seen: V, timeoutNs: number, _marker: 1): Generator<void, boolean, 1> {
    if ($point(7, p + this.off)) yield;
    if (delayed > 0) drain();
    note(p + this.off, true, false);
    if (I32[p + this.off] !== (seen | 0)) return true;
    steering.parkSleeping(p + this.off, timeoutNs);
    yield;
    return !steering.timedOut();
  }
  notify(p: P, _point: Point): void {
    if (delayed > 0) drain();
    steering.notify(p + this.off);
  }
  at(p: P): number {
    return p + this.off;
  }
}

export class AtomicArray<P extends number, V extends number = number> {
  readonly off: number;
  constructor(off: number) {
    this.off = off;
  }
  loadAt(p: P, index: number, _point: Point): V {
    note(p + this.off + index, true, false);
    return (delayed > 0 ? ownValue(p + this.off + index) : I32[p + this.off + index]) as V;
  }
  storeAt(p: P, index: number, value: V, _point: Point): void {
    note(p + this.off + index, false, true);
    I32[p + this.off + index] = value;
  }
  peekAt(p: P, index: number, _point: Point): V {
    if (watcher !== null) watcher.peek?.(p + this.off + index);
    return I32[p + this.off + index] as V;
  }
  /** What it leads to is ordered behind it, as if it were a load. */
  followAt(p: P, index: number, _point: Point): V {
    note(p + this.off + index, true, false);
    return I32[p + this.off + index] as V;
  }
  addAt(p: P, index: number, value: number, _point: Point): number {
    note(p + this.off + index, true, true);
    const old = I32[p + this.off + index]!;
    I32[p + this.off + index] = old + value;
    return old;
  }
  exchangeAt(p: P, index: number, value: V, _point: Point): V {
    note(p + this.off + index, true, true);
    const old = I32[p + this.off + index];
    I32[p + this.off + index] = value;
    return old as V;
  }
  compareExchangeAt(p: P, index: number, expected: V, value: V, _point: Point): V {
    if (delayed > 0) drain();
    const old = I32[p + this.off + index];
    note(p + this.off + index, true, old === (expected | 0));
    if (old === (expected | 0)) I32[p + this.off + index] = value;
    return old as V;
  }
}
