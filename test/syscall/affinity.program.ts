// What a guest may rely on of affinity, identity and the clocks' small calls; `main` runs the scenario that argv names.
import {
  alloc,
  allocTimespec,
  atomicLoad32,
  atomicStore32,
  CLOCK_BOOTTIME_ALARM,
  CLOCK_MONOTONIC,
  CLOCK_MONOTONIC_COARSE,
  CLOCK_PROCESS_CPUTIME_ID,
  CLOCK_REALTIME,
  EFAULT,
  EINVAL,
  ESRCH,
  type Guest,
  join,
  load32,
  load64,
  loadTimespec,
  startThread,
  store32,
  store64,
  sys,
  trap,
} from '../../src/programs/libc/index.ts';
import { joinWhole } from './thread-tools.ts';

const NOWHERE = 64;

function same(found: number, wanted: number, promise: string): void {
  if (found !== wanted) throw new Error(`broken promise: ${promise} (found ${found}, wanted ${wanted})`);
}
function must(holds: boolean, promise: string): void {
  if (!holds) throw new Error(`broken promise: ${promise}`);
}

function* maskOf(tid: number): Guest<bigint> {
  const at = alloc(8);
  same(yield sys.sched_getaffinity(tid, 8, at), 8, 'a mask is 8 bytes');
  return load64(at);
}

/** argument: where its CPU and its mask's low word are wanted */
export function* newborn(at: number): Guest {
  yield sys.getcpu(at, 0, 0);
  store32(at + 4, Number(yield* maskOf(0)));
  return 0;
}

/** The machine has three CPUs, and this task is on CPU 1. */
function* masksAreKeptAndInherited(): Guest {
  must((yield* maskOf(0)) === 7n, 'a mask begins with every CPU there is');
  const at = alloc(16);
  const set = (mask: bigint, length = 8, tid = 0): number => {
    store64(at, mask);
    return sys.sched_setaffinity(tid, length, at);
  };
  same(yield set(0b101n), -EINVAL, 'declared: not without the home CPU');
  same(yield set(0n), -EINVAL, 'nor without any');
  same(yield set(1n << 40n), -EINVAL, 'nor with none that there is');
  must((yield* maskOf(0)) === 7n, 'what is refused changes nothing');
  same(yield set(0b110n | (1n << 40n)), 0, 'CPUs that there are not do not matter');
  must((yield* maskOf(0)) === 0b110n, 'and are left out');
  const born = alloc(8);
  for (let i = 0; i < 4; i++) {
    yield* join(yield* startThread(newborn, born));
    must(load32(born) === 1 || load32(born) === 2, 'a thread is born where its creator may run');
    same(load32(born + 4), 0b110, 'and inherits the mask');
  }
  same(yield set(0xff0an, 1), 0, 'a short mask ends in zeros');
  must((yield* maskOf(0)) === 0b010n, 'of its one byte');
  yield* join(yield* startThread(newborn, born));
  same(load32(born), 1, 'with one CPU left, that one');
  const refused = yield* refusedHome(0);
  must(refused, 'and no thread is born outside of the mask, even if asked');
  return 0;
}
function* refusedHome(cpu: number): Guest<boolean> {
  try {
    yield* startThread(newborn, alloc(8), cpu);
    return false;
  } catch {
    return true;
  }
}

/** argument: address of a word that it waits for */
export function* waiter(word: number): Guest {
  while (atomicLoad32(word) === 0) yield sys.nanosleep(allocTimespec(1e6), 0);
  return 0;
}

function* argumentsAreChecked(): Guest {
  const at = alloc(32);
  same(yield sys.sched_getaffinity(0, 16, at), 8, 'the size of the mask is answered, not of the buffer');
  for (const length of [0, 4, 7, 12, 2 ** 29]) {
    same(yield sys.sched_getaffinity(0, length, at), -EINVAL, `no mask fits ${length} bytes`);
  }
  same(yield sys.sched_getaffinity(0, 2 ** 29 + 8, at), 8, 'whose bits are counted in 32 bits');
  same(yield sys.sched_getaffinity(99_999, 7, at), -EINVAL, 'the size comes first');
  same(yield sys.sched_getaffinity(99_999, 8, NOWHERE), -ESRCH, 'then the task');
  same(yield sys.sched_getaffinity(-1, 8, at), -ESRCH, 'of which none is negative');
  same(yield sys.sched_getaffinity(0, 8, NOWHERE), -EFAULT, 'then the address');
  same(yield sys.sched_setaffinity(99_999, 8, NOWHERE), -EFAULT, 'to set, the address comes first');
  same(yield sys.sched_setaffinity(99_999, 8, at), -ESRCH, 'then the task');
  same(yield sys.sched_setaffinity(0, 0, NOWHERE), -EINVAL, 'nothing is read of no bytes, and no CPU is left');
  const word = alloc(8);
  const thread = yield* startThread(waiter, word, 0);
  store64(at, 0b001n);
  same(yield sys.sched_setaffinity(thread.tid, 8, at), 0, "another thread's mask");
  must((yield* maskOf(thread.tid)) === 0b001n && (yield* maskOf(0)) === 7n, 'is its own');
  atomicStore32(word, 1);
  yield* joinWhole(thread);
  same(yield sys.sched_getaffinity(thread.tid, 8, at), -ESRCH, 'a thread that ended has none');
  return 0;
}

function* identityIsTold(): Guest {
  for (const call of [sys.getuid(), sys.geteuid(), sys.getgid(), sys.getegid()]) same(yield call, 0, 'root');
  const at = alloc(8);
  store64(at, -1);
  same(yield sys.getcpu(at, at + 4, 0), 0, 'getcpu');
  same(load32(at), trap.cpu, 'says which CPU');
  same(load32(at + 4), 0, 'of the one node');
  same(yield sys.getcpu(0, 0, NOWHERE), 0, 'and need not be told where');
  same(yield sys.getcpu(NOWHERE, 0, 0), -EFAULT, 'a bad address');
  same(yield sys.getcpu(0, NOWHERE, 0), -EFAULT, 'a bad address of the node');
  const tid = yield sys.gettid();
  same(yield sys.set_tid_address(NOWHERE), tid, 'set_tid_address takes any address and answers the tid');
  return 0;
}

/** argument: a word that its end is to clear instead of its creator's */
export function* namesAnotherWord(word: number): Guest {
  yield sys.set_tid_address(word);
  return 0;
}
function* theEndClearsTheNamedWord(): Guest {
  const word = alloc(8);
  atomicStore32(word, 1);
  const thread = yield* startThread(namesAnotherWord, word);
  yield* join({ ...thread, aliveAt: word });
  same(atomicLoad32(word), 0, 'a join by that word ends');
  same(atomicLoad32(thread.aliveAt), 1, 'and the old one is left alone');
  return 0;
}

function* clocksTellTheirGrain(): Guest {
  const at = alloc(16);
  for (const clock of [CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID]) {
    same(yield sys.clock_getres(clock, at), 0, 'a clock');
    same(loadTimespec(at), 1, 'of nanoseconds');
  }
  same(yield sys.clock_getres(CLOCK_MONOTONIC_COARSE, at), 0, 'a coarse clock');
  same(loadTimespec(at), 1e7, 'of ticks');
  same(yield sys.clock_getres(CLOCK_BOOTTIME_ALARM, at), -EINVAL, 'an alarm clock needs a device');
  same(yield sys.clock_getres(99, NOWHERE), -EINVAL, 'the clock comes first');
  same(yield sys.clock_getres(CLOCK_REALTIME, NOWHERE), -EFAULT, 'then the address');
  same(yield sys.clock_getres(CLOCK_REALTIME, 0), 0, 'which may be left out');
  const before = alloc(16);
  const after = alloc(16);
  yield sys.clock_gettime(CLOCK_REALTIME, before);
  store64(at + 8, -1);
  const zone = alloc(8);
  store64(zone, -1);
  same(yield sys.gettimeofday(at, zone), 0, 'the time of day');
  yield sys.clock_gettime(CLOCK_REALTIME, after);
  const micros = (where: number, unit: number): number =>
    Number(load64(where)) * 1e6 + Number(load64(where + 8)) / unit;
  must(Number(load64(at + 8)) < 1e6, 'has microseconds');
  must(micros(at, 1) >= Math.floor(micros(before, 1000)) && micros(at, 1) <= micros(after, 1000), 'and is now');
  must(load64(zone) === 0n, 'in Greenwich');
  same(yield sys.gettimeofday(0, 0), 0, 'nothing need be asked');
  same(yield sys.gettimeofday(NOWHERE, 0), -EFAULT, 'a bad address');
  same(yield sys.gettimeofday(0, NOWHERE), -EFAULT, 'a bad address of the zone');
  return 0;
}

const scenarios: Readonly<Record<string, () => Guest>> = {
  masksAreKeptAndInherited,
  argumentsAreChecked,
  identityIsTold,
  theEndClearsTheNamedWord,
  clocksTellTheirGrain,
};

export function* main(_argument: number, argv: unknown): Guest {
  return yield* scenarios[String(argv)]!();
}
