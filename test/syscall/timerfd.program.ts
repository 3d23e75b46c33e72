// What a guest may rely on of timerfd, one scenario at a time: `main` runs the one that argv names. A broken promise is
// thrown, which ends the machine and names it.
import {
  alloc,
  allocTimespec,
  atomicLoad32,
  atomicStore32,
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  CLOCK_REALTIME_ALARM,
  EAGAIN,
  EBADF,
  EFAULT,
  EINVAL,
  EPERM,
  type Guest,
  join,
  load16,
  load64,
  loadTimespec,
  POLLIN,
  POLLOUT,
  startThread,
  store16,
  store32,
  storeTimespec,
  sys,
  TFD_NONBLOCK,
  TFD_TIMER_ABSTIME,
  TFD_TIMER_CANCEL_ON_SET,
} from '../../src/programs/libc/index.ts';

const MS = 1e6;
const BAD_ADDRESS = 1;

function must(holds: boolean, promise: string): void {
  if (!holds) throw new Error(`broken promise: ${promise}`);
}
function same(found: number, wanted: number, promise: string): void {
  must(found === wanted, `${promise} (found ${found}, wanted ${wanted})`);
}

function setting(intervalNs: number, valueNs: number): number {
  const at = alloc(32);
  storeTimespec(at, intervalNs);
  storeTimespec(at + 16, valueNs);
  return at;
}

function* now(): Guest {
  const at = alloc(16);
  yield sys.clock_gettime(CLOCK_MONOTONIC, at);
  return loadTimespec(at);
}

function* pause(ns: number): Guest {
  return yield sys.nanosleep(allocTimespec(ns), 0);
}

function* newTimer(intervalNs: number, valueNs: number, flags = TFD_NONBLOCK): Guest {
  const fd = yield sys.timerfd_create(CLOCK_MONOTONIC, flags);
  must(fd >= 0, 'a timerfd can be made');
  if (valueNs > 0) same(yield sys.timerfd_settime(fd, 0, setting(intervalNs, valueNs), 0), 0, 'a timer can be armed');
  return fd;
}

function* pollOnce(fd: number): Guest {
  const at = alloc(8);
  store32(at, fd);
  store16(at + 4, POLLIN | POLLOUT);
  yield sys.poll(at, 1, 0);
  return load16(at + 6);
}

function* readTicks(fd: number): Guest {
  const at = alloc(8);
  const r = yield sys.read(fd, at, 8);
  return r === 8 ? Number(load64(at)) : r;
}

function* argumentsAreChecked(): Guest {
  same(yield sys.timerfd_create(99, 0), -EINVAL, 'I1: an unknown clock is EINVAL');
  same(yield sys.timerfd_create(CLOCK_MONOTONIC, 1), -EINVAL, 'I1: unknown flags are EINVAL');
  same(yield sys.timerfd_create(CLOCK_REALTIME_ALARM, 0), -EPERM, 'I1: an alarm clock needs a capability');
  const fd = yield* newTimer(0, 0);
  same(yield sys.timerfd_settime(99, 0, BAD_ADDRESS, 0), -EFAULT, 'I2: an unreadable setting comes before the fd');
  same(yield sys.timerfd_settime(99, 8, setting(0, 1), 0), -EINVAL, 'I2: flags come before the fd');
  same(yield sys.timerfd_settime(99, 0, setting(0, 1), 0), -EBADF, 'I2: EBADF');
  const event = yield sys.eventfd2(0, 0);
  same(yield sys.timerfd_settime(event, 0, setting(0, 1), 0), -EINVAL, 'I2: not a timerfd is EINVAL');
  same(yield sys.timerfd_gettime(event, alloc(32)), -EINVAL, 'I2: not a timerfd is EINVAL');
  const bad = setting(0, 0);
  store32(bad + 8, 1_000_000_000);
  same(yield sys.timerfd_settime(fd, 0, bad, 0), -EINVAL, 'I2: the interval is validated even when disarming');
  const ignored = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
  same(yield sys.timerfd_settime(fd, ignored, setting(0, 0), 0), 0, 'I12: CANCEL_ON_SET is accepted');
  same(yield sys.read(fd, alloc(8), 4), -EINVAL, 'I6: fewer than 8 bytes are EINVAL');
  same(yield sys.write(fd, alloc(8), 8), -EINVAL, 'I11: write is EINVAL');
  return 0;
}

function* oneShotFiresOnce(): Guest {
  // So long that even a busy host looks before it is over.
  const fd = yield* newTimer(0, 100 * MS);
  same(yield* readTicks(fd), -EAGAIN, 'I6: not yet is EAGAIN');
  same(yield* pollOnce(fd), 0, 'I11: not ready before');
  yield* pause(120 * MS);
  same(yield* pollOnce(fd), POLLIN, 'I11: IN and never OUT');
  same(yield* readTicks(fd), 1, 'one expiry');
  same(yield* readTicks(fd), -EAGAIN, 'and no other');
  same(yield* pollOnce(fd), 0, 'I11: not ready once read');
  const at = alloc(32);
  same(yield sys.timerfd_gettime(fd, at), 0, 'gettime');
  same(loadTimespec(at + 16), 0, 'I5: an expired one-shot has nothing left');
  return 0;
}

function* periodicKeepsItsGrid(): Guest {
  const start = yield* now();
  const fd = yield* newTimer(10 * MS, 10 * MS);
  const armed = yield* now();
  yield* pause(55 * MS);
  const before = yield* now();
  const ticks = yield* readTicks(fd);
  const after = yield* now();
  must(ticks >= Math.floor((before - armed) / (10 * MS)), `I7: every missed period counts, not ${ticks}`);
  must(ticks <= Math.floor((after - start) / (10 * MS)), `I7: no period counts twice, not ${ticks}`);
  const at = alloc(32);
  yield sys.timerfd_gettime(fd, at);
  must(loadTimespec(at) === 10 * MS && loadTimespec(at + 16) > 0, 'a read re-arms a periodic timer');
  must(loadTimespec(at + 16) <= 10 * MS, 'on the grid');
  return 0;
}

function* gettimeFoldsAndStaysReadable(): Guest {
  const fd = yield* newTimer(5 * MS, 5 * MS);
  yield* pause(18 * MS);
  const at = alloc(32);
  yield sys.timerfd_gettime(fd, at);
  must(loadTimespec(at + 16) > 0, 'I9: gettime re-arms');
  same(yield* pollOnce(fd), POLLIN, 'I9: and keeps it readable');
  must((yield* readTicks(fd)) >= 3, 'I9: with the missed periods counted');
  return 0;
}

function* absolutePastCountsFromThen(): Guest {
  // The clock counts from boot, so that the past is made first.
  yield* pause(30 * MS);
  const then = (yield* now()) - 25 * MS;
  const fd = yield* newTimer(0, 0);
  yield sys.timerfd_settime(fd, TFD_TIMER_ABSTIME, setting(10 * MS, then), 0);
  same(yield* pollOnce(fd), POLLIN, 'I10: a time in the past expires at once');
  must((yield* readTicks(fd)) >= 3, 'I10: and counts every period since');
  return 0;
}

function* wallClockDeadline(): Guest {
  const fd = yield sys.timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
  const at = alloc(32);
  yield sys.clock_gettime(CLOCK_REALTIME, at + 16);
  same(yield sys.timerfd_settime(fd, TFD_TIMER_ABSTIME, at, 0), 0, 'a wall clock deadline');
  same(yield* readTicks(fd), 1, 'the present has passed');
  const seconds = Number(load64(at + 16));
  must(Math.abs(seconds * 1000 - Date.now()) < 3000, 'the wall clock is that of the host');
  const later = alloc(32);
  storeTimespec(later + 16, (seconds + 100) * 1e9);
  yield sys.timerfd_settime(fd, TFD_TIMER_ABSTIME, later, 0);
  yield sys.timerfd_gettime(fd, at);
  const left = loadTimespec(at + 16);
  must(left > 95e9 && left <= 100e9, `I4: what remains is relative, not ${left}`);
  return 0;
}

function* settimeForgetsAndTellsTheOld(): Guest {
  const fd = yield* newTimer(0, 2 * MS);
  yield* pause(8 * MS);
  same(yield* pollOnce(fd), POLLIN, 'expired');
  const old = alloc(32);
  same(yield sys.timerfd_settime(fd, 0, setting(7 * MS, 1e9), old), 0, 'set anew');
  same(yield* readTicks(fd), -EAGAIN, 'I3: what had expired is forgotten');
  same(yield* pollOnce(fd), 0, 'I3: readiness too');
  same(loadTimespec(old + 16), 0, 'I4: an expired one-shot had nothing left');
  same(yield sys.timerfd_settime(fd, 0, setting(9 * MS, 0), old), 0, 'disarm');
  same(loadTimespec(old), 7 * MS, 'I4: the old interval');
  must(loadTimespec(old + 16) > 0.9e9 && loadTimespec(old + 16) <= 1e9, 'I4: the old time left');
  const at = alloc(32);
  yield sys.timerfd_gettime(fd, at);
  must(loadTimespec(at) === 9 * MS && loadTimespec(at + 16) === 0, 'I3: a disarmed timer keeps the interval');
  same(yield sys.timerfd_settime(fd, 0, setting(0, 1e9), BAD_ADDRESS), -EFAULT, 'I4: EFAULT');
  yield sys.timerfd_gettime(fd, at);
  must(loadTimespec(at + 16) > 0, 'I4: and in force all the same');
  return 0;
}

function* badBufferLosesTheCount(): Guest {
  const fd = yield* newTimer(0, 1 * MS);
  yield* pause(5 * MS);
  same(yield sys.read(fd, BAD_ADDRESS, 8), -EFAULT, 'I13: EFAULT');
  same(yield* readTicks(fd), -EAGAIN, 'I13: and the count is lost');
  return 0;
}

/** argument: address of (fd, reading) */
export function* reader(shared: number): Guest {
  const fd = atomicLoad32(shared);
  atomicStore32(shared + 4, 1);
  const ticks = yield* readTicks(fd);
  atomicStore32(shared + 8, ticks);
  return 0;
}

function* settimeShortensABlockedRead(): Guest {
  const fd = yield* newTimer(0, 3600e9, 0);
  const shared = alloc(16);
  atomicStore32(shared, fd);
  const thread = yield* startThread(reader, shared);
  while (atomicLoad32(shared + 4) === 0) yield sys.sched_yield();
  yield* pause(20 * MS);
  same(atomicLoad32(shared + 8), 0, 'the reader waits');
  yield sys.timerfd_settime(fd, 0, setting(0, 5 * MS), 0);
  yield* join(thread);
  same(atomicLoad32(shared + 8), 1, 'I14: the reader wakes at the new time');
  return 0;
}

function* closedTimersLeaveNothingArmed(): Guest {
  for (let i = 0; i < 8; i++) same(yield sys.close(yield* newTimer(MS, 3600e9)), 0, 'close');
  const pipe = alloc(8);
  yield sys.pipe(pipe);
  // Nobody writes, nothing is armed: the machine must see that this never ends.
  yield sys.read(Number(load64(pipe) & 0xffffffffn), alloc(8), 8);
  return 1;
}

function* expiredTimersDoNotHideADeadlock(): Guest {
  yield* newTimer(0, 20 * MS);
  const pipe = alloc(8);
  yield sys.pipe(pipe);
  yield sys.read(Number(load64(pipe) & 0xffffffffn), alloc(8), 8);
  return 1;
}

const scenarios: Readonly<Record<string, () => Guest>> = {
  argumentsAreChecked,
  oneShotFiresOnce,
  periodicKeepsItsGrid,
  gettimeFoldsAndStaysReadable,
  absolutePastCountsFromThen,
  wallClockDeadline,
  settimeForgetsAndTellsTheOld,
  badBufferLosesTheCount,
  settimeShortensABlockedRead,
  closedTimersLeaveNothingArmed,
  expiredTimersDoNotHideADeadlock,
};

export function* main(_argument: number, argv: unknown): Guest {
  return yield* scenarios[String(argv)]!();
}
