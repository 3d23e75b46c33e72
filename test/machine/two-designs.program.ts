// Three eventfds become ready in the order 3, 2, 1; the exit code says in which order one wait tells of them.
import {
  alloc,
  allocEpollEvent,
  EPOLL_CTL_ADD,
  EPOLLIN,
  epollDataAt,
  type Guest,
  store64,
  sys,
} from '../../src/programs/libc/index.ts';

export function* main(): Guest {
  const epoll = yield sys.epoll_create1(0);
  const sources: number[] = [];
  for (let i = 1; i <= 3; i++) {
    const fd = yield sys.eventfd2(0, 0);
    sources.push(fd);
    yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, allocEpollEvent(EPOLLIN, i));
  }
  const one = alloc(8);
  store64(one, 1n);
  for (const fd of sources.toReversed()) yield sys.write(fd, one, 8);
  const events = alloc(64);
  const count = yield sys.epoll_wait(epoll, events, 3, 0);
  let digits = 0;
  for (let i = 0; i < count; i++) digits = digits * 10 + epollDataAt(events, i);
  return digits;
}
