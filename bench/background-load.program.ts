/**
 * What runs while a machine is only watched (`observe` of the sampler): tasks that wait in epoll_wait for what never
 * comes, and tasks that never stop trapping. The process ends with its machine.
 */

import { type BenchArguments, BenchBoard } from '../src/bench/board.ts';
import { type Guest, startThread, sys } from '../src/programs/libc/index.ts';
import { startWaiters } from './waiters.ts';

export { waiter } from './waiters.ts';

/** Looks that a waiter takes before it waits: enough for the compiler of its CPU to have seen the scan. */
const WARMUP_LOOKS = 3000;

export function* busy(_argument: number): Guest {
  for (;;) yield sys.getpid();
}

export function* main(cpus: number, argv: BenchArguments): Guest {
  const board = new BenchBoard(argv.board);
  const { waiters, fds, busy: wantsBusy } = board.read();
  const wait = yield* startWaiters(waiters, fds, WARMUP_LOOKS, (index) => index % cpus);
  // The sampler says that the load did not settle.
  if (!wait) return 1;
  if (wantsBusy === 1) for (let cpu = 0; cpu < cpus; cpu++) yield* startThread(busy, 0, cpu);
  board.settle();
  // This thread goes, the others stay: it must neither wait nor be woken while they are watched.
  return yield sys.exit(0);
}
