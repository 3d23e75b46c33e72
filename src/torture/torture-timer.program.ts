/**
 * Timers of all kinds, in many threads: each wait is measured with the machine's own clock. Started by waits.ts.
 *
 *     never early     whoever waited for a time finds that it has passed
 *     never lost      nobody waits longer than the limit beyond it
 *     never doubled   a periodic timer has counted as many periods as have passed, and an alarm rings once
 *
 * How late they were is counted apart. Clocks of different CPUs may differ by what it takes to compare them.
 */
import {
  alloc,
  atomicAdd32,
  atomicLoad32,
  CLOCK_MONOTONIC,
  dataSegment,
  EAGAIN,
  EINTR,
  EPOLL_CTL_ADD,
  EPOLLIN,
  ETIMEDOUT,
  FUTEX_PRIVATE_FLAG,
  FUTEX_WAIT,
  type Guest,
  join,
  load64,
  loadTimespec,
  SIGALRM,
  sigaction,
  startThread,
  store32,
  store64,
  storeEpollEvent,
  storeTimespec,
  sys,
  TFD_NONBLOCK,
  TFD_TIMER_ABSTIME,
  type Thread,
  TIMER_ABSTIME,
} from '../programs/libc/index.ts';
import { TortureBoard } from '../programs/torture/board.ts';
import { countLateness } from '../programs/torture/lateness.ts';
import { Random } from '../programs/torture/random.ts';

export interface TimerTortureOptions {
  readonly board: SharedArrayBuffer;
  readonly seed: number;
  readonly cpus: number;
  readonly threads: number;
  /** A wait that ends so late was lost. */
  readonly limitNs: number;
}

/** What a clock may be ahead of another CPU's. */
const SKEW_NS = 50_000;
/** Times are stored in whole ns. */
const ROUNDING_NS = 2;
const LONGEST_NS = 12e6;
const SCRATCH_BYTES = 160;

/** The data segment: alarms that were handled, and where the threads' scratch lies. */
const ALARMS_HANDLED = 0;
const SCRATCH_AT = 8;

export function* onAlarm(): Guest {
  atomicAdd32(dataSegment() + ALARMS_HANDLED, 1);
  yield sys.gettid();
  return 0;
}

function* now(at: number): Guest {
  yield sys.clock_gettime(CLOCK_MONOTONIC, at);
  return loadTimespec(at);
}

class Watch {
  private readonly board: TortureBoard;
  private readonly place: number;
  private readonly limitNs: number;

  constructor(board: TortureBoard, place: number, limitNs: number) {
    this.board = board;
    this.place = place;
    this.limitNs = limitNs;
  }

  /** A wait until `dueNs` has ended at `nowNs`. @param slackNs so much earlier is no fault */
  ended(what: string, dueNs: number, nowNs: number, slackNs: number): void {
    const lateNs = nowNs - dueNs;
    this.board.count(this.place, true);
    if (lateNs < -slackNs) this.board.fail(`${what} ended ${Math.round(-lateNs)} ns early`);
    if (lateNs > this.limitNs) this.board.fail(`${what} ended ${(lateNs / 1e6).toFixed(1)} ms late`);
    countLateness(this.board, this.place, lateNs);
  }
  expect(what: string, answer: number, ...wanted: readonly number[]): void {
    if (!wanted.includes(answer)) this.board.fail(`${what} answered ${answer}`);
  }
}

/** What one thread has to wait with; `clock` is where `now` stores the time. */
interface Tools {
  readonly clock: number;
  readonly watch: Watch;
  readonly random: Random;
  /** Two timespecs, a word that nobody changes, a buffer. */
  readonly time: number;
  readonly word: number;
  readonly buffer: number;
  readonly epoll: number;
  readonly timerfd: number;
}

function someNs(random: Random): number {
  return random.once(4) ? random.below(20_000) : random.below(LONGEST_NS);
}

function* sleeps(o: Tools): Guest<void> {
  const ns = someNs(o.random);
  const absolute = o.random.once(2);
  const from = yield* now(o.clock);
  storeTimespec(o.time, absolute ? from + ns : ns);
  const r = yield absolute
    ? sys.clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, o.time, 0)
    : sys.nanosleep(o.time, o.time + 16);
  const to = yield* now(o.clock);
  if (r === -EINTR) return;
  o.watch.expect('a sleep', r, 0);
  o.watch.ended('a sleep', from + ns, to, ROUNDING_NS);
}

function* waitsForFutex(o: Tools): Guest<void> {
  const ns = someNs(o.random);
  const from = yield* now(o.clock);
  storeTimespec(o.time, ns);
  const r = yield sys.futex(o.word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, o.time, 0, 0);
  const to = yield* now(o.clock);
  if (r === -EINTR) return;
  o.watch.expect('a futex', r, -ETIMEDOUT);
  o.watch.ended('a futex', from + ns, to, ROUNDING_NS);
}

function* waitsForEvents(o: Tools): Guest<void> {
  const milliseconds = o.random.between(0, 12);
  const from = yield* now(o.clock);
  const polls = o.random.once(2);
  const r = yield polls ? sys.poll(0, 0, milliseconds) : sys.epoll_wait(o.epoll, o.buffer, 2, milliseconds);
  const to = yield* now(o.clock);
  if (r === -EINTR) return;
  const what = polls ? 'poll' : 'epoll_wait';
  o.watch.expect(what, r, 0);
  o.watch.ended(what, from + milliseconds * 1e6, to, ROUNDING_NS);
}

function* waitsForSignal(o: Tools): Guest<void> {
  const ns = someNs(o.random);
  // Nobody sends it.
  store64(o.buffer, 1n << 33n);
  const from = yield* now(o.clock);
  storeTimespec(o.time, ns);
  const r = yield sys.rt_sigtimedwait(o.buffer, 0, o.time, 8);
  const to = yield* now(o.clock);
  if (r === -EINTR) return;
  o.watch.expect('rt_sigtimedwait', r, -EAGAIN);
  o.watch.ended('rt_sigtimedwait', from + ns, to, ROUNDING_NS);
}

/** One expiry, waited for by read or by epoll. */
function* waitsForTimerfd(o: Tools): Guest<void> {
  const ns = 1 + someNs(o.random);
  const absolute = o.random.once(2);
  const from = yield* now(o.clock);
  storeTimespec(o.time, 0);
  storeTimespec(o.time + 16, absolute ? from + ns : ns);
  o.watch.expect('settime', yield sys.timerfd_settime(o.timerfd, absolute ? TFD_TIMER_ABSTIME : 0, o.time, 0), 0);
  for (;;) {
    storeEpollEvent(o.buffer, EPOLLIN, 1);
    const ready = yield sys.epoll_wait(o.epoll, o.buffer, 1, -1);
    if (ready === -EINTR) continue;
    o.watch.expect('a wait for a timerfd', ready, 1);
    break;
  }
  const to = yield* now(o.clock);
  const r = yield sys.read(o.timerfd, o.buffer, 8);
  o.watch.expect('a read of a timerfd that is ready', r, 8);
  if (r === 8 && load64(o.buffer) !== 1n) o.watch.expect('a timer of one expiry', Number(load64(o.buffer)), 1);
  o.watch.ended('a timerfd', from + ns, to, SKEW_NS);
}

/** A periodic one, read a few times: what it has counted is what has passed. */
function* countsPeriods(o: Tools): Guest<void> {
  const periodNs = o.random.between(20_000, 3_000_000);
  const fd = yield sys.timerfd_create(CLOCK_MONOTONIC, 0);
  const from = yield* now(o.clock);
  storeTimespec(o.time, periodNs);
  storeTimespec(o.time + 16, periodNs);
  yield sys.timerfd_settime(fd, 0, o.time, 0);
  const armed = yield* now(o.clock);
  let total = 0;
  for (let reads = o.random.between(1, 6); reads > 0; reads--) {
    const before = yield* now(o.clock);
    const r = yield sys.read(fd, o.buffer, 8);
    const after = yield* now(o.clock);
    if (r === -EINTR) continue;
    o.watch.expect('a read of a periodic timer', r, 8);
    total += Number(load64(o.buffer));
    const most = Math.floor((after - from + SKEW_NS) / periodNs);
    const least = Math.floor((before - armed - SKEW_NS) / periodNs);
    if (total > most) o.watch.expect(`a timer of ${periodNs} ns, of at most ${most} periods,`, total);
    if (total < least) o.watch.expect(`a timer of ${periodNs} ns, of at least ${least} periods,`, total);
    o.watch.ended('a period', Math.max(before, from + total * periodNs), after, SKEW_NS);
  }
  yield sys.close(fd);
}

const KINDS: readonly ((o: Tools) => Guest<void>)[] = [
  sleeps,
  waitsForFutex,
  waitsForEvents,
  waitsForSignal,
  waitsForTimerfd,
  countsPeriods,
];

export function* waiter(scratch: number, options: TimerTortureOptions): Guest {
  const board = new TortureBoard(options.board);
  const own = Math.floor((scratch - scratchBase()) / SCRATCH_BYTES);
  board.begin(own);
  const epoll = yield sys.epoll_create1(0);
  const timerfd = yield sys.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  const o: Tools = {
    clock: scratch,
    watch: new Watch(board, own, options.limitNs),
    random: new Random(options.seed, own),
    time: scratch + 16,
    word: scratch + 56,
    buffer: scratch + 64,
    epoll,
    timerfd,
  };
  storeEpollEvent(o.buffer, EPOLLIN, 1);
  yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, timerfd, o.buffer);
  while (!board.stopped) yield* o.random.pick(KINDS)(o);
  yield sys.close(timerfd);
  yield sys.close(epoll);
  board.end(own);
  return 0;
}

function scratchBase(): number {
  return atomicLoad32(dataSegment() + SCRATCH_AT);
}

/** An interval timer of the process: as many alarms as it was set to, and each in its time. */
function* alarms(o: Tools, board: TortureBoard): Guest<void> {
  while (!board.stopped) {
    const us = o.random.between(1, 8000);
    const before = atomicLoad32(dataSegment() + ALARMS_HANDLED);
    const from = yield* now(o.clock);
    store64(o.time, 0);
    store64(o.time + 8, 0);
    store64(o.time + 16, 0);
    store64(o.time + 24, us);
    o.watch.expect('setitimer', yield sys.setitimer(0, o.time, 0), 0);
    storeTimespec(o.time, 1e6);
    let to = from;
    while (atomicLoad32(dataSegment() + ALARMS_HANDLED) === before && to - from < us * 1000 + 20e9) {
      yield sys.nanosleep(o.time, 0);
      to = yield* now(o.clock);
    }
    const rung = atomicLoad32(dataSegment() + ALARMS_HANDLED) - before;
    o.watch.expect('an alarm', rung, 1);
    o.watch.ended('an alarm', from + us * 1000, to, SKEW_NS);
  }
}

export function* main(_: number, options: TimerTortureOptions): Guest {
  const board = new TortureBoard(options.board);
  const base = alloc((options.threads + 1) * SCRATCH_BYTES);
  store32(dataSegment() + SCRATCH_AT, base);
  yield* sigaction(SIGALRM, onAlarm);
  const threads: Thread[] = [];
  for (let place = 0; place < options.threads; place++) {
    threads.push(yield* startThread(waiter, base + place * SCRATCH_BYTES, place % options.cpus));
  }
  const scratch = base + options.threads * SCRATCH_BYTES;
  const o: Tools = {
    clock: scratch,
    watch: new Watch(board, options.threads, options.limitNs),
    random: new Random(options.seed, options.threads),
    time: scratch + 16,
    word: scratch + 56,
    buffer: scratch + 64,
    epoll: -1,
    timerfd: -1,
  };
  board.begin(options.threads);
  yield* alarms(o, board);
  board.end(options.threads);
  for (const thread of threads) yield* join(thread);
  return 0;
}
