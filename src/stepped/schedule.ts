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
