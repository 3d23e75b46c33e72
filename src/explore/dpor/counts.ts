/**
 * The table of known counts: each program of litmus.ts at each size, what GenMC's own tests say under sequential
 * consistency, and what this search completes. Fewer would mean that it leaves something out, more that it does some things
 * twice.
 */
import { exploreAll } from './dpor.ts';
import { litmus } from './litmus.ts';

export interface CountRow {
  readonly name: string;
  /** threads, or the program's size */
  readonly n: number;
  /** executions that GenMC's tests expect */
  readonly expected: number;
  readonly complete: number;
  /** runs in which a thread did not get what its spinning assumed; GenMC's expectations do not count these */
  readonly blocked: number;
  /** runs given up because they were covered already */
  readonly cut: number;
  readonly operations: number;
  readonly seconds: number;
}

/** Name, sizes, expected counts; `slow` names the sizes that take longer than two seconds on a busy host. */
interface Known {
  readonly name: string;
  readonly sizes: readonly number[];
  readonly expected: readonly number[];
  readonly slow?: readonly number[];
}

const KNOWN: readonly Known[] = [
  { name: 'ainc', sizes: [2, 3, 4, 5, 6, 7], expected: [2, 6, 24, 120, 720, 5040] },
  { name: 'lock2inc', sizes: [2, 3, 4, 5, 6, 7], expected: [2, 6, 24, 120, 720, 5040], slow: [7] },
  { name: 'inc', sizes: [2, 3, 4], expected: [4, 36, 576] },
  { name: 'binc', sizes: [2, 3, 4], expected: [4, 36, 576] },
  { name: 'casw', sizes: [2, 3, 4, 5], expected: [6, 66, 1200, 32880] },
  { name: 'casrot', sizes: [2, 3, 4, 5, 6, 7, 8, 9], expected: [2, 5, 14, 43, 144, 523, 2048, 8597] },
  { name: 'readers', sizes: [2, 8, 13], expected: [4, 256, 8192] },
  { name: 'lastzero', sizes: [5, 10, 15], expected: [64, 3328, 147456], slow: [15] },
  { name: 'indexer', sizes: [12, 15], expected: [8, 4096] },
  { name: 'fib_bench', sizes: [5], expected: [218243], slow: [5] },
  { name: 'Peterson', sizes: [2], expected: [4] },
  { name: 'Szymanski', sizes: [2], expected: [6] },
  { name: 'Lamport', sizes: [2], expected: [16] },
  { name: 'Dekker', sizes: [2], expected: [3] },
  { name: 'SB', sizes: [2], expected: [3] },
  { name: 'MP', sizes: [2], expected: [3] },
  { name: 'LB', sizes: [2], expected: [3] },
];

/** @param sizes quick: those that take less than two seconds each */
export function counts(sizes: 'all' | 'quick'): CountRow[] {
  const rows: CountRow[] = [];
  for (const { name, sizes: every, expected, slow = [] } of KNOWN) {
    for (const [i, n] of every.entries()) {
      if (sizes === 'quick' && slow.includes(n)) continue;
      const started = performance.now();
      const { complete, blocked, cut, operations } = exploreAll(litmus(name, n));
      const seconds = (performance.now() - started) / 1000;
      rows.push({ name, n, expected: expected[i]!, complete, blocked, cut, operations, seconds });
    }
  }
  return rows;
}
