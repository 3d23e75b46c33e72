/**
 * A storm of timerfds in several epolls, each expiration counted against its grid. How late it was seen goes into a
 * histogram.
 *
 *     smplab run timer-storm --set timers=600 --set epolls=2 --set ms=300
 *     smplab run timer-storm --limit nofile=8192 --limit files=8192 --limit interests=8192 --set timers=5000
 *
 * Three kinds take turns: periodic from a first expiry relative to now, periodic from an absolute one, and one-shot. Each
 * epoll is a thread's own. The promise of a timer with expiry A and interval I: read at time T, it has counted
 * floor((T - A) / I) + 1 expirations in all, neither one more nor one fewer. T lies between two readings of the clock,
 * one before and one after the read; a one-shot counts 1, and nothing ever counts before its time.
 */
import {
  alloc,
  atomicAdd32,
  atomicLoad32,
  check,
  checkWhole,
  CLOCK_MONOTONIC,
  duration,
  EAGAIN,
  EPOLL_CTL_ADD,
  EPOLLIN,
  epollDataAt,
  figure,
  epollWait,
  type Guest,
  join,
  load32,
  load64,
  monotonicNs,
  print,
  printFigures,
  startThread,
  store32,
  storeEpollEvent,
  storeTimespec,
  sys,
  TFD_NONBLOCK,
  TFD_TIMER_ABSTIME,
  type Thread,
} from './libc/index.ts';

export interface TimerStormOptions {
  readonly timers?: number;
  /** Epoll instances, and threads. */
  readonly epolls?: number;
  /** How long it blows. */
  readonly ms?: number;
}

/** Intervals run from here, in odd steps, so that expirations spread. */
const SHORTEST_NS = 4e6;
const STEP_NS = 370_003;
const STEPS = 40;
const EVENTS_MAX = 64;
/** Bucket b holds lateness below 2^b us. */
const BUCKETS = 24;

/** What all threads share, a word each; the histogram follows. */
const FIRST = 0;
const TIMERS = 4;
const LENGTH_US = 8;
const EXPIRATIONS = 12;
const READS = 16;
const EMPTY_READS = 20;
const MISCOUNTED = 24;
const EARLY = 28;
const HISTOGRAM = 32;
const SHARED_BYTES = HISTOGRAM + 4 * BUCKETS;

interface Timer {
  readonly fd: number;
  /** 0: one-shot. */
  readonly intervalNs: number;
  /** The first expiry is not before, and not after. They differ where it was relative to a time that only the kernel read. */
  readonly earliestNs: number;
  readonly latestNs: number;
  counted: number;
}

/** How many expirations a timer with this first expiry has had by `nowNs`. */
function dueBy(timer: Timer, firstNs: number, nowNs: number): number {
  if (nowNs < firstNs) return 0;
  return timer.intervalNs === 0 ? 1 : Math.floor((nowNs - firstNs) / timer.intervalNs) + 1;
}

function* armTimer(index: number, setting: number, clockAt: number): Guest<Timer> {
  const fd = check(yield sys.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), 'timerfd_create');
  const spreadNs = SHORTEST_NS + (index % STEPS) * STEP_NS;
  const intervalNs = index % 3 === 2 ? 0 : spreadNs;
  const absolute = index % 3 === 1;
  storeTimespec(setting, intervalNs);
  const beforeNs = yield* monotonicNs(clockAt);
  storeTimespec(setting + 16, absolute ? beforeNs + spreadNs : spreadNs);
  check(yield sys.timerfd_settime(fd, absolute ? TFD_TIMER_ABSTIME : 0, setting, 0), 'timerfd_settime');
  const afterNs = yield* monotonicNs(clockAt);
  return {
    fd,
    intervalNs,
    earliestNs: beforeNs + spreadNs,
    // The clock that a guest reads has whole nanoseconds, the kernel's has not.
    latestNs: absolute ? beforeNs + spreadNs : afterNs + 1 + spreadNs,
    counted: 0,
  };
}

/** Reads a timer and holds what it has counted against the clock. */
function* readTimer(shared: number, timer: Timer, value: number, clockAt: number): Guest<void> {
  const beforeNs = yield* monotonicNs(clockAt);
  const n = yield sys.read(timer.fd, value, 8);
  const afterNs = (yield* monotonicNs(clockAt)) + 1;
  if (n === -EAGAIN) {
    atomicAdd32(shared + EMPTY_READS, 1);
  } else {
    checkWhole(n, 8, 'read');
    const expirations = Number(load64(value));
    timer.counted += expirations;
    atomicAdd32(shared + READS, 1);
    atomicAdd32(shared + EXPIRATIONS, expirations);
    noteLateness(shared, afterNs - (timer.latestNs + (timer.counted - 1) * timer.intervalNs));
  }
  if (timer.counted > dueBy(timer, timer.earliestNs, afterNs)) atomicAdd32(shared + EARLY, 1);
  if (timer.counted < dueBy(timer, timer.latestNs, beforeNs)) atomicAdd32(shared + MISCOUNTED, 1);
}

function noteLateness(shared: number, ns: number): void {
  // Below 0 where the first expiry is only known to lie between two times.
  const bucket = Math.min(BUCKETS - 1, 32 - Math.clz32(Math.max(0, Math.floor(ns / 1000))));
  atomicAdd32(shared + HISTOGRAM + 4 * bucket, 1);
}

/** A thread with an epoll of its own, and its share of the timers. */
export function* storm(shared: number): Guest {
  const first = atomicAdd32(shared + FIRST, load32(shared + TIMERS));
  const timers: Timer[] = [];
  const setting = alloc(32);
  const clockAt = alloc(16);
  const value = alloc(8);
  const events = alloc(16 * EVENTS_MAX);
  const event = alloc(16);
  const epoll = check(yield sys.epoll_create1(0), 'epoll_create1');
  for (let i = 0; i < load32(shared + TIMERS); i++) {
    const timer = yield* armTimer(first + i, setting, clockAt);
    storeEpollEvent(event, EPOLLIN, i);
    check(yield sys.epoll_ctl(epoll, EPOLL_CTL_ADD, timer.fd, event), 'epoll_ctl');
    timers.push(timer);
  }
  const endNs = (yield* monotonicNs(clockAt)) + load32(shared + LENGTH_US) * 1000;
  for (let leftNs = endNs; leftNs > 0; leftNs = endNs - (yield* monotonicNs(clockAt))) {
    const timeoutMs = Math.ceil(Math.min(leftNs / 1e6, 1000));
    const ready = check(yield epollWait(epoll, events, EVENTS_MAX, timeoutMs), 'epoll_wait');
    for (let i = 0; i < ready; i++) yield* readTimer(shared, timers[epollDataAt(events, i)]!, value, clockAt);
  }
  // Once more, and all of them: what an epoll did not say must be there all the same.
  for (const timer of timers) yield* readTimer(shared, timer, value, clockAt);
  for (const timer of timers) check(yield sys.close(timer.fd), 'close');
  check(yield sys.close(epoll), 'close');
  return 0;
}

function printHistogram(shared: number): void {
  const counts = Array.from({ length: BUCKETS }, (_, b) => atomicLoad32(shared + HISTOGRAM + 4 * b));
  const most = Math.max(...counts, 1);
  print('  seen after its expiry');
  counts.forEach((count, b) => {
    if (count === 0) return;
    const bar = '#'.repeat(Math.ceil((count / most) * 40));
    print(`    under ${duration(2 ** b * 1000).padStart(7)}  ${figure(count).padStart(8)}  ${bar}`);
  });
}

export function* main(_argument: number, options: TimerStormOptions | undefined): Guest {
  const { timers = 600, epolls = 2, ms = 300 } = options ?? {};
  const shared = alloc(SHARED_BYTES);
  const each = Math.ceil(timers / epolls);
  store32(shared + TIMERS, each);
  store32(shared + LENGTH_US, ms * 1000);
  const threads: Thread[] = [];
  for (let i = 0; i < epolls; i++) threads.push(yield* startThread(storm, shared));
  for (const thread of threads) yield* join(thread);
  const word = (offset: number): number => atomicLoad32(shared + offset);
  printFigures(`timer-storm: ${each * epolls} timers in ${epolls} epolls, ${ms} ms`, [
    ['expirations', word(EXPIRATIONS)],
    ['reads', word(READS)],
    ['expirations a read', word(EXPIRATIONS) / word(READS)],
    ['reads that found nothing', word(EMPTY_READS)],
    ['lost', word(MISCOUNTED)],
    ['early', word(EARLY)],
  ]);
  printHistogram(shared);
  return word(MISCOUNTED) === 0 && word(EARLY) === 0 && word(EXPIRATIONS) >= each * epolls ? 0 : 1;
}
