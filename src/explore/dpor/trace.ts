/**
 * The current run as the search knows it: at each place who went, what that did, and what it happens after. Arrays of
 * numbers that are made once and grow; a run that shares its beginning with the last one keeps that beginning.
 *
 * Two steps depend on each other if they are one thread's, if they touch one word and one of them writes it, if one told
 * the other's thread to go on, or if one comes after all. The places of a word are chained backwards, so a step looks at
 * no more of them than it may race with.
 */
import { AFTER_ALL } from './execution.ts';

const NONE = -1;

export class Trace {
  length = 0;
  /** By place: the thread that went, its effect (see Execution), and the threads that it told to go on. */
  thread = new Int32Array(256);
  effect = new Int32Array(256);
  wakes = new Int32Array(256);
  /** By place: what the effect may be where the step comes earlier. */
  effectIfEarlier = new Int32Array(256);
  /** By place: which of its thread's steps this is, from 1. */
  sequence = new Int32Array(256);
  /** By place and thread: how many of the thread's steps happen before this one or are it. */
  clock: Int32Array;
  /** Pairs of places that are a race: the first, then the second. Of this run's new places only. */
  races = new Int32Array(64);
  raceCount = 0;
  readonly #threads: number;
  /** By place: the step before of the same thread, of the same word, and the last that wrote the word (or this one). */
  #ownBefore = new Int32Array(256);
  #wordBefore = new Int32Array(256);
  #wroteLast = new Int32Array(256);
  /** By place: what `#toldAt` of its thread was. */
  #toldBefore = new Int32Array(256);
  /** By word: its last place. By thread: its last place, and the one that told it to go on (until it went). */
  #lastOfWord = new Int32Array(1024).fill(NONE);
  readonly #lastOfThread: Int32Array;
  readonly #toldAt: Int32Array;

  constructor(threads: number) {
    this.#threads = threads;
    this.clock = new Int32Array(256 * threads);
    this.#lastOfThread = new Int32Array(threads).fill(NONE);
    this.#toldAt = new Int32Array(threads).fill(NONE);
  }

  /** Forgets all places from `length` on. */
  cutTo(length: number): void {
    while (this.length > length) {
      const at = --this.length;
      const thread = this.thread[at]!;
      this.#lastOfThread[thread] = this.#ownBefore[at]!;
      for (let left = this.wakes[at]!; left !== 0; left &= left - 1) this.#toldAt[31 - Math.clz32(left & -left)] = NONE;
      this.#toldAt[thread] = this.#toldBefore[at]!;
      const effect = this.effect[at]!;
      if (effect !== AFTER_ALL) this.#lastOfWord[effect >> 1] = this.#wordBefore[at]!;
    }
    this.raceCount = 0;
  }

  /** A step more. */
  add(thread: number, effect: number, wakes: number, effectIfEarlier: number): void {
    const at = this.length++;
    if (at === this.thread.length) this.#grow();
    this.thread[at] = thread;
    this.effect[at] = effect;
    this.wakes[at] = wakes;
    this.effectIfEarlier[at] = effectIfEarlier;
    const own = this.#lastOfThread[thread]!;
    this.#ownBefore[at] = own;
    this.#lastOfThread[thread] = at;
    const row = at * this.#threads;
    if (own === NONE) this.clock.fill(0, row, row + this.#threads);
    else this.clock.copyWithin(row, own * this.#threads, (own + 1) * this.#threads);
    this.sequence[at] = ++this.clock[row + thread]!;
    const told = this.#toldAt[thread]!;
    this.#toldBefore[at] = told;
    if (told !== NONE) this.#join(row, told);
    this.#toldAt[thread] = NONE;
    for (let left = wakes; left !== 0; left &= left - 1) this.#toldAt[31 - Math.clz32(left & -left)] = at;
    if (effect === AFTER_ALL) {
      for (let other = 0; other < this.#threads; other++) {
        if (this.#lastOfThread[other] !== NONE) this.#join(row, this.#lastOfThread[other]!);
      }
      return;
    }
    this.#meetWord(at, effect >> 1, (effect & 1) !== 0);
  }

  /** Does the step at `later` happen after the one at `earlier`? */
  after(later: number, earlier: number): boolean {
    return this.clock[later * this.#threads + this.thread[earlier]!]! >= this.sequence[earlier]!;
  }

  #meetWord(at: number, word: number, writes: boolean): void {
    if (word >= this.#lastOfWord.length) {
      const longer = new Int32Array(Math.max(word + 1, 2 * this.#lastOfWord.length)).fill(NONE);
      longer.set(this.#lastOfWord);
      this.#lastOfWord = longer;
    }
    const before = this.#lastOfWord[word]!;
    this.#wordBefore[at] = before;
    this.#lastOfWord[word] = at;
    const wrote = before === NONE ? NONE : this.#wroteLast[before]!;
    this.#wroteLast[at] = writes ? at : wrote;
    if (writes) for (let k = before; k !== wrote; k = this.#wordBefore[k]!) this.#meet(k, at);
    if (wrote !== NONE) this.#meet(wrote, at);
  }
  #meet(k: number, at: number): void {
    if (this.after(at, k)) return;
    this.#join(at * this.#threads, k);
    if (2 * this.raceCount === this.races.length) this.races = longer(this.races, 2);
    this.races[2 * this.raceCount] = k;
    this.races[2 * this.raceCount + 1] = at;
    this.raceCount++;
  }
  #join(row: number, k: number): void {
    const other = k * this.#threads;
    for (let i = 0; i < this.#threads; i++) {
      if (this.clock[other + i]! > this.clock[row + i]!) this.clock[row + i] = this.clock[other + i]!;
    }
  }
  #grow(): void {
    this.thread = longer(this.thread, 2);
    this.effect = longer(this.effect, 2);
    this.wakes = longer(this.wakes, 2);
    this.effectIfEarlier = longer(this.effectIfEarlier, 2);
    this.sequence = longer(this.sequence, 2);
    this.clock = longer(this.clock, 2);
    this.#ownBefore = longer(this.#ownBefore, 2);
    this.#wordBefore = longer(this.#wordBefore, 2);
    this.#wroteLast = longer(this.#wroteLast, 2);
    this.#toldBefore = longer(this.#toldBefore, 2);
  }
}

export function longer(array: Int32Array, times: number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(array.length * times);
  grown.set(array);
  return grown;
}
