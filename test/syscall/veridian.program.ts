// What VeridianOS's design of epoll promises beyond the recorded cases: its limits and its errors. A broken promise is the exit code.
import {
  alloc,
  allocEpollEvent,
  EFD_NONBLOCK,
  ENFILE,
  ENOSPC,
  EPERM,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLLIN,
  type Guest,
  sys,
} from '../../src/programs/libc/index.ts';

const INSTANCES = 256;
const ENTRIES = 1024;

export function* main(): Guest {
  const first = yield sys.epoll_create1(0);
  for (let i = 1; i < INSTANCES; i++) if ((yield sys.epoll_create1(0)) < 0) return 1;
  if ((yield sys.epoll_create1(0)) !== -ENFILE) return 2;
  yield sys.close(first);
  const epoll = yield sys.epoll_create1(0);
  if (epoll !== first) return 3;
  if ((yield sys.read(epoll, alloc(8), 8)) !== -EPERM) return 4;
  if ((yield sys.write(epoll, alloc(8), 8)) !== -EPERM) return 5;
  // Numbers behind which there is nothing will do.
  const event = allocEpollEvent(EPOLLIN, 1);
  for (let i = 0; i < ENTRIES; i++) if ((yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, 5000 - i, event)) !== 0) return 6;
  if ((yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, -7, event)) !== -ENOSPC) return 7;
  if ((yield sys.epoll_ctl(epoll, EPOLL_CTL_DEL, 5000, 0)) !== 0) return 8;
  if ((yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, -7, event)) !== 0) return 9;
  yield sys.eventfd2(1, EFD_NONBLOCK);
  return (yield sys.epoll_wait(epoll, alloc(32), 2, 0)) === 0 ? 0 : 10;
}
