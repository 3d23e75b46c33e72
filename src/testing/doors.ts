/**
 * The doors as explored modules get them in place of those that `smplab/testing` exports: the same fields at the same
 * offsets, whose operations go through the runtime. The compile step adds the question of the scheduler to operations of
 * atomic fields, and the place to those of plain ones.
 */
import { Atomic, AtomicArray } from '../shared-mem/atomic.ts';
import { Plain, PlainArray, PlainF64, PlainF64Array } from '../shared-mem/plain.ts';
import * as plainDoors from '../shared-mem/struct.ts';
import type { View } from './memory.ts';
import * as runtime from './runtime.ts';

export { atomic, atomics, cacheLine, embed, f64, f64s, plain, plains } from '../shared-mem/struct.ts';

/** What the threads' pointers point into; all threads of an exploration have one memory. */
let words: View = new Int32Array(0);
let doubles: View = new Float64Array(0);
/** Makes the memory the one that records lie in. */
export function attach(memory: SharedArrayBuffer | ArrayBuffer): void {
  if (words.buffer === memory) return;
  words = new Int32Array(memory);
  doubles = new Float64Array(memory);
}

/** Before an operation on a word. @returns whether the thread yields */
export function atWord(operation: number, word: number, site: number): boolean {
  return runtime.at(operation, words, word, site);
}

/** An atomic word, or a run of them: then every operation takes an index. */
class ExploredAtomic {
  readonly off: number;
  constructor(off: number) {
    this.off = off;
  }
  load(p: number, _point: unknown): unknown {
    return runtime.load(words, p + this.off, 0);
  }
  store(p: number, value: number, _point: unknown): void {
    runtime.store(words, p + this.off, value, 0);
  }
  /** A plain read that its author declared racy. */
  peek(p: number, _point: unknown): unknown {
    return runtime.peek(words, p + this.off);
  }
  add(p: number, value: number, _point: unknown): unknown {
    return runtime.add(words, p + this.off, value, 0);
  }
  sub(p: number, value: number, _point: unknown): unknown {
    return runtime.sub(words, p + this.off, value, 0);
  }
  and(p: number, value: number, _point: unknown): unknown {
    return runtime.and(words, p + this.off, value, 0);
  }
  or(p: number, value: number, _point: unknown): unknown {
    return runtime.or(words, p + this.off, value, 0);
  }
  exchange(p: number, value: number, _point: unknown): unknown {
    return runtime.exchange(words, p + this.off, value, 0);
  }
  compareExchange(p: number, expected: number, value: number, _point: unknown): unknown {
    return runtime.compareExchange(words, p + this.off, expected, value, 0);
  }
  /** Spinning is recognised by what a thread reads; this says nothing that is not known. */
  *spin(_p: number, _seen: number, _site: number): Generator<void, void, 1> {}
  *wait(p: number, seen: number, timeoutNs: number, site: number): Generator<void, boolean, 1> {
    return (yield* runtime.wait(words, p + this.off, seen, timeoutNs / 1e6, site)) !== 'timed-out';
  }
  notify(p: number, _point: unknown): void {
    runtime.notify(words, p + this.off, undefined, 0);
  }
  at(p: number): number {
    return p + this.off;
  }
}

class ExploredAtomics {
  readonly off: number;
  constructor(off: number) {
    this.off = off;
  }
  loadAt(p: number, index: number, _point: unknown): unknown {
    return runtime.load(words, p + this.off + index, 0);
  }
  storeAt(p: number, index: number, value: number, _point: unknown): void {
    runtime.store(words, p + this.off + index, value, 0);
  }
  peekAt(p: number, index: number, _point: unknown): unknown {
    return runtime.peek(words, p + this.off + index);
  }
  followAt(p: number, index: number, _point: unknown): unknown {
    return runtime.load(words, p + this.off + index, 0);
  }
  addAt(p: number, index: number, value: number, _point: unknown): unknown {
    return runtime.add(words, p + this.off + index, value, 0);
  }
  exchangeAt(p: number, index: number, value: number, _point: unknown): unknown {
    return runtime.exchange(words, p + this.off + index, value, 0);
  }
  compareExchangeAt(p: number, index: number, expected: number, value: number, _point: unknown): unknown {
    return runtime.compareExchange(words, p + this.off + index, expected, value, 0);
  }
}

/** A plain word, or a float64 (`wide`); with `getAt` and `setAt` a run of them. */
class ExploredPlain {
  readonly off: number;
  readonly #wide: boolean;
  constructor(off: number, wide: boolean) {
    this.off = off;
    this.#wide = wide;
  }
  get(p: number, site: number): unknown {
    return this.getAt(p, 0, site);
  }
  set(p: number, value: number, site: number): void {
    this.setAt(p, 0, value, site);
  }
  peek(p: number, _point: unknown): unknown {
    return runtime.peek(words, p + this.off);
  }
  getAt(p: number, index: number, site: number): unknown {
    return this.#wide
      ? runtime.get(doubles, ((p + this.off) >> 1) + index, site)
      : runtime.get(words, p + this.off + index, site);
  }
  setAt(p: number, index: number, value: number, site: number): void {
    if (this.#wide) runtime.set(doubles, ((p + this.off) >> 1) + index, value, site);
    else runtime.set(words, p + this.off + index, value, site);
  }
}

function explored(field: unknown): unknown {
  if (field instanceof Atomic) return new ExploredAtomic(field.off);
  if (field instanceof AtomicArray) return new ExploredAtomics(field.off);
  if (field instanceof Plain || field instanceof PlainArray) return new ExploredPlain(field.off, false);
  if (field instanceof PlainF64 || field instanceof PlainF64Array) return new ExploredPlain(field.off, true);
  return field;
}

/** As the door of the same name, with fields that are explored. */
export function struct(name: string, spec: { readonly [field: string]: plainDoors.Spec }): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(plainDoors.struct(name, spec)).map(([key, field]) => [key, explored(field)]),
  );
}
