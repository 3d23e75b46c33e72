/**
 * A storm of wakeups, every message numbered and accounted for. Pairs of threads on all CPUs play ping-pong through pipes,
 * eventfds and epoll, while a timer fires and signals interrupt them. Ends with 1 if anything was lost, doubled or out
 * of order.
 *
 *     smplab run wake-storm --cpus 4 --checks --set rounds=20000
 */
import {
  alloc,
  allocEpollEvent,
  atomicAdd32,
  atomicLoad32,
  atomicStore32,
  dataSegment,
  EAGAIN,
  EINTR,
  EPOLL_CTL_ADD,
  EPOLLIN,
  epollWait,
  type Guest,
  join,
  load32,
  load64,
  makePipe,
  O_NONBLOCK,
  pollFor,
  print,
  SA_RESTART,
  SIGUSR1,
  sigaction,
  startThread,
  store32,
  store64,
  storeTimespec,
  sys,
  type Thread,
} from './libc/index.ts';

export interface StormOptions {
  /** Messages that each pair sends to and fro. */
  readonly rounds?: number;
  /** Pairs of each kind. */
  readonly pairs?: number;
  readonly cpus?: number;
}

/** Words of the record of one end of a pair. */
const READ_FD = 0;
const WRITE_FD = 4;
const ROUNDS = 8;
const DONE = 12;
const ERRORS = 16;
/** How it waits for a message. */
const WAITS = 20;
/** What is added to a round's number to make its message: an eventfd cannot carry 0. */
const BASE = 24;
/** 1: it answers a message with the next round's; 0: it passes the same on. */
const STEP = 28;
const END_BYTES = 32;
const WAIT_IN_READ = 0;
const WAIT_IN_EPOLL = 1;
const WAIT_IN_POLL = 2;
/** Words of the storm's record. */
const RUNNING = 0;
const SIGNALS_SENT = 4;
const SIGNALS_TAKEN = 8;
const TIMER_READS = 12;
const TIMER_EXPIRATIONS = 16;

/** The data segment begins with the address of the storm's record. */
export function* onSignal(): Guest {
  atomicAdd32(load32(dataSegment()) + SIGNALS_TAKEN, 1);
  yield sys.gettid();
  return 0;
}

/** Waits for a message in the way of this end, and reads it. @returns what read answered last */
function* receive(waits: number, fd: number, epoll: number, buffer: number, scratch: number): Guest {
  for (;;) {
    if (waits === WAIT_IN_EPOLL) {
      const ready = yield epollWait(epoll, scratch, 2, 10_000);
      if (ready === -EINTR) continue;
      if (ready !== 1) return ready;
    }
    const n = yield sys.read(fd, buffer, 8);
    if (n !== -EAGAIN || waits !== WAIT_IN_POLL) return n;
    store32(scratch, fd);
    store32(scratch + 4, EPOLLIN);
    storeTimespec(scratch + 8, 1e9);
    yield pollFor(scratch, 1, scratch + 8);
  }
}

/** One end of a pair: every round it gets a message, looks whether it is the right one, and sends one. */
export function* player(end: number): Guest {
  const [readFd, writeFd, rounds] = [load32(end + READ_FD), load32(end + WRITE_FD), load32(end + ROUNDS)];
  const [waits, base, step] = [load32(end + WAITS), load32(end + BASE), load32(end + STEP)];
  const buffer = alloc(8);
  const scratch = alloc(32);
  const epoll = waits === WAIT_IN_EPOLL ? yield sys.epoll_create1(0) : -1;
  if (epoll >= 0) yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, readFd, allocEpollEvent(EPOLLIN, readFd));
  for (let round = 0; round < rounds; round++) {
    const n = yield* receive(waits, readFd, epoll, buffer, scratch);
    if (n !== 8 || load64(buffer) !== BigInt(round + base)) atomicAdd32(end + ERRORS, 1);
    // Whoever answers with the next round has nothing to say after the last.
    if (step === 0 || round + 1 < rounds) {
      store64(buffer, round + step + base);
      if ((yield sys.write(writeFd, buffer, 8)) !== 8) atomicAdd32(end + ERRORS, 1);
    }
    atomicStore32(end + DONE, round + 1);
  }
  if (epoll >= 0) yield sys.close(epoll);
  return 0;
}

/** Reads a periodic timer until the storm is over. */
export function* timerEnd(storm: number): Guest {
  const fd = yield sys.timerfd_create(1, 0);
  const setting = alloc(32);
  storeTimespec(setting, 2e6);
  storeTimespec(setting + 16, 2e6);
  yield sys.timerfd_settime(fd, 0, setting, 0);
  const buffer = alloc(8);
  while (atomicLoad32(storm + RUNNING) === 1) {
    if ((yield sys.read(fd, buffer, 8)) !== 8) break;
    atomicAdd32(storm + TIMER_READS, 1);
    atomicAdd32(storm + TIMER_EXPIRATIONS, load32(buffer));
  }
  yield sys.close(fd);
  return 0;
}

const KINDS = {
  pipe: { waits: [WAIT_IN_READ, WAIT_IN_READ], base: 0 },
  event: { waits: [WAIT_IN_READ, WAIT_IN_READ], base: 1 },
  epoll: { waits: [WAIT_IN_EPOLL, WAIT_IN_POLL], base: 0 },
} as const;
type Kind = keyof typeof KINDS;

/** @returns what one end reads and writes, and what the other does */
function* openPair(kind: Kind): Guest<readonly [read: number, write: number][]> {
  if (kind === 'event') {
    const a = yield sys.eventfd2(0, 0);
    const b = yield sys.eventfd2(0, 0);
    return [
      [a, b],
      [b, a],
    ];
  }
  const there = yield* makePipe(kind === 'epoll' ? O_NONBLOCK : 0);
  const back = yield* makePipe(kind === 'epoll' ? O_NONBLOCK : 0);
  return [
    [there.read, back.write],
    [back.read, there.write],
  ];
}

/** Starts two ends on two CPUs and gives the first one its first message. */
function* startPair(
  kind: Kind,
  rounds: number,
  cpus: readonly number[],
): Guest<{ threads: Thread[]; records: number[] }> {
  const { waits, base } = KINDS[kind];
  const ends = yield* openPair(kind);
  const threads: Thread[] = [];
  const records: number[] = [];
  for (const [step, [read, write]] of ends.entries()) {
    const end = alloc(END_BYTES);
    store32(end + READ_FD, read);
    store32(end + WRITE_FD, write);
    store32(end + ROUNDS, rounds);
    store32(end + WAITS, waits[step]!);
    store32(end + BASE, base);
    store32(end + STEP, step);
    records.push(end);
    threads.push(yield* startThread(player, end, cpus[step]));
  }
  const message = alloc(8);
  store64(message, base);
  yield sys.write(ends[1]![1], message, 8);
  return { threads, records };
}

export function* main(_argument: number, options: StormOptions | undefined): Guest {
  const rounds = options?.rounds ?? 1000;
  const pairs = options?.pairs ?? 2;
  const cpus = options?.cpus ?? 2;
  const storm = alloc(64);
  store32(dataSegment(), storm);
  store32(storm + RUNNING, 1);
  yield* sigaction(SIGUSR1, onSignal, SA_RESTART);
  const threads: Thread[] = [];
  const records: number[] = [];
  let next = 0;
  for (const kind of ['pipe', 'event', 'epoll'] as const) {
    for (let i = 0; i < pairs; i++) {
      const started = yield* startPair(kind, rounds, [next % cpus, (next + 1) % cpus]);
      threads.push(...started.threads);
      records.push(...started.records);
      next++;
    }
  }
  const timer = yield* startThread(timerEnd, storm);
  const pid = yield sys.getpid();
  const pause = alloc(16);
  storeTimespec(pause, 1e6);
  // Signals go round the threads while any of them plays.
  for (let turn = 0; records.some((pair) => atomicLoad32(pair + DONE) < rounds); turn++) {
    if (records.some((pair) => atomicLoad32(pair + ERRORS) > 0)) break;
    const target = threads[turn % threads.length]!;
    if (atomicLoad32(target.aliveAt) !== 0 && (yield sys.tgkill(pid, target.tid, SIGUSR1)) === 0) {
      atomicAdd32(storm + SIGNALS_SENT, 1);
    }
    yield sys.nanosleep(pause, 0);
  }
  for (const thread of threads) yield* join(thread);
  atomicStore32(storm + RUNNING, 0);
  yield* join(timer);
  const done = records.reduce((sum, pair) => sum + load32(pair + DONE), 0);
  const errors = records.reduce((sum, pair) => sum + load32(pair + ERRORS), 0);
  const expected = records.length * rounds;
  print(
    `${done} of ${expected} messages, ${errors} errors, ` +
      `${load32(storm + SIGNALS_TAKEN)} of ${load32(storm + SIGNALS_SENT)} signals handled, ` +
      `${load32(storm + TIMER_EXPIRATIONS)} timer expirations in ${load32(storm + TIMER_READS)} reads`,
  );
  return done === expected && errors === 0 ? 0 : 1;
}
