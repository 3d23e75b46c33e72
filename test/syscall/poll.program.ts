// What a guest may rely on of poll and ppoll; `main` runs the scenario that argv names.
import {
  alloc,
  allocTimespec,
  EFAULT,
  EINTR,
  EINVAL,
  type Guest,
  join,
  load16,
  load32,
  loadTimespec,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  SA_RESTART,
  sigaction,
  SIGUSR1,
  startThread,
  store16,
  store32,
  store64,
  sys,
} from '../../src/programs/libc/index.ts';
import { atomicLoad32, atomicStore32, CLOCK_MONOTONIC } from '../../src/programs/libc/index.ts';

const MS = 1e6;

function same(found: number, wanted: number, promise: string): void {
  if (found !== wanted) throw new Error(`broken promise: ${promise} (found ${found}, wanted ${wanted})`);
}
function must(holds: boolean, promise: string): void {
  if (!holds) throw new Error(`broken promise: ${promise}`);
}

/** An array of struct pollfd from pairs (fd, events); revents start out as garbage. */
function pollfds(...pairs: readonly (readonly [number, number])[]): number {
  const at = alloc(pairs.length * 8);
  pairs.forEach(([fd, events], i) => {
    store32(at + i * 8, fd);
    store16(at + i * 8 + 4, events);
    store16(at + i * 8 + 6, 0x7777);
  });
  return at;
}
function revents(at: number, index: number): number {
  return load16(at + index * 8 + 6);
}

function* newPipe(): Guest {
  const at = alloc(8);
  same(yield sys.pipe(at), 0, 'a pipe');
  return at;
}

function* now(): Guest {
  const at = alloc(16);
  yield sys.clock_gettime(CLOCK_MONOTONIC, at);
  return loadTimespec(at);
}

function* entriesAreReportedOneByOne(): Guest {
  const event = yield sys.eventfd2(1, 0);
  const pipe = yield* newPipe();
  const [r, w] = [load32(pipe), load32(pipe + 4)];
  const at = pollfds([event, POLLIN], [-1, POLLIN], [99, 0], [event, POLLIN | POLLOUT], [r, POLLIN], [w, POLLOUT]);
  same(yield sys.poll(at, 6, 0), 4, 'L1: the answer counts entries');
  same(revents(at, 0), POLLIN, 'L1: only what was asked for');
  same(revents(at, 1), 0, 'L1: a negative descriptor is skipped');
  same(revents(at, 2), POLLNVAL, 'L1: a closed one is POLLNVAL, asked for or not');
  same(revents(at, 3), POLLIN | POLLOUT, 'L1: the same descriptor twice');
  same(revents(at, 4), 0, 'L9: revents of the others are 0');
  same(revents(at, 5), POLLOUT, 'the write end');
  same(load16(at + 4), POLLIN, 'L9: events stay');
  yield sys.close(r);
  const orphan = pollfds([w, 0]);
  same(yield sys.poll(orphan, 1, -1), 1, 'L1: ERR needs no asking');
  must((revents(orphan, 0) & POLLERR) !== 0, 'L1: ERR');
  const other = yield* newPipe();
  yield sys.close(load32(other + 4));
  const hung = pollfds([load32(other), 0]);
  same(yield sys.poll(hung, 1, -1), 1, 'L1: HUP needs no asking');
  same(revents(hung, 0), POLLHUP, 'L1: HUP');
  return 0;
}

function* argumentsAreChecked(): Guest {
  same(yield sys.poll(0, 0, 0), 0, 'L2: no entries, no array');
  same(yield sys.poll(1, 1, 0), -EFAULT, 'L2: a bad array');
  same(yield sys.poll(0, 1 << 20, 0), -EINVAL, 'L2: more than RLIMIT_NOFILE, before the array');
  const bad = alloc(16);
  store64(bad + 8, 1_000_000_000n);
  same(yield sys.ppoll(0, 0, bad, 0, 8), -EINVAL, 'L4: an invalid timespec');
  same(yield sys.ppoll(0, 0, 1, 0, 8), -EFAULT, 'L4: an unreadable one');
  same(yield sys.ppoll(0, 0, 0, alloc(8), 4), -EINVAL, 'L4: the size of a mask is 8');
  same(yield sys.ppoll(0, 1 << 20, allocTimespec(0), 1, 8), -EFAULT, 'L4: the mask comes before the array');
  return 0;
}

function* timeoutsAreKept(): Guest {
  const event = yield sys.eventfd2(0, 0);
  const at = pollfds([event, POLLIN]);
  const start = yield* now();
  same(yield sys.poll(at, 1, 0), 0, 'timeout 0 looks once');
  same(yield sys.poll(at, 1, 30), 0, 'a timeout answers 0');
  const waited = (yield* now()) - start;
  must(waited >= 30 * MS, `E8: never early (${waited} ns)`);
  must(waited < 500 * MS, `E8: and in time (${waited} ns)`);
  same(revents(at, 0), 0, 'revents are written all the same');
  same(yield sys.poll(0, 0, 20), 0, 'poll of nothing is a sleep');
  must((yield* now()) - start >= 50 * MS, 'of its whole length');
  return 0;
}

export function* writer(event: number): Guest {
  yield sys.nanosleep(allocTimespec(20 * MS), 0);
  const one = alloc(8);
  store64(one, 1n);
  yield sys.write(event, one, 8);
  return 0;
}

function* changesWakeAPoller(): Guest {
  const event = yield sys.eventfd2(0, 0);
  const other = yield sys.eventfd2(0, 0);
  const thread = yield* startThread(writer, event);
  const at = pollfds([other, POLLIN], [event, POLLIN]);
  same(yield sys.poll(at, 2, -1), 1, 'a write wakes the poller');
  same(revents(at, 0), 0, 'not the other');
  same(revents(at, 1), POLLIN, 'with what it waited for');
  yield* join(thread);
  return 0;
}

export function* waiter(shared: number): Guest {
  const at = pollfds([atomicLoad32(shared), POLLIN]);
  const r = yield sys.poll(at, 1, -1);
  atomicStore32(shared + 4 + 4 * r, 1);
  return 0;
}

function* everyPollerWakes(): Guest {
  const event = yield sys.eventfd2(0, 0);
  const shares: number[] = [];
  const threads = [];
  for (let i = 0; i < 3; i++) {
    const shared = alloc(16);
    atomicStore32(shared, event);
    shares.push(shared);
    threads.push(yield* startThread(waiter, shared));
  }
  yield* writer(event);
  for (const thread of threads) yield* join(thread);
  for (const shared of shares) same(atomicLoad32(shared + 8), 1, 'L8: every poller of a source wakes');
  return 0;
}

let handled = 0;
export function* onSignal(signal: number): Guest {
  handled = signal;
  // A handler may call the kernel as anybody may.
  return yield sys.getpid();
}

export function* killer(tid: number): Guest {
  yield sys.nanosleep(allocTimespec(20 * MS), 0);
  yield sys.tgkill(yield sys.getpid(), tid, SIGUSR1);
  return 0;
}

function* handlersInterrupt(): Guest {
  yield* sigaction(SIGUSR1, onSignal, SA_RESTART);
  const event = yield sys.eventfd2(0, 0);
  const thread = yield* startThread(killer, yield sys.gettid());
  same(yield sys.poll(pollfds([event, POLLIN]), 1, -1), -EINTR, 'L3: EINTR even with SA_RESTART');
  same(handled, SIGUSR1, 'after the handler ran');
  yield* join(thread);
  return 0;
}

function* ppollSwapsTheMaskAndTellsTheTime(): Guest {
  yield* sigaction(SIGUSR1, onSignal);
  const mask = alloc(8);
  store64(mask, 1n << BigInt(SIGUSR1 - 1));
  yield sys.rt_sigprocmask(0, mask, 0, 8);
  yield sys.tgkill(yield sys.getpid(), yield sys.gettid(), SIGUSR1);
  const left = allocTimespec(10e9);
  same(handled, 0, 'a blocked signal waits');
  same(yield sys.ppoll(0, 0, left, alloc(8), 8), -EINTR, 'ppoll opens the mask');
  same(handled, SIGUSR1, 'and the handler runs');
  must(loadTimespec(left) > 5e9 && loadTimespec(left) < 10e9, 'L4: what is left of the time is told');
  const old = alloc(8);
  yield sys.rt_sigprocmask(0, 0, old, 8);
  same(load32(old), 1 << (SIGUSR1 - 1), 'and the mask is as before');
  const short = allocTimespec(5 * MS);
  same(yield sys.ppoll(0, 0, short, 0, 0), 0, 'a timeout of ppoll');
  same(loadTimespec(short), 0, 'leaves nothing');
  return 0;
}

const scenarios: Readonly<Record<string, () => Guest>> = {
  entriesAreReportedOneByOne,
  argumentsAreChecked,
  timeoutsAreKept,
  changesWakeAPoller,
  everyPollerWakes,
  handlersInterrupt,
  ppollSwapsTheMaskAndTellsTheTime,
};

export function* main(_argument: number, argv: unknown): Guest {
  return yield* scenarios[String(argv)]!();
}
