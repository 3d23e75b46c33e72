/**
 * The guest side of `repoll_wake`: waiters in epoll_wait, and a task on the same CPU that writes to an eventfd which none
 * of them watches, then yields. One operation is one write and everything that it starts: when the writer runs again,
 * whoever was woken has looked and sleeps.
 */

import { type BenchArguments, BenchBoard } from '../src/bench/board.ts';
import { alloc, EFD_NONBLOCK, type Guest, store64, sys } from '../src/programs/libc/index.ts';
import { startWaiters } from './waiters.ts';

export { waiter } from './waiters.ts';

export function* main(_argument: number, argv: BenchArguments): Guest {
  const board = new BenchBoard(argv.board);
  const { iterations, waiters, fds } = board.read();
  if (!(yield* startWaiters(waiters, fds, 0, () => 0))) {
    board.fail(1);
    return 1;
  }
  const unwatched = yield sys.eventfd2(0, EFD_NONBLOCK);
  const one = alloc(8);
  store64(one, 1n);
  // The last waiter has said that it arrives, and has not slept yet.
  yield sys.sched_yield();
  let wrong = 0;
  const startNs = performance.now() * 1e6;
  for (let i = 0; i < iterations; i++) {
    wrong |= (yield sys.write(unwatched, one, 8)) ^ 8;
    yield sys.sched_yield();
  }
  const totalNs = performance.now() * 1e6 - startNs;
  if (wrong === 0) board.finish(totalNs);
  else board.fail(wrong);
  return wrong === 0 ? 0 : 1;
}
