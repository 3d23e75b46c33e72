// What a guest may rely on of futex, nanosleep and sched_yield; `main` runs the scenario that argv names.
import {
  alloc,
  allocTimespec,
  atomicAdd32,
  atomicLoad32,
  atomicStore32,
  CLOCK_MONOTONIC,
  compareExchange32,
  EAGAIN,
  EFAULT,
  EINTR,
  EINVAL,
  ETIMEDOUT,
  FUTEX_WAIT,
  FUTEX_WAIT_BITSET,
  FUTEX_WAKE,
  FUTEX_WAKE_BITSET,
  type Guest,
  join,
  load64,
  loadTimespec,
  sigaction,
  SIGUSR1,
  startThread,
  store64,
  sys,
  type Thread,
  TIMER_ABSTIME,
} from '../../src/programs/libc/index.ts';

const MS = 1e6;

function same(found: number, wanted: number, promise: string): void {
  if (found !== wanted) throw new Error(`broken promise: ${promise} (found ${found}, wanted ${wanted})`);
}
function must(holds: boolean, promise: string): void {
  if (!holds) throw new Error(`broken promise: ${promise}`);
}

function* now(): Guest {
  const at = alloc(16);
  yield sys.clock_gettime(CLOCK_MONOTONIC, at);
  return loadTimespec(at);
}
function* pause(ns: number): Guest {
  return yield sys.nanosleep(allocTimespec(ns), 0);
}

function* argumentsAreChecked(): Guest {
  const word = alloc(8);
  same(yield sys.futex(word, FUTEX_WAIT, 1, 0, 0, 0), -EAGAIN, 'a word that differs is EAGAIN');
  same(yield sys.futex(word + 1, FUTEX_WAIT, 0, 0, 0, 0), -EINVAL, 'an odd address is EINVAL');
  same(yield sys.futex(4, FUTEX_WAIT, 0, 0, 0, 0), -EFAULT, 'a bad address is EFAULT');
  same(yield sys.futex(word, FUTEX_WAIT_BITSET, 0, 0, 0, 0), -EINVAL, 'no bits, no wait');
  same(yield sys.futex(word, FUTEX_WAKE_BITSET, 1, 0, 0, 0), -EINVAL, 'no bits, no wake');
  same(yield sys.futex(word, FUTEX_WAKE, 1, 0, 0, 0), 0, 'nobody there, nobody woken');
  const bad = alloc(16);
  store64(bad + 8, 1_000_000_000n);
  same(yield sys.futex(word, FUTEX_WAIT, 0, bad, 0, 0), -EINVAL, 'an invalid timeout');
  return 0;
}

function* timeoutsAreKept(): Guest {
  const word = alloc(8);
  const start = yield* now();
  same(yield sys.futex(word, FUTEX_WAIT, 0, allocTimespec(15 * MS), 0, 0), -ETIMEDOUT, 'a relative timeout');
  must((yield* now()) - start >= 15 * MS, 'not early');
  const deadline = (yield* now()) + 15 * MS;
  same(
    yield sys.futex(word, FUTEX_WAIT_BITSET, 0, allocTimespec(deadline), 0, -1),
    -ETIMEDOUT,
    'an absolute one, for WAIT_BITSET',
  );
  must((yield* now()) >= deadline - 1, 'not early');
  same(yield sys.futex(word, FUTEX_WAKE, 1, 0, 0, 0), 0, 'who timed out is gone');
  return 0;
}

/** argument: address of (word, bits, ready, result) */
export function* sleeper(shared: number): Guest {
  atomicAdd32(shared + 8, 1);
  const r = yield sys.futex(shared, FUTEX_WAIT_BITSET, 0, 0, 0, atomicLoad32(shared + 4));
  atomicStore32(shared + 12, r === 0 ? 1 : r);
  return 0;
}

function* wakesCountAndObeyTheBits(): Guest {
  const shared: number[] = [];
  const threads: Thread[] = [];
  // One word after another in memory, so that some share a bucket with words that nobody waits for.
  for (let i = 0; i < 3; i++) shared.push(alloc(16));
  for (const [i, at] of shared.entries()) {
    atomicStore32(at + 4, 1 << i);
    threads.push(yield* startThread(sleeper, at));
  }
  yield* pause(20 * MS);
  same(yield sys.futex(shared[0]!, FUTEX_WAKE_BITSET, 9, 0, 0, 2), 0, 'other bits wake nobody');
  same(yield sys.futex(shared[1]!, FUTEX_WAKE_BITSET, 9, 0, 0, 3), 1, 'a shared bit wakes');
  same(yield sys.futex(shared[0]!, FUTEX_WAKE, 9, 0, 0, 0), 1, 'a plain wake has all bits');
  same(yield sys.futex(shared[2]!, FUTEX_WAKE, 0, 0, 0, 0), 1, 'a wake of 0 wakes one, as on Linux');
  for (const thread of threads) yield* join(thread);
  for (const at of shared) same(atomicLoad32(at + 12), 1, 'who is woken answers 0');
  return 0;
}

const TURNS = 2000;

/** argument: address of (turn, mine); two threads hand a word to and fro */
export function* partner(shared: number): Guest {
  for (let i = 0; i < TURNS; i++) {
    for (;;) {
      const turn = atomicLoad32(shared);
      if (turn === 1) break;
      yield sys.futex(shared, FUTEX_WAIT, turn, 0, 0, 0);
    }
    atomicStore32(shared, 0);
    yield sys.futex(shared, FUTEX_WAKE, 1, 0, 0, 0);
  }
  return 0;
}

function* noWakeIsLost(): Guest {
  const shared = alloc(16);
  const thread = yield* startThread(partner, shared);
  for (let i = 0; i < TURNS; i++) {
    atomicStore32(shared, 1);
    yield sys.futex(shared, FUTEX_WAKE, 1, 0, 0, 0);
    for (;;) {
      const turn = atomicLoad32(shared);
      if (turn === 0) break;
      const r = yield sys.futex(shared, FUTEX_WAIT, turn, allocTimespecOnce(), 0, 0);
      must(r !== -ETIMEDOUT, `a wake was lost in turn ${i}`);
    }
  }
  yield* join(thread);
  return 0;
}

let longTimeout = 0;
function allocTimespecOnce(): number {
  if (longTimeout === 0) longTimeout = allocTimespec(20e9);
  return longTimeout;
}

/** The mutex of three states: 0 free, 1 held, 2 held and perhaps waited for. */
function* take(mutex: number): Guest<void> {
  if (compareExchange32(mutex, 0, 1) === 0) return;
  while (compareExchange32(mutex, 0, 2) !== 0) {
    if (atomicLoad32(mutex) === 2 || compareExchange32(mutex, 1, 2) === 1)
      yield sys.futex(mutex, FUTEX_WAIT, 2, 0, 0, 0);
  }
}
function* leave(mutex: number): Guest<void> {
  if (compareExchange32(mutex, 1, 0) === 1) return;
  atomicStore32(mutex, 0);
  yield sys.futex(mutex, FUTEX_WAKE, 1, 0, 0, 0);
}

/** argument: address of (mutex, counter) */
export function* adder(shared: number): Guest {
  for (let i = 0; i < 500; i++) {
    yield* take(shared);
    const seen = Number(load64(shared + 8));
    yield sys.sched_yield();
    store64(shared + 8, seen + 1);
    yield* leave(shared);
  }
  return 0;
}

function* mutexExcludes(): Guest {
  const shared = alloc(16);
  const threads: Thread[] = [];
  for (let i = 0; i < 3; i++) threads.push(yield* startThread(adder, shared));
  for (const thread of threads) yield* join(thread);
  same(Number(load64(shared + 8)), 1500, 'nothing is counted twice or lost');
  return 0;
}

let handled = 0;
export function* onSignal(signal: number): Guest {
  handled = signal;
  // A handler may call the kernel as anybody may.
  return yield sys.getpid();
}
export function* killer(tid: number): Guest {
  yield* pause(20 * MS);
  yield sys.tgkill(yield sys.getpid(), tid, SIGUSR1);
  return 0;
}

function* sleepsTellWhatIsLeft(): Guest {
  yield* sigaction(SIGUSR1, onSignal);
  const start = yield* now();
  same(yield* pause(10 * MS), 0, 'a sleep');
  must((yield* now()) - start >= 10 * MS, 'not early');
  const bad = alloc(16);
  store64(bad + 8, 1_000_000_000n);
  same(yield sys.nanosleep(bad, 0), -EINVAL, 'an invalid time');
  same(yield sys.nanosleep(1, 0), -EFAULT, 'a bad address');
  const thread = yield* startThread(killer, yield sys.gettid());
  const left = alloc(16);
  same(yield sys.nanosleep(allocTimespec(30e9), left), -EINTR, 'a handler interrupts');
  same(handled, SIGUSR1, 'after it ran');
  must(loadTimespec(left) > 20e9 && loadTimespec(left) < 30e9, 'and what was left is told');
  yield* join(thread);
  const until = (yield* now()) + 10 * MS;
  same(yield sys.clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, allocTimespec(until), 0), 0, 'an absolute sleep');
  must((yield* now()) >= until - 1, 'not early');
  return 0;
}

const scenarios: Readonly<Record<string, () => Guest>> = {
  argumentsAreChecked,
  timeoutsAreKept,
  wakesCountAndObeyTheBits,
  noWakeIsLost,
  mutexExcludes,
  sleepsTellWhatIsLeft,
};

export function* main(_argument: number, argv: unknown): Guest {
  return yield* scenarios[String(argv)]!();
}
