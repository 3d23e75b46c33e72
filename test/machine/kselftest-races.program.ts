// The three races of kselftest's epoll wakeup tests (59 to 61), each of many rounds. A lost event shows as a wait that ends
// without one; every broken promise is printed, and `main` answers how many there were.
import {
  alloc,
  allocEpollEvent,
  atomicAdd32,
  atomicLoad32,
  atomicStore32,
  check,
  checkWhole,
  EAGAIN,
  EFD_NONBLOCK,
  EPOLL_CTL_ADD,
  EPOLL_CTL_MOD,
  EPOLLET,
  EPOLLIN,
  epollDataAt,
  epollWait,
  futexWakeAll,
  type Guest,
  join,
  load32,
  print,
  sleepNs,
  startThread,
  store32,
  store64,
  sys,
  type Thread,
  waitForChange,
} from '../../src/programs/libc/index.ts';

export interface RaceOptions {
  readonly race: 'armed-anew' | 'all-at-once' | 'at-the-timeout';
  readonly rounds: number;
  /** Does a MOD of what is ready tell it again? If not, a write does. */
  readonly modTells: boolean;
  /** Is an edge told to one waiter only? If not, who was told reads, and whoever finds nothing waits again. */
  readonly edgesAreTold: boolean;
}

const WAITERS = 10;
const LIMIT_MS = 5_000;
/** The wait with a limit, and a write just before that limit. */
const TIMEOUT_MS = 1;
const JUST_BEFORE_NS = 950_000;

/** What the threads share, by offset. */
const EPOLL = 0;
const EVENTFD = 4;
const OVER = 8;
const COMPLAINTS = 12;
const ROUND = 16;
const DONE = 20;
const BY_WRITE = 24;
const ONLY_ONE = 28;
const SHARED_BYTES = 32;

function complain(shared: number, what: string): void {
  atomicAdd32(shared + COMPLAINTS, 1);
  print(`kselftest-races: ${what}`);
}

function* tell(fd: number): Guest<void> {
  const one = alloc(8);
  store64(one, 1n);
  checkWhole(yield sys.write(fd, one, 8), 8, 'write');
}

/** 59: arms the entry anew, again and again, until the waiter has had enough. */
export function* armer(shared: number): Guest {
  const [epoll, fd] = [load32(shared + EPOLL), load32(shared + EVENTFD)];
  const event = allocEpollEvent(EPOLLIN | EPOLLET, fd);
  const one = alloc(8);
  store64(one, 1n);
  while (atomicLoad32(shared + OVER) === 0) {
    check(yield sys.epoll_ctl(epoll, EPOLL_CTL_MOD, fd, event), 'MOD');
    if (load32(shared + BY_WRITE) === 1) checkWhole(yield sys.write(fd, one, 8), 8, 'write');
    check(yield sys.sched_yield(), 'sched_yield');
  }
  return 0;
}

function* armedAnew(shared: number, rounds: number): Guest<void> {
  const epoll = check(yield sys.epoll_create1(0), 'epoll_create1');
  const fd = check(yield sys.eventfd2(1, EFD_NONBLOCK), 'eventfd2');
  store32(shared + EPOLL, epoll);
  store32(shared + EVENTFD, fd);
  check(yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, allocEpollEvent(EPOLLIN | EPOLLET, fd)), 'ADD');
  const thread = yield* startThread(armer, shared);
  const told = allocEpollEvent(0, 0);
  for (let round = 0; round < rounds; round++) {
    const events = yield epollWait(epoll, told, 1, LIMIT_MS);
    if (events !== 1) complain(shared, `round ${round}: armed anew, and a wait told ${events} events`);
    if (events !== 1) break;
  }
  atomicStore32(shared + OVER, 1);
  yield* join(thread);
}

/** 60: in each round takes one of the events that come all at once. */
export function* taker(shared: number): Guest {
  const epoll = load32(shared + EPOLL);
  const told = allocEpollEvent(0, 0);
  const value = alloc(8);
  for (let seen = 0; ; ) {
    for (let round = seen; round === seen; ) round = yield* waitForChange(shared + ROUND, seen);
    seen = atomicLoad32(shared + ROUND);
    if (atomicLoad32(shared + OVER) === 1) return 0;
    for (;;) {
      const events = yield sys.epoll_pwait(epoll, told, 1, LIMIT_MS, 0, 8);
      if (events !== 1) complain(shared, `a waiter was told ${events} events`);
      if (events !== 1) break;
      const n = yield sys.read(epollDataAt(told, 0), value, 8);
      if (n === 8) break;
      if (n !== -EAGAIN || load32(shared + ONLY_ONE) === 1)
        complain(shared, `an event was told, and reading answered ${n}`);
    }
    if (atomicAdd32(shared + DONE, 1) + 1 === WAITERS) yield* futexWakeAll(shared + DONE);
  }
}

function* allAtOnce(shared: number, rounds: number): Guest<void> {
  const epoll = check(yield sys.epoll_create1(0), 'epoll_create1');
  store32(shared + EPOLL, epoll);
  const fds: number[] = [];
  for (let i = 0; i < WAITERS; i++) {
    const fd = check(yield sys.eventfd2(0, EFD_NONBLOCK), 'eventfd2');
    check(yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, allocEpollEvent(EPOLLIN | EPOLLET, fd)), 'ADD');
    fds.push(fd);
  }
  const threads: Thread[] = [];
  for (let i = 0; i < WAITERS; i++) threads.push(yield* startThread(taker, shared));
  for (let round = 1; round <= rounds && atomicLoad32(shared + COMPLAINTS) === 0; round++) {
    atomicStore32(shared + DONE, 0);
    atomicStore32(shared + ROUND, round);
    yield* futexWakeAll(shared + ROUND);
    for (const fd of fds) yield* tell(fd);
    for (let done = 0; done < WAITERS; ) done = yield* waitForChange(shared + DONE, done);
  }
  atomicStore32(shared + OVER, 1);
  atomicStore32(shared + ROUND, rounds + 1);
  yield* futexWakeAll(shared + ROUND);
  for (const thread of threads) yield* join(thread);
}

/** 61: writes just before the limit of the one is over. */
export function* lateWriter(shared: number): Guest {
  yield* sleepNs(JUST_BEFORE_NS);
  yield* tell(load32(shared + EVENTFD));
  return 0;
}
/** Whoever has a limit passes on what it was told. */
export function* limited(shared: number): Guest {
  const events = yield epollWait(load32(shared + EPOLL), allocEpollEvent(0, 0), 1, TIMEOUT_MS);
  if (events === 1) yield* tell(load32(shared + EVENTFD));
  return check(events, 'epoll_wait');
}
export function* unlimited(shared: number): Guest {
  const events = yield epollWait(load32(shared + EPOLL), allocEpollEvent(0, 0), 1, -1);
  if (events !== 1) complain(shared, `a wait without end told ${events} events`);
  return 0;
}

function* atTheTimeout(shared: number, rounds: number): Guest<void> {
  for (let round = 0; round < rounds; round++) {
    const epoll = check(yield sys.epoll_create1(0), 'epoll_create1');
    const fd = check(yield sys.eventfd2(0, EFD_NONBLOCK), 'eventfd2');
    store32(shared + EPOLL, epoll);
    store32(shared + EVENTFD, fd);
    check(yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, allocEpollEvent(EPOLLIN | EPOLLET, fd)), 'ADD');
    const threads: Thread[] = [];
    for (const body of [lateWriter, limited, unlimited]) threads.push(yield* startThread(body, shared));
    for (const thread of threads) yield* join(thread);
    check(yield sys.close(fd), 'close');
    check(yield sys.close(epoll), 'close');
  }
}

export function* main(_argument: number, options: RaceOptions): Guest {
  const { race, rounds } = options;
  const shared = alloc(SHARED_BYTES);
  store32(shared + BY_WRITE, options.modTells ? 0 : 1);
  store32(shared + ONLY_ONE, options.edgesAreTold ? 1 : 0);
  if (race === 'armed-anew') yield* armedAnew(shared, rounds);
  else if (race === 'all-at-once') yield* allAtOnce(shared, rounds);
  else yield* atTheTimeout(shared, rounds);
  return atomicLoad32(shared + COMPLAINTS);
}
