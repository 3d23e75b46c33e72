// Two races after gVisor's tests of epoll, DoubleEpollOneShot and ReadyMutexCircularity. A lost wakeup shows as a sleep that
// nobody ends; every other broken promise is printed, and `main` answers how many there were.
import {
  alloc,
  allocEpollEvent,
  atomicAdd32,
  atomicLoad32,
  atomicStore32,
  bytesAt,
  check,
  checkWhole,
  EAGAIN,
  EPOLL_CTL_ADD,
  EPOLL_CTL_MOD,
  EPOLLIN,
  EPOLLONESHOT,
  epollDataAt,
  epollWait,
  type Guest,
  join,
  load8,
  load32,
  lockMutex,
  openSignalfd,
  blockSignals,
  print,
  readAll,
  SFD_NONBLOCK,
  SIGINFO_BYTES,
  SIGUSR1,
  SOCK_STREAM,
  AF_UNIX,
  startThread,
  store32,
  store8,
  sys,
  trap,
  unlockMutex,
} from '../../src/programs/libc/index.ts';

export interface RaceOptions {
  readonly race: 'one-shot' | 'signals';
  readonly rounds: number;
  /** Does the design tell what is so, and not what was so when it was told? */
  readonly looksAgain: boolean;
}

const MESSAGE_BYTES = 6;
const GO_ON = 1;
const STOP = 2;
const DATA = 77;

/** What the threads share, by offset. */
const MUTEX = 0;
const SERVER_END = 4;
const CLIENT_END = 8;
const ROUNDS = 12;
const COMPLAINTS = 16;
const ANSWERED = 20;
const OVER = 24;
const MAIN = 28;
const SHARED_BYTES = 32;

function complain(shared: number, what: string): void {
  atomicAdd32(shared + COMPLAINTS, 1);
  print(`gvisor-races: ${what}`);
}

/** Answers every request; the last two answers tell the clients to stop. */
export function* server(shared: number): Guest {
  const fd = load32(shared + SERVER_END);
  const rounds = load32(shared + ROUNDS);
  const message = alloc(8);
  for (let round = 0; round < rounds; round++) {
    checkWhole(yield* readAll(fd, message, MESSAGE_BYTES), MESSAGE_BYTES, 'a request');
    store8(message, round < rounds - 2 ? GO_ON : STOP);
    checkWhole(yield sys.write(fd, message, MESSAGE_BYTES), MESSAGE_BYTES, 'an answer');
  }
  return 0;
}

/** Asks, waits on an instance of its own for a one-shot event of the end that all clients share, reads, arms again. */
export function* client(shared: number): Guest {
  const fd = load32(shared + CLIENT_END);
  const epoll = check(yield sys.epoll_create1(0), 'epoll_create1');
  const event = allocEpollEvent(EPOLLIN | EPOLLONESHOT, DATA);
  const told = allocEpollEvent(0, 0);
  const message = alloc(8);
  check(yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, event), 'ADD');
  for (;;) {
    bytesAt(message, MESSAGE_BYTES).fill(GO_ON);
    yield* lockMutex(shared + MUTEX);
    checkWhole(yield sys.write(fd, message, MESSAGE_BYTES), MESSAGE_BYTES, 'asking');
    yield* unlockMutex(shared + MUTEX);
    const events = yield epollWait(epoll, told, 1, -1);
    if (events !== 1) complain(shared, `a wait without end told ${events} events`);
    if (epollDataAt(told, 0) !== DATA) complain(shared, `an event with the data ${epollDataAt(told, 0)}`);
    yield* lockMutex(shared + MUTEX);
    checkWhole(yield* readAll(fd, message, MESSAGE_BYTES), MESSAGE_BYTES, 'an answer');
    yield* unlockMutex(shared + MUTEX);
    atomicAdd32(shared + ANSWERED, 1);
    if (load8(message) === STOP) return 0;
    check(yield sys.epoll_ctl(epoll, EPOLL_CTL_MOD, fd, event), 'MOD');
  }
}

/** Each of two instances arms one end of a socket anew, while answers for either come in. */
function* oneShot(shared: number): Guest<void> {
  const ends = alloc(8);
  check(yield sys.socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 'socketpair');
  store32(shared + SERVER_END, load32(ends));
  store32(shared + CLIENT_END, load32(ends + 4));
  const threads = [yield* startThread(server, shared)];
  for (let i = 0; i < 2; i++) threads.push(yield* startThread(client, shared));
  for (const thread of threads) yield* join(thread);
  const answered = atomicLoad32(shared + ANSWERED);
  if (answered !== load32(shared + ROUNDS)) complain(shared, `${answered} answers were read`);
}

/** Sends, and at the very end once more: whoever takes that one knows that it is the last. */
export function* sender(shared: number): Guest {
  const rounds = load32(shared + ROUNDS);
  for (let round = 0; round < rounds; round++)
    check(yield sys.tgkill(trap.pid, load32(shared + MAIN), SIGUSR1), 'tgkill');
  atomicStore32(shared + OVER, 1);
  return check(yield sys.tgkill(trap.pid, load32(shared + MAIN), SIGUSR1), 'the last tgkill');
}

/** Signals come in while the instance that watches for them is waited on: neither side may hold up the other. */
function* signals(shared: number, looksAgain: boolean): Guest<void> {
  yield* blockSignals(SIGUSR1);
  const fd = check(yield* openSignalfd(SFD_NONBLOCK, SIGUSR1), 'signalfd');
  const epoll = check(yield sys.epoll_create1(0), 'epoll_create1');
  check(yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, allocEpollEvent(EPOLLIN, DATA)), 'ADD');
  const told = allocEpollEvent(0, 0);
  const record = alloc(SIGINFO_BYTES);
  store32(shared + MAIN, trap.tid);
  const thread = yield* startThread(sender, shared);
  for (let over = 0; over === 0; ) {
    const events = yield epollWait(epoll, told, 1, -1);
    if (events !== 1) complain(shared, `a wait without end told ${events} events`);
    const n = yield sys.read(fd, record, SIGINFO_BYTES);
    if (n === SIGINFO_BYTES) over = atomicLoad32(shared + OVER);
    else if (n !== -EAGAIN || looksAgain) complain(shared, `a signal was told, and reading it answered ${n}`);
  }
  yield* join(thread);
  const events = yield epollWait(epoll, told, 1, 0);
  const n = yield sys.read(fd, record, SIGINFO_BYTES);
  if (n === SIGINFO_BYTES && events !== 1) complain(shared, 'a signal was pending, and no wait told it');
  if (n !== SIGINFO_BYTES && events === 1 && looksAgain) complain(shared, 'a wait told a signal that was not pending');
}

export function* main(_argument: number, { race, rounds, looksAgain }: RaceOptions): Guest {
  const shared = alloc(SHARED_BYTES);
  store32(shared + ROUNDS, rounds);
  if (race === 'one-shot') yield* oneShot(shared);
  else yield* signals(shared, looksAgain);
  return atomicLoad32(shared + COMPLAINTS);
}
