/**
 * The stepped clock: virtual, the same for all CPUs. It stands where the kernel's clock door reads the host's, and
 * moves only when the scheduler moves it: by a little at every turn, and to the deadline of a sleep that times out.
 */
let nowNs = 0;

/** In place of the host's `performance`, in the clock door of the compiled kernel. */
export const $performance = {
  /** ms, as the host's */
  now(): number {
    return nowNs / 1e6;
  },
};

export function setClock(ns: number): void {
  nowNs = ns;
}

export function readClock(): number {
  return nowNs;
}
