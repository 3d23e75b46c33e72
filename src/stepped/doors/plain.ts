/**
 * The stepped plain door: as shared-mem's, and every access is shown to the watcher, if there is one. Only `peek`,
 * the read declared racy, is a point at which another CPU may go first; it orders nothing and races with nothing.
 */
import { CHECKS } from '../../shared-mem/boot-constants.ts';
import type { Guard } from '../../shared-mem/guard.ts';
import { assertGuard } from '../../shared-mem/guard.ts';
import type { Point } from './atomic.ts';
import { F64, I32 } from './self.ts';
import { watcher } from './steering.ts';
import { trackRead, tracking, trackWrite } from './tracks.ts';

function noteRead(word: number): void {
  if (watcher !== null) watcher.read(word, 1);
  if (tracking) trackRead(word);
}
function noteWrite(word: number): void {
  if (watcher !== null) watcher.write(word, 1);
  if (tracking) trackWrite(word);
}
function noteRead2(word: number): void {
  if (watcher !== null) watcher.read(word, 2);
  if (tracking) trackRead(word);
}
/** A float64: one variable, whose first word stands for both in the race check; the undo log wants both. */
function noteWrite2(word: number): void {
  if (watcher !== null) watcher.write(word, 2);
  if (!tracking) return;
  trackWrite(word);
  trackWrite(word + 1);
}
function noteWrites(from: number, count: number): void {
  if (watcher !== null) watcher.write(from, count);
  if (tracking) for (let word = from; word < from + count; word++) trackWrite(word);
}

function needsLock({ kind }: Guard): boolean {
  return kind === 'lock' || kind === 'class';
}

export class Plain<P extends number, V extends number = number> {
  readonly off: number;
  readonly guard: Guard;
  /** Must a lock be held? Looked at before anything else about the guard, since most fields need none. */
  readonly locked: boolean;
  constructor(off: number, guard: Guard) {
    this.off = off;
    this.guard = guard;
    this.locked = needsLock(guard);
  }
  get(p: P): V {
    if (CHECKS && (this.locked || p === 0)) assertGuard(p, this.guard, false);
    noteRead(p + this.off);
    return I32[p + this.off] as V;
  }
  set(p: P, value: V): void {
    if (CHECKS && (this.locked || p === 0)) assertGuard(p, this.guard, true);
    noteWrite(p + this.off);
    I32[p + this.off] = value;
  }
  peek(p: P, _point: Point): V {
    if (watcher !== null) watcher.peek?.(p + this.off);
    return I32[p + this.off] as V;
  }
}

export class PlainF64<P extends number> {
  readonly off: number;
  readonly guard: Guard;
  readonly locked: boolean;
  constructor(off: number, guard: Guard) {
    this.off = off;
    this.guard = guard;
    this.locked = needsLock(guard);
  }
  get(p: P): number {
    if (CHECKS && (this.locked || p === 0)) assertGuard(p, this.guard, false);
    noteRead2(p + this.off);
    return F64[(p + this.off) >> 1]!;
  }
  set(p: P, value: number): void {
    if (CHECKS && (this.locked || p === 0)) assertGuard(p, this.guard, true);
    noteWrite2(p + this.off);
    F64[(p + this.off) >> 1] = value;
  }
  peek(p: P, _point: Point): number {
    return F64[(p + this.off) >> 1]!;
  }
}

export class PlainArray<P extends number, V extends number = number> {
  readonly off: number;
  readonly guard: Guard;
  readonly locked: boolean;
  constructor(off: number, guard: Guard) {
    this.off = off;
    this.guard = guard;
    this.locked = needsLock(guard);
  }
  getAt(p: P, index: number): V {
    if (CHECKS && (this.locked || p === 0)) assertGuard(p, this.guard, false);
    noteRead(p + this.off + index);
    return I32[p + this.off + index] as V;
  }
  setAt(p: P, index: number, value: V): void {
    if (CHECKS && (this.locked || p === 0)) assertGuard(p, this.guard, true);
    noteWrite(p + this.off + index);
    I32[p + this.off + index] = value;
  }
}

export class PlainF64Array<P extends number> {
  readonly off: number;
  readonly guard: Guard;
  readonly locked: boolean;
  constructor(off: number, guard: Guard) {
    this.off = off;
    this.guard = guard;
    this.locked = needsLock(guard);
  }
  getAt(p: P, index: number): number {
    if (CHECKS && (this.locked || p === 0)) assertGuard(p, this.guard, false);
    noteRead2(p + this.off + index * 2);
    return F64[((p + this.off) >> 1) + index]!;
  }
  setAt(p: P, index: number, value: number): void {
    if (CHECKS && (this.locked || p === 0)) assertGuard(p, this.guard, true);
    noteWrite2(p + this.off + index * 2);
    F64[((p + this.off) >> 1) + index] = value;
  }
}

export function clearWords(from: number, count: number): void {
  noteWrites(from, count);
  I32.fill(0, from, from + count);
}
export function fillWords(from: number, count: number, value: number): void {
  noteWrites(from, count);
  I32.fill(value, from, from + count);
}
export function wordAt(index: number): number {
  noteRead(index);
  return I32[index]!;
}
export function setWordAt(index: number, value: number): void {
  noteWrite(index);
  I32[index] = value;
}
