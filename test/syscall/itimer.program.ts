// What a guest may rely on of setitimer, getitimer and alarm. The answers are those of Linux 6.18. `main` runs the scenario
// that argv names, most of them on a machine whose clock jumps when nothing runs, so that times are met closely.
import {
  alloc,
  allocItimerval,
  allocSignalSet,
  allocTimespec,
  atomicAdd32,
  atomicLoad32,
  blockSignals,
  CLOCK_MONOTONIC,
  EAGAIN,
  EFAULT,
  EINTR,
  EINVAL,
  execve,
  fork,
  type Guest,
  ITIMER_PROF,
  ITIMER_REAL,
  ITIMER_VIRTUAL,
  load32,
  loadTimespec,
  loadTimeval,
  openSignalfd,
  SA_RESTART,
  SA_SIGINFO,
  SFD_NONBLOCK,
  SI_KERNEL,
  SI_TKILL,
  SIG_IGN,
  sigaction,
  SIGALRM,
  type SignalInfo,
  signalSet,
  SIGPROF,
  SIGVTALRM,
  store32,
  store64,
  sys,
  TIMER_ABSTIME,
  trap,
  unblockSignals,
  waitpid,
} from '../../src/programs/libc/index.ts';

const MS = 1e6;
const SECOND = 1e9;
/** How long a few system calls may take, on a clock that creeps. */
const NEAR = 2 * MS;

function same(found: number | bigint, wanted: number | bigint, promise: string): void {
  if (found !== wanted) throw new Error(`broken promise: ${promise} (found ${found}, wanted ${wanted})`);
}
/** At most `wanted`, and little less. */
function justBelow(found: number, wanted: number, promise: string): void {
  if (found <= wanted && found > wanted - NEAR) return;
  throw new Error(`broken promise: ${promise} (found ${found / MS} ms, wanted just below ${wanted / MS} ms)`);
}

function* now(at = alloc(16)): Guest {
  yield sys.clock_gettime(CLOCK_MONOTONIC, at);
  return loadTimespec(at);
}
/** However often it is interrupted. */
function* sleepUntil(ns: number): Guest<void> {
  while ((yield sys.clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, allocTimespec(ns), 0)) === -EINTR);
}
interface Setting {
  readonly left: number;
  readonly interval: number;
}
const settingAt = (at: number): Setting => ({ left: loadTimeval(at + 16), interval: loadTimeval(at) });
function* get(which = ITIMER_REAL): Guest<Setting> {
  const at = alloc(32);
  same(yield sys.getitimer(which, at), 0, 'getitimer');
  return settingAt(at);
}
/** @returns the setting before */
function* set(value: number, interval = 0, which = ITIMER_REAL): Guest<Setting> {
  const old = alloc(32);
  same(yield sys.setitimer(which, allocItimerval(value, interval), old), 0, 'setitimer');
  return settingAt(old);
}

/** The first allocation of `main`: how many handlers ran, and the code and sender that the last one was told. */
const log = (): number => trap.userBase + 64;
const handled = (): number => atomicLoad32(log());
export function* onAlarm(_signal: number, info: SignalInfo): Guest {
  yield sys.gettid();
  store32(log() + 4, info.code);
  store32(log() + 8, info.pid);
  atomicAdd32(log(), 1);
  return 0;
}
function* handle(signal = SIGALRM): Guest {
  return yield* sigaction(signal, onAlarm, SA_SIGINFO);
}
function* takeAlarm(): Guest {
  const info = alloc(128);
  const r = yield sys.rt_sigtimedwait(allocSignalSet(SIGALRM), info, allocTimespec(0), 8);
  return r < 0 ? r : load32(info + 8);
}

function* argumentsAreChecked(): Guest {
  const bad = alloc(32);
  const good = allocItimerval(0, 0);
  same(yield sys.setitimer(9, 8, 0), -EFAULT, 'what cannot be read comes first');
  for (const [at, value] of [[8, 1_000_000] as const, [8, -1] as const, [0, -1] as const]) {
    for (const part of [0, 16]) {
      store64(bad + part + at, BigInt(value));
      same(yield sys.setitimer(ITIMER_REAL, bad, 0), -EINVAL, 'no time');
      store64(bad + part + at, 0n);
    }
  }
  same(yield sys.setitimer(9, good, 8), -EINVAL, 'no timer');
  same(yield sys.setitimer(ITIMER_REAL, allocItimerval(5 * SECOND, 0), 8), -EFAULT, 'a bad place for the old setting');
  justBelow((yield* get()).left, 5 * SECOND, 'but the new one is in force');
  same(yield sys.setitimer(ITIMER_REAL, 0, alloc(32)), 0, 'no new setting');
  same((yield* get()).left, 0, 'disarms');
  same(yield sys.getitimer(9, 8), -EINVAL, 'no timer, before a bad place');
  same(yield sys.getitimer(ITIMER_REAL, 8), -EFAULT, 'a bad place');
  return 0;
}

function* settingsAreTold(): Guest {
  yield* set(5.5 * SECOND, SECOND);
  const armed = yield* get();
  justBelow(armed.left, 5.5 * SECOND, 'what is left');
  same(armed.interval, SECOND, 'and the interval');
  const old = yield* set(0, 3 * SECOND);
  justBelow(old.left, 5.5 * SECOND, 'the old setting is told');
  same(old.interval, SECOND, 'with its interval');
  same((yield* get()).interval, 0, 'a disarmed timer has none');
  yield* set(3 * SECOND);
  yield* sleepUntil((yield* now()) + SECOND);
  justBelow((yield* get()).left, 2 * SECOND, 'time goes by');
  yield* set(9e15);
  justBelow((yield* get()).left, 9e15, 'a hundred days');
  yield* set(0);
  return 0;
}

function* alarmsCountInSeconds(): Guest {
  same(yield sys.alarm(10), 0, 'none before');
  justBelow((yield* get()).left, 10 * SECOND, 'it is the real timer');
  same(yield sys.alarm(0), 10, 'what was left');
  for (const [left, seconds] of [[0.4, 1] as const, [3.4, 3] as const, [3.6, 4] as const]) {
    yield* set(left * SECOND, 7 * SECOND);
    same(yield sys.alarm(1), seconds, `${left} s are told as ${seconds}`);
    same((yield* get()).interval, 0, 'and alarm has no interval');
  }
  yield sys.alarm(4_000_000_000);
  same(yield sys.alarm(0), 4_000_000_000, 'the number is unsigned');
  return 0;
}

export function* tellsWhatIsLeft(): Guest {
  return yield sys.exit_group((yield* get()).left > 0 ? 1 : 0);
}
export function* armsAndExecs(): Guest {
  yield* set(5 * SECOND);
  return yield* execve(tellsWhatIsLeft);
}
function* childrenDoNotInherit(): Guest {
  yield* set(5 * SECOND);
  same((yield* waitpid(yield* fork(tellsWhatIsLeft))).code!, 0, 'a child has none');
  justBelow((yield* get()).left, 5 * SECOND, 'its parent has it still');
  same((yield* waitpid(yield* fork(armsAndExecs))).code!, 1, 'another program keeps it');
  return 0;
}

function* periodsAreOnTheGrid(): Guest {
  yield* handle();
  const start = yield* now();
  yield* set(20 * MS, 20 * MS);
  yield* sleepUntil(start + 75 * MS);
  same(handled(), 3, 'one at each period');
  same(load32(log() + 4), SI_KERNEL, 'from the kernel');
  same(load32(log() + 8), 0, 'which has no number');
  yield* blockSignals(SIGALRM);
  yield* sleepUntil(start + 145 * MS);
  same((yield* get()).left, 0, 'while one is pending, the timer rests');
  yield* unblockSignals(SIGALRM);
  same(handled(), 4, 'the missed ones are one');
  justBelow((yield* now()) + (yield* get()).left, start + 160 * MS + NEAR, 'and it goes on where it would have been');
  yield* sleepUntil(start + 165 * MS);
  same(handled(), 5, 'at the next period');
  yield* set(0);
  return 0;
}

function* takingAnAlarmGoesOn(): Guest {
  const fd = yield* openSignalfd(SFD_NONBLOCK, SIGALRM);
  const [pid, tid] = [yield sys.getpid(), yield sys.gettid()];
  const pending = alloc(8);
  const expire = function* (): Guest<void> {
    yield* set(20 * MS, 20 * MS);
    yield* sleepUntil((yield* now()) + 50 * MS);
    same((yield* get()).left, 0, 'it rests');
  };
  yield* expire();
  yield sys.tgkill(pid, tid, SIGALRM);
  same(yield* takeAlarm(), SI_TKILL, "the thread's own");
  same((yield* get()).left, 0, 'is none of the timer’s');
  same(yield* takeAlarm(), SI_KERNEL, "the process's");
  same(Number((yield* get()).left > 0), 1, 'makes it go on');
  yield* expire();
  same(yield sys.read(fd, alloc(128), 128), 128, 'so does a read of a signalfd');
  same(Number((yield* get()).left > 0), 1, 'it goes on');
  yield* expire();
  yield* set(0);
  yield sys.rt_sigpending(pending, 8);
  same(load32(pending), Number(signalSet(SIGALRM)), 'what was sent stays pending');
  same(yield* takeAlarm(), SI_KERNEL, 'until it is taken');
  same((yield* get()).left, 0, 'which starts nothing');
  same(yield* takeAlarm(), -EAGAIN, 'and that is all');
  return 0;
}

function* anIgnoredAlarmIsTheLast(): Guest {
  yield* sigaction(SIGALRM, SIG_IGN);
  yield* set(20 * MS, 20 * MS);
  yield* sleepUntil((yield* now()) + 70 * MS);
  same((yield* get()).left, 0, 'nobody took it');
  same((yield* get()).interval, 20 * MS, 'the interval is remembered');
  yield* handle();
  yield* sleepUntil((yield* now()) + 70 * MS);
  same(handled(), 0, 'but nothing comes of it');
  return 0;
}

/** Nothing else would ever wake it; on a machine without warp it has to wait in earnest. */
function* anAlarmEndsAWait(): Guest {
  yield* handle();
  const start = yield* now();
  yield* set(30 * MS);
  same(yield sys.pause(), -EINTR, 'by its handler');
  same(handled(), 1, 'which ran');
  const late = (yield* now()) - start - 30 * MS;
  if (late < 0) throw new Error(`broken promise: an alarm is never early (${late / MS} ms)`);
  yield* set(30 * MS);
  same(yield sys.epoll_wait(yield sys.epoll_create1(0), alloc(16), 1, -1), -EINTR, 'of epoll_wait too');
  return 0;
}
function* anAlarmEnds(): Guest {
  yield sys.alarm(1);
  for (;;) yield sys.pause();
}
/** The timer that was to wake it rests for as long as SIGALRM is pending. */
function* aBlockedAlarmWakesNobody(): Guest {
  yield* blockSignals(SIGALRM);
  yield* set(20 * MS, 20 * MS);
  return yield sys.pause();
}

/** Runs until a handler has run so often. */
function* burnUntil(count: number): Guest<void> {
  while (handled() < count) yield sys.getppid();
}
function* timeOnCpusIsCounted(): Guest {
  for (const [which, signal] of [[ITIMER_VIRTUAL, SIGVTALRM] as const, [ITIMER_PROF, SIGPROF] as const]) {
    store32(log(), 0);
    yield* sigaction(signal, onAlarm, SA_SIGINFO | SA_RESTART);
    yield* set(30 * MS, 10 * MS, which);
    same((yield* get(which)).left, 40 * MS, 'a tick is added, so that none is early');
    const start = yield* now();
    yield* sleepUntil(start + 100 * MS);
    same(handled(), 0, 'sleeping is not counted');
    yield* burnUntil(3);
    same(load32(log() + 4), SI_KERNEL, 'from the kernel');
    same((yield* set(0, 0, which)).interval, 10 * MS, 'the old setting is told');
    const before = handled();
    const at = alloc(16);
    const end = (yield* now()) + 60 * MS;
    while ((yield* now(at)) < end) yield sys.getppid();
    same(handled(), before, 'and is over');
  }
  return 0;
}

const scenarios: Readonly<Record<string, () => Guest>> = {
  argumentsAreChecked,
  settingsAreTold,
  alarmsCountInSeconds,
  childrenDoNotInherit,
  periodsAreOnTheGrid,
  takingAnAlarmGoesOn,
  anIgnoredAlarmIsTheLast,
  anAlarmEndsAWait,
  anAlarmEnds,
  aBlockedAlarmWakesNobody,
  timeOnCpusIsCounted,
};

export function* main(_argument: number, argv: unknown): Guest {
  same(alloc(64), log(), 'the log lies where handlers look for it');
  return yield* scenarios[String(argv)]!();
}
