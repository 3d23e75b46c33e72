// What the machine counts of epoll: five waits that end in every way there is, and three events.
import {
  alloc,
  allocEpollEvent,
  allocTimespec,
  EFD_NONBLOCK,
  EINTR,
  EPOLL_CTL_ADD,
  EPOLLIN,
  type Guest,
  join,
  SIGUSR1,
  sigaction,
  startThread,
  store64,
  sys,
} from '../../src/programs/libc/index.ts';

export function* handler(_signal: number): Guest {
  return yield sys.getpid();
}

export function* signaller(pid: number): Guest {
  yield sys.nanosleep(allocTimespec(30e6), 0);
  return yield sys.kill(pid, SIGUSR1);
}

/** @param interrupted whether a signal ends a wait */
export function* main(_argument: number, interrupted: unknown): Guest {
  const epoll = yield sys.epoll_create1(0);
  const events = alloc(32);
  const one = alloc(8);
  store64(one, 1n);
  if ((yield sys.epoll_wait(epoll, events, 2, 0)) !== 0) return 1;
  if ((yield sys.epoll_wait(epoll, events, 2, 20)) !== 0) return 2;
  yield* sigaction(SIGUSR1, handler);
  const thread = yield* startThread(signaller, yield sys.getpid());
  const third = yield sys.epoll_wait(epoll, events, 2, interrupted === true ? -1 : 100);
  if (third !== (interrupted === true ? -EINTR : 0)) return 3;
  yield* join(thread);
  let fd = -1;
  for (let i = 0; i < 2; i++) {
    fd = yield sys.eventfd2(1, EFD_NONBLOCK);
    yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, allocEpollEvent(EPOLLIN, fd));
  }
  if ((yield sys.epoll_wait(epoll, events, 2, -1)) !== 2) return 4;
  // Not every design tells by level again.
  yield sys.write(fd, one, 8);
  if ((yield sys.epoll_wait(epoll, events, 1, -1)) !== 1) return 5;
  return 0;
}
