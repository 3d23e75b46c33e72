/**
 * The stepped plain door: as shared-mem's, and every access is shown to the watcher, if there is one. Only `peek`,
 * the read declared racy, is a point at which another CPU may go first, and no watcher sees it.
 */
import { CHECKS } from '../../shared-mem/boot-constants.ts';
import type { Guard } from '../../shared-mem/guard.ts';
import { assertGuard } from '../../shared-mem/guard.ts';
import type { Point } from './atomic.ts';
import { F64, I32 } from './self.ts';
import { watcher } from './steering.ts';

export class Plain<P extends number, V extends number = number> {
  readonly off: number;
  readonly guard: Guard;
  constructor(off: number, guard: Guard) {
    this.off = off;
    this.guard = guard;
  }
  get(p: P): V {
    if (CHECKS) assertGuard(p, this.guard, false);
    if (watcher !== null) watcher.read(p + this.off, 1);
    return I32[p + this.off] as V;
  }
  set(p: P, value: V): void {
    if (CHECKS) assertGuard(p, this.guard, true);
    if (watcher !== null) watcher.write(p + this.off, 1);
    I32[p + this.off] = value;
  }
  peek(p: P, _point: Point): V {
    return I32[p + this.off] as V;
  }
}

export class PlainF64<P extends number> {
  readonly off: number;
  readonly guard: Guard;
  constructor(off: number, guard: Guard) {
    this.off = off;
    this.guard = guard;
  }
  get(p: P): number {
    if (CHECKS) assertGuard(p, this.guard, false);
    if (watcher !== null) watcher.read(p + this.off, 2);
    return F64[(p + this.off) >> 1]!;
  }
  set(p: P, value: number): void {
    if (CHECKS) assertGuard(p, this.guard, true);
    if (watcher !== null) watcher.write(p + this.off, 2);
    F64[(p + this.off) >> 1] = value;
  }
}

export class PlainArray<P extends number, V extends number = number> {
  readonly off: number;
  readonly guard: Guard;
  constructor(off: number, guard: Guard) {
    this.off = off;
    this.guard = guard;
  }
  getAt(p: P, index: number): V {
    if (CHECKS) assertGuard(p, this.guard, false);
    if (watcher !== null) watcher.read(p + this.off + index, 1);
    return I32[p + this.off + index] as V;
  }
  setAt(p: P, index: number, value: V): void {
    if (CHECKS) assertGuard(p, this.guard, true);
    if (watcher !== null) watcher.write(p + this.off + index, 1);
    I32[p + this.off + index] = value;
  }
}

export class PlainF64Array<P extends number> {
  readonly off: number;
  readonly guard: Guard;
  constructor(off: number, guard: Guard) {
    this.off = off;
    this.guard = guard;
  }
  getAt(p: P, index: number): number {
    if (CHECKS) assertGuard(p, this.guard, false);
    if (watcher !== null) watcher.read(p + this.off + index * 2, 2);
    return F64[((p + this.off) >> 1) + index]!;
  }
  setAt(p: P, index: number, value: number): void {
    if (CHECKS) assertGuard(p, this.guard, true);
    if (watcher !== null) watcher.write(p + this.off + index * 2, 2);
    F64[((p + this.off) >> 1) + index] = value;
  }
}

export function clearWords(from: number, count: number): void {
  if (watcher !== null) watcher.write(from, count);
  I32.fill(0, from, from + count);
}
export function fillWords(from: number, count: number, value: number): void {
  if (watcher !== null) watcher.write(from, count);
  I32.fill(value, from, from + count);
}
export function wordAt(index: number): number {
  if (watcher !== null) watcher.read(index, 1);
  return I32[index]!;
}
export function setWordAt(index: number, value: number): void {
  if (watcher !== null) watcher.write(index, 1);
  I32[index] = value;
}
