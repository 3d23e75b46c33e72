// What a process shares with its child of an instance and of a timer; `main` runs the scenario that argv names.
import {
  alloc,
  allocEpollEvent,
  CLOCK_MONOTONIC,
  EBADF,
  EFD_NONBLOCK,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLET,
  EPOLLIN,
  epollData64At,
  fork,
  type Guest,
  load32,
  load64,
  store64,
  sys,
  TFD_NONBLOCK,
  TFD_TIMER_ABSTIME,
  waitpid,
} from '../../src/programs/libc/index.ts';

function same(found: number | bigint, wanted: number | bigint, promise: string): void {
  if (found !== wanted) throw new Error(`broken promise: ${promise} (found ${found}, wanted ${wanted})`);
}

/** Two descriptors, or three, in one number, for a child. */
function packed(...fds: readonly number[]): number {
  return fds.reduce((all, fd, index) => all + fd * 256 ** index, 0);
}
function unpacked(all: number, index: number): number {
  return Math.floor(all / 256 ** index) % 256;
}

function* write1(fd: number): Guest {
  const one = alloc(8);
  store64(one, 1n);
  return yield sys.write(fd, one, 8);
}

/** @returns the data of the one event, 0 if there is none */
function* told(epoll: number): Guest {
  const events = alloc(32);
  return (yield sys.epoll_wait(epoll, events, 2, 0)) === 1 ? Number(epollData64At(events, 0)) : 0;
}

export function* changesAndTakes(argument: number): Guest {
  const [epoll, source] = [unpacked(argument, 0), unpacked(argument, 1)];
  yield sys.epoll_ctl(epoll, EPOLL_CTL_MOD, source, allocEpollEvent(EPOLLIN | EPOLLET, 2));
  yield* write1(source);
  return yield sys.exit_group(yield* told(epoll));
}
function* childrenChangeAndTake(): Guest {
  const epoll = yield sys.epoll_create1(0);
  const source = yield sys.eventfd2(0, EFD_NONBLOCK);
  yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, source, allocEpollEvent(EPOLLIN | EPOLLET, 1));
  const child = yield* fork(changesAndTakes, packed(epoll, source));
  same((yield* waitpid(child)).code!, 2, 'G6: the child takes the edge, with the data of its MOD');
  same(yield* told(epoll), 0, 'G6: what the child took is gone');
  yield* write1(source);
  same(yield* told(epoll), 2, 'G6: what the child changed is changed');
  return 0;
}

export function* addsItsOwn(argument: number): Guest {
  const [epoll, ready, end] = [unpacked(argument, 0), unpacked(argument, 1), unpacked(argument, 2)];
  const own = yield sys.eventfd2(1, 0);
  yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, own, allocEpollEvent(EPOLLIN, 9));
  yield* write1(ready);
  yield sys.read(end, alloc(8), 8);
  return yield sys.exit_group(own);
}
function* entriesAreOfWhoAdded(): Guest {
  const epoll = yield sys.epoll_create1(0);
  const ready = yield sys.eventfd2(0, 0);
  const end = yield sys.eventfd2(0, 0);
  const child = yield* fork(addsItsOwn, packed(epoll, ready, end));
  yield sys.read(ready, alloc(8), 8);
  same(yield* told(epoll), 9, 'G7: a file that only the child has is reported');
  yield* write1(end);
  const own = (yield* waitpid(child)).code!;
  same(yield sys.epoll_ctl(epoll, EPOLL_CTL_DEL, own, 0), -EBADF, "G7: its number is the child's, and none here");
  same(yield* told(epoll), 0, 'G7: with the child goes its file, and the entry');
  return 0;
}

export function* setsTheTimer(timer: number): Guest {
  const setting = alloc(32);
  store64(setting + 24, 1n);
  return yield sys.exit_group(-(yield sys.timerfd_settime(timer, TFD_TIMER_ABSTIME, setting, 0)));
}
function* timersAreShared(): Guest {
  const timer = yield sys.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  same((yield* waitpid(yield* fork(setsTheTimer, timer))).code!, 0, 'a child');
  const count = alloc(8);
  same(yield sys.read(timer, count, 8), 8, 'I15: the timer that the child has set expires here');
  same(load64(count), 1n, 'once');
  return 0;
}

export function* countsDown(source: number): Guest {
  const value = alloc(8);
  yield sys.read(source, value, 8);
  return yield sys.exit_group(load32(value));
}
function* countersAreShared(): Guest {
  const source = yield sys.eventfd2(7, EFD_NONBLOCK);
  same((yield* waitpid(yield* fork(countsDown, source))).code!, 7, 'H11: the child reads what the parent wrote');
  same(yield sys.read(source, alloc(8), 8), -11, 'H11: and nothing is left');
  return 0;
}

const scenarios: Record<string, () => Guest> = {
  childrenChangeAndTake,
  entriesAreOfWhoAdded,
  timersAreShared,
  countersAreShared,
};

export function* main(_argument: number, argv: unknown): Guest {
  return yield* scenarios[String(argv)]!();
}
