/**
 * What runs while a machine is only watched (`observe` of the sampler): tasks that wait in epoll_wait for what never
 * comes, and tasks that never stop trapping. The process ends with its machine.
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
  storeEpollEvent,
  sys,
  waitForChange,
} from '../src/programs/libc/index.ts';

/** Looks that a waiter takes before it waits: enough for the compiler of its CPU to have seen the scan. */
const WARMUP_LOOKS = 3000;
const WARMUP_NS = 30e6;

/** The memory that all threads share: descriptors a waiter watches, and how many waiters are about to wait. */
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
  const endNs = performance.now() * 1e6 + WARMUP_NS;
  for (let i = 0; i < WARMUP_LOOKS && performance.now() * 1e6 < endNs; i++) yield sys.epoll_wait(epoll, event, 1, 0);
  // A waiter that could not be set up never arrives, and the sampler says that the load did not settle.
  if (worst < 0) return 1;
  atomicAdd32(shared + ARRIVED, 1);
  yield* futexWakeAll(shared + ARRIVED);
  for (;;) {
    const answer = yield sys.epoll_wait(epoll, event, 1, -1);
    if (answer !== 0) return answer;
  }
}

export function* busy(_argument: number): Guest {
  for (;;) yield sys.getpid();
}

export function* main(cpus: number, argv: BenchArguments): Guest {
  const board = new BenchBoard(argv.board);
  const { waiters, fds, busy: wantsBusy } = board.read();
  const shared = alloc(SHARED_BYTES);
  store32(shared + FDS, fds);
  for (let i = 0; i < waiters; i++) yield* startThread(waiter, shared, i % cpus);
  for (let arrived = 0; arrived < waiters; ) arrived = yield* waitForChange(shared + ARRIVED, arrived);
  if (wantsBusy === 1) for (let cpu = 0; cpu < cpus; cpu++) yield* startThread(busy, 0, cpu);
  board.settle();
  // This thread goes, the others stay: it must neither wait nor be woken while they are watched.
  return yield sys.exit(0);
}
