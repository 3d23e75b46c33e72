/**
 * The guest side of `repoll_wake`: waiters in epoll_wait, and a task on the same CPU that writes to an eventfd which none
 * of them watches, then yields. One operation is one write and everything that it starts: when the writer runs again,
 * whoever was woken has looked and sleeps.
 */

import { type BenchArguments, BenchBoard } from '../src/bench/board.ts';
import {
  alloc,
  atomicAdd32,
  atomicLoad32,
  EFD_NONBLOCK,
  EPOLL_CTL_ADD,
  EPOLLIN,
  futexWakeAll,
  type Guest,
  startThread,
  store32,
  store64,
  storeEpollEvent,
  sys,
  waitForChange,
} from '../src/programs/libc/index.ts';

const FDS = 0;
const ARRIVED = 4;
const SHARED_BYTES = 8;

export function* waiter(shared: number): Guest {
  const fds = atomicLoad32(shared + FDS);
  const epoll = yield sys.epoll_create1(0);
  const event = alloc(16);
  let worst = 0;
  for (let i = 0; i < fds; i++) {
    const fd = yield sys.eventfd2(0, EFD_NONBLOCK);
    storeEpollEvent(event, EPOLLIN, fd);
    worst = Math.min(worst, fd, yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, event));
  }
  atomicAdd32(shared + ARRIVED, worst < 0 ? 1_000_000 : 1);
  yield* futexWakeAll(shared + ARRIVED);
  for (;;) {
    const answer = yield sys.epoll_wait(epoll, event, 1, -1);
    if (answer !== 0) return answer;
  }
}

export function* main(_argument: number, argv: BenchArguments): Guest {
  const board = new BenchBoard(argv.board);
  const { iterations, waiters, fds } = board.read();
  const shared = alloc(SHARED_BYTES);
  store32(shared + FDS, fds);
  for (let i = 0; i < waiters; i++) yield* startThread(waiter, shared, 0);
  for (let arrived = 0; arrived < waiters; ) arrived = yield* waitForChange(shared + ARRIVED, arrived);
  if (atomicLoad32(shared + ARRIVED) !== waiters) {
    board.fail(atomicLoad32(shared + ARRIVED));
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
