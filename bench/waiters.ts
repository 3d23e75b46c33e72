/**
 * Tasks that wait in epoll_wait for what never comes: the load of `background-load` and of `unwatched-writes`, whose
 * modules export `waiter` as their own.
 */
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

/** The memory that all share: descriptors a waiter watches, looks that it takes first, and how many are about to wait. */
const FDS = 0;
const LOOKS = 4;
const ARRIVED = 8;
const SHARED_BYTES = 12;

/** Added to the arrivals by a waiter that could not be set up. */
const FAILED = 1_000_000;
const LOOKS_LIMIT_NS = 30e6;

export function* waiter(shared: number): Guest {
  const fds = atomicLoad32(shared + FDS);
  const looks = atomicLoad32(shared + LOOKS);
  const epoll = yield sys.epoll_create1(0);
  const event = alloc(16);
  let worst = 0;
  for (let i = 0; i < fds; i++) {
    const fd = yield sys.eventfd2(0, EFD_NONBLOCK);
    storeEpollEvent(event, EPOLLIN, fd);
    worst = Math.min(worst, fd, yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, event));
  }
  const endNs = performance.now() * 1e6 + LOOKS_LIMIT_NS;
  for (let i = 0; i < looks && performance.now() * 1e6 < endNs; i++) yield sys.epoll_wait(epoll, event, 1, 0);
  atomicAdd32(shared + ARRIVED, worst < 0 ? FAILED : 1);
  yield* futexWakeAll(shared + ARRIVED);
  for (;;) {
    const answer = yield sys.epoll_wait(epoll, event, 1, -1);
    if (answer !== 0) return answer;
  }
}

/**
 * Starts waiters and waits until each of them is about to wait.
 * @param home of the waiter with this number
 * @param looks that a waiter takes before it waits, for at most 30 ms, so that the compiler of its CPU has seen the scan
 * @returns true if all could be set up
 */
export function* startWaiters(
  waiters: number,
  fds: number,
  looks: number,
  home: (index: number) => number,
): Guest<boolean> {
  const shared = alloc(SHARED_BYTES);
  store32(shared + FDS, fds);
  store32(shared + LOOKS, looks);
  for (let i = 0; i < waiters; i++) yield* startThread(waiter, shared, home(i));
  for (let arrived = 0; arrived < waiters; ) arrived = yield* waitForChange(shared + ARRIVED, arrived);
  return atomicLoad32(shared + ARRIVED) === waiters;
}
