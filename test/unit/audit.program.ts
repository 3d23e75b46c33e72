// A guest that has something of everything, and then sleeps: for the audit to look at.
import {
  alloc,
  allocEpollEvent,
  allocTimespec,
  blockSignals,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLET,
  EPOLLIN,
  EPOLLONESHOT,
  EPOLLOUT,
  type Guest,
  load32,
  startThread,
  store64,
  storeTimespec,
  sys,
} from '../../src/programs/libc/index.ts';

/** Sleeps for its deadline alone. */
export function* sleeper(): Guest {
  yield sys.nanosleep(allocTimespec(100e9), 0);
  return 0;
}

export function* pollsTwo(fds: number): Guest {
  const entries = alloc(16);
  store64(entries, BigInt(load32(fds)) | (BigInt(EPOLLIN) << 32n));
  store64(entries + 8, BigInt(load32(fds + 8)) | (BigInt(EPOLLIN) << 32n));
  return yield sys.poll(entries, 2, -1);
}

export function* main(): Guest {
  yield* blockSignals(40);
  const pipe = alloc(8);
  yield sys.pipe(pipe);
  const bytes = alloc(10_000);
  yield sys.write(load32(pipe + 4), bytes, 10_000);
  yield sys.read(load32(pipe), bytes, 100);
  const pair = alloc(8);
  yield sys.socketpair(1, 1, 0, pair);
  yield sys.write(load32(pair), bytes, 9000);
  const memfd = yield sys.memfd_create(bytes, 0);
  yield sys.write(memfd, bytes, 5000);
  const event = yield sys.eventfd2(0, 0);
  const timer = yield sys.timerfd_create(1, 0);
  const setting = alloc(32);
  storeTimespec(setting + 16, 50e9);
  yield sys.timerfd_settime(timer, 0, setting, 0);
  const epoll = yield sys.epoll_create1(0);
  const inner = yield sys.epoll_create1(0);
  for (const fd of [event, timer, load32(pair), inner]) {
    yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, allocEpollEvent(EPOLLIN | EPOLLET, fd));
  }
  yield sys.close(timer);
  yield* startThread(sleeper, 0, 0);
  yield* startThread(sleeper, 0, 0);
  yield* startThread(sleeper, 0, 1);
  // Two ends that nothing comes to: the write end of the pipe, and an empty eventfd.
  const waits = alloc(16);
  store64(waits, event);
  store64(waits + 8, event);
  yield* startThread(pollsTwo, waits, 1);
  for (let i = 0; i < 2; i++) yield sys.kill(yield sys.getpid(), 40);
  const futex = alloc(8);
  yield sys.futex(futex, 0, 0, 0, 0, 0);
  return 0;
}

/** An interest that fires once, on edges, is asked for something else and let go: its source has no watcher left. */
export function* oneshotEdges(): Guest {
  const event = yield sys.eventfd2(1, 0);
  const pair = alloc(8);
  yield sys.pipe(pair);
  const epoll = yield sys.epoll_create1(0);
  const events = alloc(64);
  for (const fd of [event, load32(pair + 4)]) {
    yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, allocEpollEvent(EPOLLIN | EPOLLOUT | EPOLLET | EPOLLONESHOT, fd));
  }
  yield sys.epoll_wait(epoll, events, 4, 0);
  for (const fd of [event, load32(pair + 4)]) {
    yield sys.epoll_ctl(epoll, EPOLL_CTL_MOD, fd, allocEpollEvent(EPOLLIN | EPOLLET, fd));
    yield sys.epoll_ctl(epoll, EPOLL_CTL_DEL, fd, 0);
  }
  yield sys.pause();
  return 0;
}
