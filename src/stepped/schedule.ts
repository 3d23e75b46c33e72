/**
 * How a schedule is written down: pairs of numbers, a choice and how many points its CPU passed. A choice is a CPU and how
 * it got its turn. Whatever else a run does follows from these.
 */

/** It could go on. */
export const CHOSEN = 0;
/** It slept for a limited time, and the clock jumped to the end of it. */
export const TIMED_OUT = 1;
/** The clock jumped by a tick before it went on. */
export const TICKED = 2;
const KINDS = 3;

export function entryOf(cpu: number, kind: number): number {
  return cpu * KINDS + kind;
}
export function cpuOfEntry(entry: number): number {
  return (entry / KINDS) | 0;
}
export function kindOfEntry(entry: number): number {
  return entry % KINDS;
}

/** What a strategy may look at. */
export interface View {
  readonly cpus: number;
  /** The word that a CPU touches when it goes on, as far as it is known: 0 before its first operation. */
  nextWord(cpu: number): number;
  /** Operations of the run so far. */
  readonly steps: number;
}

/** A schedule as it is being written down. */
export class ScheduleRecord {
  #numbers = new Int32Array(256);
  #length = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }
  begin(): void {
    this.#length = 0;
  }
  /** A turn begins; how long it was is known when it is over. */
  open(entry: number): void {
    if (this.#length + 2 > this.#numbers.length) {
      const longer = new Int32Array(2 * this.#numbers.length);
      longer.set(this.#numbers);
      this.#numbers = longer;
    }
    this.#numbers[this.#length] = entry;
    this.#length += 2;
  }
  close(points: number): void {
    if (this.#length > 0) this.#numbers[this.#length - 1] = points;
  }
  toArray(): number[] {
    return Array.from(this.#numbers.subarray(0, this.#length));
  }
}
