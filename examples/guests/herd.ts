// A guest in TypeScript: waiters, each with an epoll of its own, watch one eventfd; every write is meant for one of them.
import {
  alloc,
  allocEpollEvent,
  atomicAdd32,
  atomicLoad32,
  check,
  EAGAIN,
  EFD_NONBLOCK,
  EFD_SEMAPHORE,
  EPOLL_CTL_ADD,
  EPOLLIN,
  futexWakeAll,
  epollWait,
  type Guest,
  join,
  load32,
  startThread,
  store32,
  store64,
  sys,
  type Thread,
  waitForChange,
} from 'smplab/guest';

export interface HerdOptions {
  readonly waiters: number;
  readonly writes: number;
}

/** Offsets of the words that all threads share. */
const EVENT = 0;
const WRITES = 4;
const TAKEN = 8;

export function* waiter(shared: number): Guest {
  const event = load32(shared + EVENT);
  const epoll = check(yield sys.epoll_create1(0), 'epoll_create1');
  check(yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, event, allocEpollEvent(EPOLLIN, event)), 'epoll_ctl');
  const events = alloc(16);
  const value = alloc(8);
  for (;;) {
    check(yield epollWait(epoll, events, 1, -1), 'epoll_wait');
    if (atomicLoad32(shared + TAKEN) >= load32(shared + WRITES)) return 0;
    const n = yield sys.read(event, value, 8);
    if (n === -EAGAIN) continue; // another waiter was faster
    check(n, 'read');
    atomicAdd32(shared + TAKEN, 1);
    yield* futexWakeAll(shared + TAKEN);
  }
}

export function* main(_argument: number, { waiters, writes }: HerdOptions): Guest {
  const shared = alloc(16);
  const event = check(yield sys.eventfd2(0, EFD_NONBLOCK | EFD_SEMAPHORE), 'eventfd2');
  store32(shared + EVENT, event);
  store32(shared + WRITES, writes);
  const threads: Thread[] = [];
  for (let i = 0; i < waiters; i++) threads.push(yield* startThread(waiter, shared));
  const one = alloc(8);
  store64(one, 1n);
  for (let i = 0; i < writes; i++) {
    check(yield sys.write(event, one, 8), 'write');
    yield* waitForChange(shared + TAKEN, i);
  }
  // All see that it is over. A waiter that was still on its way from the last write may take one, so there is one more.
  store64(one, BigInt(waiters + 1));
  check(yield sys.write(event, one, 8), 'write');
  for (const thread of threads) yield* join(thread);
  return 0;
}
