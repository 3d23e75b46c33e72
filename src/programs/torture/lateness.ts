/**
 * How late waits ended, as the timer torture counts it on its board and the host reads it: each bucket holds what is
 * twice as late as the one before.
 */
import type { TortureBoard } from './board.ts';

/** Places among a worker's figures. */
const WAITS = 0;
const LATE_MAX = 1;
const BUCKETS_AT = 4;
const BUCKETS = 24;
/** The first bucket ends at 2^10 ns. */
const FIRST_BIT = 10;

export interface Lateness {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export function countLateness(board: TortureBoard, worker: number, ns: number): void {
  const late = Math.max(0, ns);
  const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.floor(Math.log2(late + 1)) - FIRST_BIT + 1));
  board.addValue(worker, WAITS, 1);
  board.maxValue(worker, LATE_MAX, late);
  board.addValue(worker, BUCKETS_AT + bucket, 1);
}

/** In ns; a percentile is the end of its bucket, which may lie beyond the largest. */
export function latenessOf(board: TortureBoard): Lateness {
  const total = board.sumOf(WAITS);
  const max = Math.round(board.largestOf(LATE_MAX));
  return { p50: Math.min(endOf(board, total * 0.5), max), p99: Math.min(endOf(board, total * 0.99), max), max };
}

function endOf(board: TortureBoard, rank: number): number {
  let seen = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    seen += board.sumOf(BUCKETS_AT + bucket);
    if (seen >= rank) return 2 ** (FIRST_BIT + bucket);
  }
  return 2 ** (FIRST_BIT + BUCKETS);
}
