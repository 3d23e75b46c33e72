/**
 * Tells on which thread of the host this CPU runs, so that the benchmarks can pin it. Linux only; elsewhere the board
 * gets no figure.
 */

import { readlinkSync } from 'node:fs';

import { type BenchArguments, BenchBoard } from '../src/bench/board.ts';
import type { Guest } from '../src/programs/libc/index.ts';

// biome-ignore lint/correctness/useYield: a program is a generator; this one makes no system call
export function* main(_argument: number, argv: BenchArguments): Guest {
  const board = new BenchBoard(argv.board);
  const thread = readlinkSync('/proc/thread-self').split('/').at(-1);
  board.finish(Number(thread));
  return 0;
}
