// What a guest may rely on of select and pselect6; `main` runs the scenario that argv names.
import {
  AF_UNIX,
  alloc,
  allocFdSet,
  allocTimespec,
  atomicLoad32,
  atomicStore32,
  CLOCK_MONOTONIC,
  EBADF,
  EFAULT,
  EINTR,
  EINVAL,
  F_DUPFD,
  fdClear,
  fdIsSet,
  fdSet,
  fdZero,
  type Guest,
  join,
  load32,
  load64,
  loadTimespec,
  makePipe,
  SA_RESTART,
  SHUT_WR,
  SIG_BLOCK,
  sigaction,
  SIGUSR1,
  SOCK_STREAM,
  startThread,
  store64,
  sys,
  trap,
} from '../../src/programs/libc/index.ts';

const MS = 1e6;

function same(found: number, wanted: number, promise: string): void {
  if (found !== wanted) throw new Error(`broken promise: ${promise} (found ${found}, wanted ${wanted})`);
}
function must(holds: boolean, promise: string): void {
  if (!holds) throw new Error(`broken promise: ${promise}`);
}

/** struct timeval */
function timeval(seconds: number, microseconds: number, at = alloc(16)): number {
  store64(at, seconds);
  store64(at + 8, microseconds);
  return at;
}
function microsecondsIn(at: number): number {
  return Number(load64(at)) * 1e6 + Number(load64(at + 8));
}
/** The low word of a set. */
function low(set: number): bigint {
  return load64(set);
}
function bits(...fds: readonly number[]): bigint {
  return fds.reduce((all, fd) => all | (1n << BigInt(fd)), 0n);
}
function* now(): Guest {
  const at = alloc(16);
  yield sys.clock_gettime(CLOCK_MONOTONIC, at);
  return loadTimespec(at);
}
function* oneByte(fd: number): Guest {
  return yield sys.write(fd, alloc(8), 1);
}
function* oneEvent(fd: number): Guest {
  const one = alloc(8);
  store64(one, 1n);
  return yield sys.write(fd, one, 8);
}

function* setsAreReportedBitByBit(): Guest {
  const zero = timeval(0, 0);
  const pipe = yield* makePipe();
  const event = yield sys.eventfd2(0, 0);
  const pair = alloc(8);
  yield sys.socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  const [here, there] = [load32(pair), load32(pair + 4)];
  const all = [pipe.read, pipe.write, event, here, there];
  const reads = allocFdSet(...all);
  const writes = allocFdSet(...all);
  const excepts = allocFdSet(...all);
  same(yield sys.select(8, reads, writes, excepts, zero), 4, 'L7: bits are counted over the three sets');
  must(low(reads) === 0n && low(excepts) === 0n, 'L7: what is not ready is cleared');
  must(low(writes) === bits(pipe.write, event, here, there), 'L7: what is ready stays');
  yield sys.close(pipe.write);
  yield sys.shutdown(here, SHUT_WR);
  for (const set of [reads, writes, excepts]) {
    for (const fd of all) fdSet(set, fd);
    fdClear(set, pipe.write);
  }
  same(yield sys.select(8, reads, writes, excepts, zero), 5, 'L7: hangups');
  must(low(reads) === bits(pipe.read, there), 'L7: the read set has HUP and what can be read without waiting');
  must(low(writes) === bits(event, here, there), 'L7: the write set has not');
  const broken = yield* makePipe();
  yield sys.close(broken.read);
  fdZero(reads);
  fdZero(writes);
  fdZero(excepts);
  for (const set of [reads, writes, excepts]) fdSet(set, broken.write);
  same(yield sys.select(64, reads, writes, excepts, zero), 2, 'L7: ERR is in the read and in the write set');
  must(fdIsSet(reads, broken.write) && fdIsSet(writes, broken.write), 'L7: ERR');
  must(!fdIsSet(excepts, broken.write), 'L7: the except set has only PRI');
  const both = allocFdSet(event, there);
  same(yield sys.select(64, both, both, 0, zero), 3, 'one array as two sets counts for both');
  must(low(both) === bits(event, there), 'and has the results of the second');
  return 0;
}

function* argumentsAreChecked(): Guest {
  const nowhere = 64;
  const set = allocFdSet(30);
  same(yield sys.select(-1, 0, 0, 0, 0), -EINVAL, 'L5: no negative number');
  same(yield sys.select(0, 0, 0, 0, timeval(-1, 0)), -EINVAL, 'L5: no negative time');
  same(yield sys.select(0, 0, 0, 0, timeval(0, -1)), -EINVAL, 'L5: nor microseconds');
  same(yield sys.select(0, 0, 0, 0, timeval(5, -4_900_000)), -EINVAL, 'L5: nor a rest of them');
  same(yield sys.select(0, 0, 0, 0, timeval(5, -5_000_000)), 0, 'L5: but 5 s less 5 s is no time');
  same(yield sys.select(0, 0, 0, 0, nowhere), -EFAULT, 'a bad timeout');
  same(yield sys.select(-1, 0, 0, 0, nowhere), -EFAULT, 'which comes first');
  same(yield sys.select(1, nowhere, 0, 0, timeval(0, 0)), -EFAULT, 'a bad set');
  same(yield sys.select(0, nowhere, 0, 0, timeval(0, 0)), 0, 'which need not be looked at');
  const left = timeval(0, 2_500_000);
  same(yield sys.select(31, set, 0, 0, left), -EBADF, 'L5: the open bit of a closed descriptor');
  must(fdIsSet(set, 30), 'L7: an error leaves the sets alone');
  must(load64(left) === 2n && load64(left + 8) < 500_000n, 'L5: microseconds become seconds, L4: and are written back');
  same(yield sys.select(30, set, 0, 0, timeval(0, 0)), 0, 'bits at and above the number do not count');
  must(!fdIsSet(set, 30), 'but whole words are written');
  // pselect6: the two words of its last argument.
  const argument = alloc(16);
  const ps = (n: number, time: number, sig: number): number => sys.pselect6(n, 0, 0, 0, time, sig);
  const short = allocTimespec(1000);
  const bad = alloc(16);
  store64(bad + 8, 1_000_000_000n);
  same(yield ps(-1, bad, 0), -EINVAL, 'L4: an invalid timespec');
  same(yield ps(0, nowhere, 0), -EFAULT, 'L4: an unreadable one');
  same(yield ps(0, bad, nowhere), -EFAULT, 'the last argument is read first');
  store64(argument, nowhere);
  store64(argument + 8, 8n);
  same(yield ps(-1, short, argument), -EFAULT, 'E13: an unreadable mask');
  store64(argument + 8, 4n);
  same(yield ps(-1, short, argument), -EINVAL, 'E13: the size of a mask is 8');
  store64(argument, 0n);
  same(yield ps(0, short, argument), 0, 'E13: without a mask its size does not matter');
  return 0;
}

function* onlyTheTableIsLookedAt(): Guest {
  const zero = timeval(0, 0);
  const set = allocFdSet(900);
  same(yield sys.select(1024, set, 0, 0, zero), 0, 'L6: a bit above the capacity of 64 is ignored');
  must(fdIsSet(set, 900), 'L6: and left alone');
  const sixty = allocFdSet(63);
  same(yield sys.select(1024, sixty, 0, 0, zero), -EBADF, 'L6: one below is not');
  const event = yield sys.eventfd2(1, 0);
  const high = yield sys.fcntl(event, F_DUPFD, 100);
  same(high, 100, 'a descriptor that makes the table grow');
  same(yield sys.select(1024, allocFdSet(127), 0, 0, zero), -EBADF, 'L6: to 128');
  same(yield sys.select(1024, allocFdSet(128), 0, 0, zero), 0, 'L6: no further');
  yield sys.close(high);
  same(yield sys.select(1024, allocFdSet(127), 0, 0, zero), -EBADF, 'L6: and it does not shrink');
  same(yield sys.fcntl(event, F_DUPFD, 128), 128, 'one more');
  same(yield sys.select(1024, allocFdSet(255), 0, 0, zero), -EBADF, 'L6: to 256');
  const far = allocFdSet(128, event);
  same(yield sys.select(1024, far, 0, 0, zero), 2, 'descriptors of the fifth word');
  must(fdIsSet(far, 128) && fdIsSet(far, event), 'are reported there');
  const quiet = yield sys.eventfd2(0, 0);
  const sparse = allocFdSet(quiet, 128);
  same(yield sys.select(1024, sparse, 0, 0, zero), 1, 'what is ready in a later word');
  must(!fdIsSet(sparse, quiet) && fdIsSet(sparse, 128), 'clears what is not in the words before');
  return 0;
}

function* timeoutsAreKept(): Guest {
  const event = yield sys.eventfd2(0, 0);
  const set = allocFdSet(event);
  const start = yield* now();
  same(yield sys.select(64, set, 0, 0, timeval(0, 0)), 0, 'a timeout of 0 looks once');
  must(!fdIsSet(set, event), 'and clears the sets');
  fdSet(set, event);
  const left = timeval(0, 30_000);
  same(yield sys.select(64, set, 0, 0, left), 0, 'a timeout answers 0');
  const waited = (yield* now()) - start;
  must(waited >= 30 * MS, `E8: never early (${waited} ns)`);
  same(microsecondsIn(left), 0, 'L4: nothing of it is left');
  must(!fdIsSet(set, event), 'L7: nothing is ready');
  same(yield sys.select(0, 0, 0, 0, timeval(0, 20_000)), 0, 'select of nothing is a sleep');
  must((yield* now()) - start >= 50 * MS, 'of its whole length');
  same(yield sys.pselect6(0, 0, 0, 0, allocTimespec(5 * MS), 0), 0, 'pselect6 too');
  return 0;
}

/** argument: address of (event, start) */
export function* writer(event: number): Guest {
  yield sys.nanosleep(allocTimespec(20 * MS), 0);
  return yield* oneEvent(event);
}

function* changesWake(): Guest {
  const event = yield sys.eventfd2(0, 0);
  const other = yield sys.eventfd2(0, 0);
  const thread = yield* startThread(writer, event);
  const set = allocFdSet(event, other);
  const left = timeval(10, 0);
  same(yield sys.select(64, set, 0, 0, left), 1, 'a write wakes the selector');
  must(low(set) === bits(event), 'with what it waited for');
  must(microsecondsIn(left) > 5e6 && microsecondsIn(left) < 10e6, 'L4: what is left of the time is told');
  yield* join(thread);
  const pipe = yield* makePipe();
  yield* oneByte(pipe.write);
  const reads = allocFdSet(pipe.read);
  const time = allocTimespec(10e9);
  same(yield sys.pselect6(64, reads, 0, 0, time, 0), 1, 'pselect6 finds what is there');
  must(loadTimespec(time) > 5e9 && loadTimespec(time) < 10e9, 'L4: and tells the time left');
  return 0;
}

export function* waiter(shared: number): Guest {
  const r = yield sys.select(64, allocFdSet(atomicLoad32(shared)), 0, 0, 0);
  atomicStore32(shared + 4, r);
  return 0;
}

function* everySelectorWakes(): Guest {
  const event = yield sys.eventfd2(0, 0);
  const shares: number[] = [];
  const threads = [];
  for (let i = 0; i < 3; i++) {
    const shared = alloc(16);
    atomicStore32(shared, event);
    shares.push(shared);
    threads.push(yield* startThread(waiter, shared));
  }
  yield sys.smplab_settle();
  yield* oneEvent(event);
  for (const thread of threads) yield* join(thread);
  for (const shared of shares) same(atomicLoad32(shared + 4), 1, 'L8: every selector of a source wakes');
  return 0;
}

export function* closer(shared: number): Guest {
  yield sys.smplab_settle();
  yield sys.close(atomicLoad32(shared));
  yield* oneEvent(atomicLoad32(shared + 4));
  return 0;
}

function* whatClosesMeanwhileIsReady(): Guest {
  const shared = alloc(16);
  const event = yield sys.eventfd2(0, 0);
  const copy = yield sys.dup(event);
  atomicStore32(shared, copy);
  atomicStore32(shared + 4, event);
  const thread = yield* startThread(closer, shared, trap.cpu);
  const set = allocFdSet(event, copy);
  same(yield sys.select(64, set, 0, 0, 0), 2, 'a descriptor that was closed counts as ready');
  must(low(set) === bits(event, copy), 'and is reported');
  yield* join(thread);
  return 0;
}

let handled = 0;
export function* onSignal(signal: number): Guest {
  handled = signal;
  return yield sys.getpid();
}
export function* killer(tid: number): Guest {
  yield sys.smplab_settle();
  yield sys.tgkill(yield sys.getpid(), tid, SIGUSR1);
  return 0;
}

function* handlersInterrupt(): Guest {
  yield* sigaction(SIGUSR1, onSignal, SA_RESTART);
  const event = yield sys.eventfd2(0, 0);
  const set = allocFdSet(event);
  const left = timeval(100, 0);
  const thread = yield* startThread(killer, yield sys.gettid());
  same(yield sys.select(64, set, 0, 0, left), -EINTR, 'L3: EINTR even with SA_RESTART');
  same(handled, SIGUSR1, 'after the handler ran');
  must(fdIsSet(set, event), 'L7: the sets stay');
  must(microsecondsIn(left) > 50e6 && microsecondsIn(left) < 100e6, 'L4: and the time left is told');
  yield* join(thread);
  return 0;
}

function* pselectSwapsTheMask(): Guest {
  yield* sigaction(SIGUSR1, onSignal, SA_RESTART);
  const mask = alloc(8);
  store64(mask, 1n << BigInt(SIGUSR1 - 1));
  yield sys.rt_sigprocmask(SIG_BLOCK, mask, 0, 8);
  const open = alloc(16);
  store64(open, alloc(8));
  store64(open + 8, 8n);
  const self = [yield sys.getpid(), yield sys.gettid()] as const;
  yield sys.tgkill(...self, SIGUSR1);
  same(yield sys.pselect6(0, 0, 0, 0, allocTimespec(0), open), -EINTR, 'even with no time to wait');
  same(handled, SIGUSR1, 'the handler runs');
  handled = 0;
  yield sys.tgkill(...self, SIGUSR1);
  const event = yield sys.eventfd2(0, 0);
  const writes = allocFdSet(event);
  same(yield sys.pselect6(64, 0, writes, 0, 0, open), 1, 'E14: what is ready comes before a signal');
  same(handled, 0, 'which stays pending');
  const left = allocTimespec(10e9);
  same(yield sys.pselect6(64, allocFdSet(event), 0, 0, left, open), -EINTR, 'E14: until nothing is ready');
  same(handled, SIGUSR1, 'and the handler runs');
  must(loadTimespec(left) > 5e9 && loadTimespec(left) < 10e9, 'L4: what is left of the time is told');
  const old = alloc(8);
  yield sys.rt_sigprocmask(0, 0, old, 8);
  same(load32(old), 1 << (SIGUSR1 - 1), 'and the mask is as before');
  return 0;
}

const scenarios: Readonly<Record<string, () => Guest>> = {
  setsAreReportedBitByBit,
  argumentsAreChecked,
  onlyTheTableIsLookedAt,
  timeoutsAreKept,
  changesWake,
  everySelectorWakes,
  whatClosesMeanwhileIsReady,
  handlersInterrupt,
  pselectSwapsTheMask,
};

export function* main(_argument: number, argv: unknown): Guest {
  return yield* scenarios[String(argv)]!();
}
