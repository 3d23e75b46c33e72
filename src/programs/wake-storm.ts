/**
 * A storm of wakeups, every message numbered and accounted for: pairs of threads on all CPUs play ping-pong through
 * pipes, eventfds and epoll, while a timer fires and signals interrupt them. Ends with 1 if anything was lost, doubled
 * or out of order.
 *
 *     smplab run wake-storm --cpus 4 --checks --set rounds=20000
 */
import {
  alloc,
  allocEpollEvent,
  atomicAdd32,
  atomicLoad32,
  atomicStore32,
  EAGAIN,
  EINTR,
  EPOLL_CTL_ADD,
  EPOLLIN,
  type Guest,
  join,
  load32,
  load64,
  O_NONBLOCK,
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

/** Words of a pair's record. */
const READ_FD = 0;
const WRITE_FD = 4;
const ROUNDS = 8;
const DONE = 12;
const ERRORS = 16;
const STORM = 20;
const PAIR_BYTES = 32;
/** Words of the storm's record. */
const RUNNING = 0;
const SIGNALS_SENT = 4;
const SIGNALS_TAKEN = 8;
const TIMER_READS = 12;
const TIMER_EXPIRATIONS = 16;

/** Where the handler counts: it gets a signal's number only, so the address lies at a fixed place of user memory. */
let stormOfThisThread = 0;

export function* onSignal(): Guest {
  atomicAdd32(stormOfThisThread + SIGNALS_TAKEN, 1);
  yield sys.gettid();
  return 0;
}

/** One end of a pipe pair: passes each number on, plus one. */
export function* pipeEnd(pair: number): Guest {
  const buffer = alloc(8);
  const rounds = load32(pair + ROUNDS);
  stormOfThisThread = load32(pair + STORM);
  for (let round = 0; round < rounds; round++) {
    const n = yield sys.read(load32(pair + READ_FD), buffer, 8);
    if (n !== 8 || load32(buffer) !== round) atomicAdd32(pair + ERRORS, 1);
    store32(buffer, round);
    if ((yield sys.write(load32(pair + WRITE_FD), buffer, 8)) !== 8) atomicAdd32(pair + ERRORS, 1);
    atomicStore32(pair + DONE, round + 1);
  }
  return 0;
}

/** As pipeEnd through eventfds, where the message is the counter: round + 1. */
export function* eventEnd(pair: number): Guest {
  const buffer = alloc(8);
  const rounds = load32(pair + ROUNDS);
  stormOfThisThread = load32(pair + STORM);
  for (let round = 0; round < rounds; round++) {
    const n = yield sys.read(load32(pair + READ_FD), buffer, 8);
    if (n !== 8 || load64(buffer) !== BigInt(round + 1)) atomicAdd32(pair + ERRORS, 1);
    store64(buffer, BigInt(round + 1));
    if ((yield sys.write(load32(pair + WRITE_FD), buffer, 8)) !== 8) atomicAdd32(pair + ERRORS, 1);
    atomicStore32(pair + DONE, round + 1);
  }
  return 0;
}

/** As pipeEnd, but waits in epoll_wait and reads without blocking. */
export function* epollEnd(pair: number): Guest {
  const buffer = alloc(8);
  const events = alloc(32);
  const rounds = load32(pair + ROUNDS);
  stormOfThisThread = load32(pair + STORM);
  const fd = load32(pair + READ_FD);
  const epoll = yield sys.epoll_create1(0);
  yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, allocEpollEvent(EPOLLIN, fd));
  for (let round = 0; round < rounds; ) {
    const ready = yield sys.epoll_wait(epoll, events, 2, 10_000);
    if (ready === -EINTR) continue;
    if (ready !== 1) {
      atomicAdd32(pair + ERRORS, 1);
      break;
    }
    const n = yield sys.read(fd, buffer, 8);
    if (n !== 8 || load32(buffer) !== round) atomicAdd32(pair + ERRORS, 1);
    store32(buffer, round);
    yield sys.write(load32(pair + WRITE_FD), buffer, 8);
    round++;
    atomicStore32(pair + DONE, round);
  }
  yield sys.close(epoll);
  return 0;
}

/** Reads a periodic timer until the storm is over. */
export function* timerEnd(storm: number): Guest {
  stormOfThisThread = storm;
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

function* makePipe(flags: number): Guest<[number, number]> {
  const at = alloc(8);
  yield sys.pipe2(at, flags);
  return [load32(at), load32(at + 4)];
}

/** Starts two ends on two CPUs and gives the first one its first message. */
function* startPair(
  kind: 'pipe' | 'event' | 'epoll',
  storm: number,
  rounds: number,
  cpus: readonly [number, number],
): Guest<{ threads: Thread[]; records: number[] }> {
  const records = [alloc(PAIR_BYTES), alloc(PAIR_BYTES)] as const;
  let first: [number, number];
  let second: [number, number];
  if (kind === 'event') {
    const a = yield sys.eventfd2(0, 0);
    const b = yield sys.eventfd2(0, 0);
    first = [a, b];
    second = [b, a];
  } else {
    const there = yield* makePipe(kind === 'epoll' ? O_NONBLOCK : 0);
    const back = yield* makePipe(kind === 'epoll' ? O_NONBLOCK : 0);
    first = [there[0], back[1]];
    second = [back[0], there[1]];
  }
  [first, second].forEach(([read, write], i) => {
    store32(records[i]! + READ_FD, read);
    store32(records[i]! + WRITE_FD, write);
    store32(records[i]! + ROUNDS, rounds);
    store32(records[i]! + STORM, storm);
  });
  const start = { pipe: pipeEnd, event: eventEnd, epoll: epollEnd }[kind];
  const threads = [
    yield* startThread(start, records[0], cpus[0]),
    yield* startThread(responder(kind), records[1], cpus[1]),
  ];
  const message = alloc(8);
  store64(message, kind === 'event' ? 1n : 0n);
  yield sys.write(second[1], message, 8);
  return { threads, records: [...records] };
}

function responder(kind: 'pipe' | 'event' | 'epoll'): unknown {
  return { pipe: pipeBack, event: eventBack, epoll: pipeBack }[kind];
}

/** The other end: answers each number with the next one, but for the last. */
export function* pipeBack(pair: number): Guest {
  const buffer = alloc(8);
  const entry = alloc(8);
  const rounds = load32(pair + ROUNDS);
  stormOfThisThread = load32(pair + STORM);
  for (let round = 0; round < rounds; ) {
    const n = yield sys.read(load32(pair + READ_FD), buffer, 8);
    if (n === -EAGAIN) {
      // A nonblocking end of the epoll kind: waits by poll instead.
      store32(entry, load32(pair + READ_FD));
      store32(entry + 4, EPOLLIN);
      while ((yield sys.read(load32(pair + READ_FD), buffer, 8)) === -EAGAIN) yield sys.poll(entry, 1, 1000);
    }
    if (load32(buffer) !== round) atomicAdd32(pair + ERRORS, 1);
    round++;
    atomicStore32(pair + DONE, round);
    if (round === rounds) return 0;
    store32(buffer, round);
    yield sys.write(load32(pair + WRITE_FD), buffer, 8);
  }
  return 0;
}

export function* eventBack(pair: number): Guest {
  const buffer = alloc(8);
  const rounds = load32(pair + ROUNDS);
  stormOfThisThread = load32(pair + STORM);
  for (let round = 0; round < rounds; ) {
    yield sys.read(load32(pair + READ_FD), buffer, 8);
    if (load64(buffer) !== BigInt(round + 1)) atomicAdd32(pair + ERRORS, 1);
    round++;
    atomicStore32(pair + DONE, round);
    if (round === rounds) return 0;
    store64(buffer, BigInt(round + 1));
    yield sys.write(load32(pair + WRITE_FD), buffer, 8);
  }
  return 0;
}

export function* main(_argument: number, options: StormOptions | undefined): Guest {
  const rounds = options?.rounds ?? 1000;
  const pairs = options?.pairs ?? 2;
  const cpus = options?.cpus ?? 2;
  const storm = alloc(64);
  stormOfThisThread = storm;
  store32(storm + RUNNING, 1);
  yield* sigaction(SIGUSR1, onSignal, SA_RESTART);
  const threads: Thread[] = [];
  const records: number[] = [];
  let next = 0;
  for (const kind of ['pipe', 'event', 'epoll'] as const) {
    for (let i = 0; i < pairs; i++) {
      const started = yield* startPair(kind, storm, rounds, [next % cpus, (next + 1) % cpus]);
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
