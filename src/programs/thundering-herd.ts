/**
 * A thundering herd: many threads wait on one epoll instance, one of which is meant by each write. How many wake for
 * nothing is the design's doing, and the machine's statistics tell.
 *
 *     smplab run thundering-herd --set waiters=16 --set writes=100
 */
import {
  alloc,
  allocEpollEvent,
  atomicAdd32,
  atomicLoad32,
  EFD_NONBLOCK,
  EFD_SEMAPHORE,
  EPOLL_CTL_ADD,
  EPOLLIN,
  futexWakeAll,
  epollWait,
  type Guest,
  join,
  load32,
  print,
  startThread,
  store32,
  store64,
  sys,
  type Thread,
  waitForChange,
} from './libc/index.ts';

export interface HerdOptions {
  readonly waiters?: number;
  readonly writes?: number;
}

/** Offsets of the words that all threads share. */
const EPOLL = 0;
const EVENT = 4;
const TAKEN = 8;
const WRITES = 12;

export function* waiter(shared: number): Guest {
  const epoll = load32(shared + EPOLL);
  const fd = load32(shared + EVENT);
  const writes = load32(shared + WRITES);
  const events = alloc(16);
  const value = alloc(8);
  for (;;) {
    const ready = yield epollWait(epoll, events, 1, -1);
    if (ready < 0) return ready;
    if (atomicLoad32(shared + TAKEN) >= writes) {
      // Where an event is told once, by whom it was written, whoever sees the end must tell the next.
      store64(value, 1n);
      yield sys.write(fd, value, 8);
      return 0;
    }
    const n = yield sys.read(fd, value, 8);
    if (n !== 8) continue;
    if (atomicAdd32(shared + TAKEN, 1) >= writes) {
      // That was the token which says that it is over: the others need it too.
      yield sys.write(fd, value, 8);
      return 0;
    }
    yield* futexWakeAll(shared + TAKEN);
  }
}

export function* main(_argument: number, options: HerdOptions | undefined): Guest {
  const waiters = options?.waiters ?? 8;
  const writes = options?.writes ?? 100;
  const shared = alloc(64);
  const epoll = yield sys.epoll_create1(0);
  const fd = yield sys.eventfd2(0, EFD_NONBLOCK | EFD_SEMAPHORE);
  yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, allocEpollEvent(EPOLLIN, fd));
  store32(shared + EPOLL, epoll);
  store32(shared + EVENT, fd);
  store32(shared + WRITES, writes);
  const threads: Thread[] = [];
  for (let i = 0; i < waiters; i++) threads.push(yield* startThread(waiter, shared));
  const one = alloc(8);
  store64(one, 1n);
  for (let i = 0; i < writes; i++) {
    yield sys.write(fd, one, 8);
    yield* waitForChange(shared + TAKEN, i);
  }
  // One more write, which nobody takes: all see that it is over.
  yield sys.write(fd, one, 8);
  for (const thread of threads) yield* join(thread);
  const taken = Math.min(atomicLoad32(shared + TAKEN), writes);
  print(`${waiters} waiters, ${writes} writes: ${taken} taken`);
  return taken === writes ? 0 : 1;
}
