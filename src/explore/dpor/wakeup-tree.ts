/**
 * Sequences of steps, and trees of them: what must still be run from a place. After Abdulla, Aronis, Jonsson, Sagonas,
 * "Source Sets: A Foundation for Optimal Dynamic Partial Order Reduction" (JACM 2017), section 6.
 *
 * A tree holds one way to run each class of sequences that differ only in the order of independent steps; `insert` leaves it
 * alone where what it holds covers the new sequence. So no run has to be given up half-way.
 */
import { AFTER_ALL } from './execution.ts';
import { longer } from './trace.ts';

/** A step that must come, and what must come after it; one of the branches of a tree. */
export interface Branch {
  readonly thread: number;
  readonly effect: number;
  readonly wakes: number;
  readonly next: Branch[];
}

/** Does the order of these steps of two threads matter? */
export function dependent(
  thread: number,
  effect: number,
  wakes: number,
  otherThread: number,
  otherEffect: number,
  otherWakes: number,
): boolean {
  if (effect === AFTER_ALL || otherEffect === AFTER_ALL) return true;
  if (effect >> 1 === otherEffect >> 1 && ((effect | otherEffect) & 1) !== 0) return true;
  return (wakes & (1 << otherThread)) !== 0 || (otherWakes & (1 << thread)) !== 0;
}

/** One sequence, used over and over. */
export class Sequence {
  length = 0;
  #thread = new Int32Array(256);
  #effect = new Int32Array(256);
  #wakes = new Int32Array(256);

  add(thread: number, effect: number, wakes: number): void {
    if (this.length === this.#thread.length) {
      this.#thread = longer(this.#thread, 2);
      this.#effect = longer(this.#effect, 2);
      this.#wakes = longer(this.#wakes, 2);
    }
    this.#thread[this.length] = thread;
    this.#effect[this.length] = effect;
    this.#wakes[this.length++] = wakes;
  }

  /** Could the thread go first, by a step of the sequence or by one that it leaves as it is? */
  mayBegin(thread: number, effect: number, wakes: number): boolean {
    const at = this.#firstOf(thread);
    return at === this.length ? this.#allows(thread, effect, wakes) : this.#isInitial(at);
  }

  /** Makes it one of what the tree holds. @returns false if the tree covers it already */
  insertInto(tree: Branch[]): boolean {
    let branches = tree;
    for (;;) {
      if (this.length === 0) return false;
      const covering = branches.find(({ thread, effect, wakes }) => this.mayBegin(thread, effect, wakes));
      if (covering === undefined) break;
      if (covering.next.length === 0) return false;
      this.#remove(this.#firstOf(covering.thread));
      branches = covering.next;
    }
    for (let i = 0; i < this.length; i++) {
      const branch = { thread: this.#thread[i]!, effect: this.#effect[i]!, wakes: this.#wakes[i]!, next: [] };
      branches.push(branch);
      branches = branch.next;
    }
    return true;
  }

  #firstOf(thread: number): number {
    let at = 0;
    while (at < this.length && this.#thread[at] !== thread) at++;
    return at;
  }
  /** Nothing before it in the sequence has to come before it. */
  #isInitial(at: number): boolean {
    const [thread, effect, wakes] = [this.#thread[at]!, this.#effect[at]!, this.#wakes[at]!];
    for (let i = 0; i < at; i++) {
      if (dependent(thread, effect, wakes, this.#thread[i]!, this.#effect[i]!, this.#wakes[i]!)) return false;
    }
    return true;
  }
  #allows(thread: number, effect: number, wakes: number): boolean {
    for (let i = 0; i < this.length; i++) {
      if (dependent(thread, effect, wakes, this.#thread[i]!, this.#effect[i]!, this.#wakes[i]!)) return false;
    }
    return true;
  }
  #remove(at: number): void {
    if (at === this.length) return;
    this.#thread.copyWithin(at, at + 1, this.length);
    this.#effect.copyWithin(at, at + 1, this.length);
    this.#wakes.copyWithin(at, at + 1, this.length);
    this.length--;
  }
}
