/**
 * What a handler does to the call that it interrupts: with SA_RESTART a blocked read goes on as if nothing had been;
 * without, it answers EINTR. A thread blocks in read, and another hits it with tgkill.
 */
import {
  alloc,
  atomicAdd32,
  atomicLoad32,
  atomicStore32,
  check,
  dataSegment,
  EINTR,
  futexWakeAll,
  type Guest,
  join,
  load32,
  makePipe,
  SA_RESTART,
  SIG_DFL,
  SIGUSR1,
  sigaction,
  sleepNs,
  startThread,
  store32,
  sys,
  trap,
  waitForChange,
} from '../libc/index.ts';

const HANDLED = 0;
const INTERRUPTED = 4;
const READ_BYTES = 8;
const FD = 12;
const ENDED = 16;
const SHARED_BYTES = 20;
/** A signal that arrives before the thread blocks interrupts nothing, so more are sent. */
const PAUSE_NS = 200_000;

export function* onInterruption(): Guest {
  const shared = load32(dataSegment());
  atomicAdd32(shared + HANDLED, 1);
  return yield* futexWakeAll(shared + HANDLED);
}

/** Reads until a byte comes, and counts how often it is told EINTR. */
export function* interruptedReader(shared: number): Guest {
  const byte = alloc(1);
  for (;;) {
    const n = yield sys.read(load32(shared + FD), byte, 1);
    if (n === -EINTR) {
      atomicAdd32(shared + INTERRUPTED, 1);
      continue;
    }
    atomicStore32(shared + READ_BYTES, n);
    atomicStore32(shared + ENDED, 1);
    return 0;
  }
}

export interface Interruptions {
  readonly handled: number;
  readonly interrupted: number;
  readonly complaints: readonly string[];
}

/** Interrupts a blocked read until its handler ran (SA_RESTART) or the read was told so (without) `wanted` times. */
export function* interruptRead(flags: number, wanted: number): Guest<Interruptions> {
  const restarts = (flags & SA_RESTART) !== 0;
  const shared = alloc(SHARED_BYTES);
  store32(dataSegment(), shared);
  const pipe = yield* makePipe();
  store32(shared + FD, pipe.read);
  yield* sigaction(SIGUSR1, onInterruption, flags);
  const reader = yield* startThread(interruptedReader, shared);
  const pause = alloc(16);
  while (atomicLoad32(shared + (restarts ? HANDLED : INTERRUPTED)) < wanted) {
    const seen = atomicLoad32(shared + HANDLED);
    check(yield sys.tgkill(trap.pid, reader.tid, SIGUSR1), 'tgkill');
    yield* waitForChange(shared + HANDLED, seen);
    yield* sleepNs(PAUSE_NS, pause);
  }
  const complaints: string[] = [];
  if (atomicLoad32(shared + ENDED) === 1) complaints.push('the read ended before there was anything to read');
  check(yield sys.write(pipe.write, shared, 1), 'write');
  yield* join(reader);
  yield* sigaction(SIGUSR1, SIG_DFL);
  yield sys.close(pipe.read);
  yield sys.close(pipe.write);
  const handled = atomicLoad32(shared + HANDLED);
  const interrupted = atomicLoad32(shared + INTERRUPTED);
  if (atomicLoad32(shared + READ_BYTES) !== 1) complaints.push('the read did not get its byte in the end');
  if (restarts && interrupted > 0)
    complaints.push(`a handler with SA_RESTART made read answer EINTR ${interrupted} times`);
  if (interrupted > handled) complaints.push(`${interrupted} times EINTR, and only ${handled} handlers`);
  return { handled, interrupted, complaints };
}
