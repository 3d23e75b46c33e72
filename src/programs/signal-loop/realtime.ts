/**
 * Real-time signals: they queue, so none of them meets another; lower numbers come first, and those of one number in the
 * order in which they were sent; and each carries a value.
 */
import { signalfdSiginfoLayout } from '../../kernel/abi/layout.ts';
import {
  alloc,
  allocEpollEvent,
  atomicAdd32,
  atomicLoad32,
  blockSignals,
  check,
  dataSegment,
  EAGAIN,
  EPOLL_CTL_ADD,
  EPOLLIN,
  epollWait,
  type Guest,
  join,
  load32,
  openSignalfd,
  SA_SIGINFO,
  SFD_NONBLOCK,
  SIG_DFL,
  SIGINFO_BYTES,
  SIGNAL_INFO_BYTES,
  type SignalInfo,
  SIGRTMIN,
  sigaction,
  sigqueue,
  startThread,
  store32,
  sys,
  type Thread,
  trap,
  unblockSignals,
} from '../libc/index.ts';

const NUMBERS = [SIGRTMIN, SIGRTMIN + 1, SIGRTMIN + 2] as const;
const { ssi_signo, ssi_pid, ssi_int } = signalfdSiginfoLayout;
/** Values of a sender begin here, times its number. */
const SENDER_VALUES = 1_000_000;

/** What senders, reader and handler share. */
const NEXT_SENDER = 0;
const ROUNDS = 4;
const SENT = 8;
const FULL = 12;
const HANDLED = 16;
const VALUES = 20;
const VALUES_MAX = 16;
const SHARED_BYTES = VALUES + 4 * VALUES_MAX;

export interface Queueing {
  readonly sent: number;
  readonly received: number;
  /** Sends that the limit on queued signals (RLIMIT_SIGPENDING) made wait. */
  readonly full: number;
  readonly complaints: readonly string[];
}

/** Sends in turn to every number, each with the next value. */
export function* queuer(shared: number): Guest {
  const me = atomicAdd32(shared + NEXT_SENDER, 1);
  const info = alloc(SIGNAL_INFO_BYTES);
  for (let i = 0; i < load32(shared + ROUNDS); i++) {
    for (;;) {
      const sent = yield* sigqueue(trap.pid, NUMBERS[i % NUMBERS.length]!, me * SENDER_VALUES + i, info);
      if (sent === 0) break;
      if (sent !== -EAGAIN) check(sent, 'rt_sigqueueinfo');
      atomicAdd32(shared + FULL, 1);
      yield sys.sched_yield();
    }
    atomicAdd32(shared + SENT, 1);
  }
  return 0;
}

/** Notes the values in the order in which it is run. */
export function* onQueued(_signal: number, info: SignalInfo): Guest {
  const shared = load32(dataSegment());
  const index = atomicAdd32(shared + HANDLED, 1);
  if (index < VALUES_MAX) store32(shared + VALUES + 4 * index, info.value);
  // A handler may make system calls as any code may.
  yield sys.gettid();
  return 0;
}

interface Record {
  readonly signal: number;
  readonly value: number;
}

/** Everything that is pending now. */
function* readPending(fd: number, at: number, complaints: string[]): Guest<Record[]> {
  const records: Record[] = [];
  for (;;) {
    const n = yield sys.read(fd, at, SIGINFO_BYTES);
    if (n === -EAGAIN) return records;
    check(n, 'reading signals');
    if (load32(at + ssi_pid) !== trap.pid) complaints.push(`a record from process ${load32(at + ssi_pid)}`);
    records.push({ signal: load32(at + ssi_signo), value: load32(at + ssi_int) });
  }
}

/** Sent highest number first while nobody reads: they come lowest first. */
function* lowestFirst(fd: number, at: number, complaints: string[]): Guest<number> {
  const each = 4;
  for (let i = 0; i < each; i++) {
    for (const signal of [...NUMBERS].reverse()) check(yield* sigqueue(trap.pid, signal, i), 'rt_sigqueueinfo');
  }
  const found = (yield* readPending(fd, at, complaints)).map(({ signal, value }) => `${signal - SIGRTMIN}:${value}`);
  const wanted = NUMBERS.flatMap((_, n) => Array.from({ length: each }, (_unused, i) => `${n}:${i}`));
  if (found.join(' ') !== wanted.join(' ')) complaints.push(`sent together, they came as ${found.join(' ')}`);
  return found.length;
}

/** Of one number, handlers run in the order of the sends, each with its value. */
function* handledInOrder(shared: number, complaints: string[]): Guest<number> {
  const signal = NUMBERS[0];
  const count = 5;
  yield* sigaction(signal, onQueued, SA_SIGINFO);
  yield* blockSignals(signal);
  for (let i = 0; i < count; i++) check(yield* sigqueue(trap.pid, signal, 100 + i), 'rt_sigqueueinfo');
  if (atomicLoad32(shared + HANDLED) !== 0) complaints.push('a handler ran for a blocked signal');
  yield* unblockSignals(signal);
  const values = Array.from({ length: atomicLoad32(shared + HANDLED) }, (_, i) => load32(shared + VALUES + 4 * i));
  if (values.join(' ') !== '100 101 102 103 104') complaints.push(`handlers were given ${values.join(' ')}`);
  yield* sigaction(signal, SIG_DFL);
  return values.length;
}

export function* receiveRealTime(senders: number, rounds: number): Guest<Queueing> {
  const shared = alloc(SHARED_BYTES);
  store32(dataSegment(), shared);
  store32(shared + ROUNDS, rounds);
  const complaints: string[] = [];
  const at = alloc(SIGINFO_BYTES);
  const handled = yield* handledInOrder(shared, complaints);
  const fd = yield* openSignalfd(SFD_NONBLOCK, ...NUMBERS);
  const together = yield* lowestFirst(fd, at, complaints);

  const epoll = check(yield sys.epoll_create1(0), 'epoll_create1');
  check(yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, allocEpollEvent(EPOLLIN, fd)), 'epoll_ctl');
  const events = alloc(16);
  const threads: Thread[] = [];
  for (let i = 0; i < senders; i++) threads.push(yield* startThread(queuer, shared));
  const latest = new Map<string, number>();
  let received = 0;
  while (received < senders * rounds) {
    check(yield epollWait(epoll, events, 1, -1), 'epoll_wait');
    for (const { signal, value } of yield* readPending(fd, at, complaints)) {
      const stream = `sender ${Math.floor(value / SENDER_VALUES)} of signal ${signal}`;
      const before = latest.get(stream) ?? -1;
      if (value % SENDER_VALUES <= before) complaints.push(`${stream}: ${value % SENDER_VALUES} came after ${before}`);
      latest.set(stream, value % SENDER_VALUES);
      received++;
    }
  }
  for (const thread of threads) yield* join(thread);
  const late = (yield* readPending(fd, at, complaints)).length;
  if (late > 0) complaints.push(`${late} more came than were sent`);
  yield sys.close(epoll);
  yield sys.close(fd);
  yield* unblockSignals(...NUMBERS);
  const alone = handled + together;
  return {
    sent: atomicLoad32(shared + SENT) + alone,
    received: received + alone,
    full: atomicLoad32(shared + FULL),
    complaints,
  };
}
