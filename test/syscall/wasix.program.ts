// What a guest may rely on of WASIX's epoll: what the project's own tests of it ask for; `main` runs the scenario that argv
// names.
import {
  alloc,
  allocEpollEvent,
  EAGAIN,
  EBADF,
  EEXIST,
  EFD_NONBLOCK,
  EFD_SEMAPHORE,
  EINVAL,
  ENOENT,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLIN,
  EPOLLOUT,
  type Guest,
  load32,
  store64,
  sys,
} from '../../src/programs/libc/index.ts';

function same(found: number, wanted: number, promise: string): void {
  if (found !== wanted) throw new Error(`broken promise: ${promise} (found ${found}, wanted ${wanted})`);
}
function* control(epoll: number, op: number, fd: number, events = EPOLLIN): Guest {
  return yield sys.epoll_ctl(epoll, op, fd, allocEpollEvent(events, fd));
}
function* wait(epoll: number, events: number): Guest {
  return yield sys.epoll_wait(epoll, events, 4, 0);
}
function* tell(fd: number): Guest {
  const one = alloc(8);
  store64(one, 1n);
  return yield sys.write(fd, one, 8);
}
function* instance(): Guest<[epoll: number, fd: number, events: number]> {
  const epoll = yield sys.epoll_create1(0);
  return [epoll, yield sys.eventfd2(0, EFD_NONBLOCK), alloc(64)];
}

function* numbersAreKeys(): Guest {
  const [epoll, fd, events] = yield* instance();
  same(yield* control(epoll, EPOLL_CTL_MOD, fd), -ENOENT, 'MOD of a stranger');
  same(yield* control(epoll, EPOLL_CTL_DEL, fd), -ENOENT, 'DEL of one');
  same(yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, 0), -EINVAL, 'ADD of no event');
  same(yield* control(epoll, EPOLL_CTL_ADD, epoll), -EINVAL, 'of itself');
  same(yield* control(epoll, EPOLL_CTL_ADD, yield sys.epoll_create1(0)), -EBADF, 'of another instance');
  same(yield* control(epoll, EPOLL_CTL_ADD, fd), 0, 'ADD');
  same(yield* control(epoll, EPOLL_CTL_ADD, fd), -EEXIST, 'ADD twice');
  yield* tell(fd);
  same(yield sys.close(fd), 0, 'close');
  same(yield* wait(epoll, events), 0, 'a wait after the close finds nothing');
  same(yield sys.eventfd2(0, EFD_NONBLOCK), fd, 'the number is used again');
  same(yield* control(epoll, EPOLL_CTL_ADD, fd), 0, 'and may be added');
  yield* tell(fd);
  same(yield* wait(epoll, events), 1, 'and tells');
  return 0;
}

/** The project's epoll-create-ctl-wait. */
function* silencedAndChanged(): Guest {
  const [epoll, first, events] = yield* instance();
  const second = yield sys.eventfd2(0, 0);
  yield* control(epoll, EPOLL_CTL_ADD, first);
  yield* control(epoll, EPOLL_CTL_ADD, second);
  yield* tell(first);
  yield* tell(second);
  same(yield* wait(epoll, events), 2, 'both tell');
  same(load32(events + 4), first, 'in the order in which they were told');
  same(yield* wait(epoll, events), 0, 'and once');
  same(yield* control(epoll, EPOLL_CTL_DEL, first), 0, 'DEL');
  yield* tell(first);
  yield* tell(second);
  same(yield* wait(epoll, events), 1, 'silences');
  same(load32(events + 4), second, 'the one that it named');
  yield* tell(second);
  same(yield* control(epoll, EPOLL_CTL_MOD, second, EPOLLOUT), 0, 'MOD to OUT');
  same(yield* wait(epoll, events), 1, 'tells what is so already');
  same(load32(events), EPOLLOUT, 'and nothing of what it was told before');
  return 0;
}

function* semaphoreCounts(): Guest {
  const fd = yield sys.eventfd2(0, EFD_SEMAPHORE | EFD_NONBLOCK);
  const value = alloc(8);
  store64(value, 4n);
  same(yield sys.write(fd, value, 8), 8, 'write');
  for (let i = 0; i < 4; i++) {
    same(yield sys.read(fd, value, 8), 8, 'a read');
    same(load32(value), 1, 'takes one');
  }
  same(yield sys.read(fd, value, 8), -EAGAIN, 'and no more');
  return 0;
}

/** Three pushes, of which one is new, and one entry that is stale. */
function* countsItsQueue(): Guest {
  const [epoll, fd, events] = yield* instance();
  yield* control(epoll, EPOLL_CTL_ADD, fd);
  for (let i = 0; i < 3; i++) yield* tell(fd);
  same(yield* wait(epoll, events), 1, 'one event of three writes');
  yield* tell(fd);
  yield* control(epoll, EPOLL_CTL_MOD, fd);
  same(yield* wait(epoll, events), 1, 'the entry from before MOD is not handed out');
  yield* tell(fd);
  yield* control(epoll, EPOLL_CTL_DEL, fd);
  same(yield* wait(epoll, events), 0, 'nor that of one who has gone');
  return 0;
}

const scenarios: Readonly<Record<string, () => Guest>> = {
  numbersAreKeys,
  silencedAndChanged,
  semaphoreCounts,
  countsItsQueue,
};

export function* main(_argument: number, argv: unknown): Guest {
  return yield* scenarios[String(argv)]!();
}
