/**
 * The stepped clock: virtual, the same for all CPUs. It stands where the kernel's clock door reads the host's, and
 * moves only as the scheduler has it: by a little at every operation of a turn, and to the deadline of a sleep that
 * times out. Where every point is asked about (turns of 0) it stands still between jumps, so that the same operations in
 * another order see the same time.
 */
import { turnGiven, turnLeft } from './steering.ts';

/** What an operation takes. */
export const STEP_NS = 10;

let baseNs = 0;
let readingNs = 0;

/** In place of the host's `performance`, in the clock door of the compiled kernel. */
export const $performance = {
  /** ms, as the host's */
  now(): number {
    baseNs += readingNs;
    return readClock() / 1e6;
  },
};

export function setClock(ns: number): void {
  baseNs = ns - STEP_NS * (turnGiven - turnLeft);
}

export function readClock(): number {
  return baseNs + STEP_NS * (turnGiven - turnLeft);
}

/** What it takes to read the clock: above 0, no two readings are the same, as on a host. */
export function setReadingCost(ns: number): void {
  readingNs = ns;
}
