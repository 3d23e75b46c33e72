/**
 * Threads that send standard signals to their process, and wait each time until one was taken: so a signal that is lost
 * stops its sender for good, which the machine reports as a deadlock. Several senders may meet in one signal, for a
 * pending standard signal takes up others of its number.
 */
import {
  alloc,
  atomicAdd32,
  atomicLoad32,
  check,
  checkWhole,
  dataSegment,
  futexWakeAll,
  type Guest,
  join,
  load32,
  SIGUSR1,
  SIGUSR2,
  startThread,
  store32,
  sys,
  type Thread,
  trap,
  waitForChange,
} from '../libc/index.ts';

/** What senders and receivers share; its address stands at the beginning of the data segment, where handlers find it. */
export const TAKEN = 0;
export const SENT = 4;
export const SENDERS_LEFT = 8;
/** Where the last sender says that it was the last: a descriptor, and 8 bytes for it. */
export const DONE_FD = 12;
export const DONE_BYTES = 16;
export const DONE_MESSAGE = 20;
/** How many signals each sender sends. */
export const ROUNDS = 28;
/** What the handler writes to: a byte for each signal's number, so that it needs no memory of its own. */
export const PIPE_FD = 32;
export const NUMBERS = 36;
export const SHARED_BYTES = NUMBERS + 65;

/** The numbers that senders send; a word of the shared record counts those that were taken, of all numbers. */
const SIGNALS = [SIGUSR1, SIGUSR2] as const;

export function newShared(rounds: number): number {
  const shared = alloc(SHARED_BYTES);
  store32(shared + ROUNDS, rounds);
  store32(dataSegment(), shared);
  return shared;
}

/** A signal was taken: whoever waits for that goes on. */
export function* noteTaken(shared: number): Guest<void> {
  atomicAdd32(shared + TAKEN, 1);
  yield* futexWakeAll(shared + TAKEN);
}

/** Every other signal goes to the process, and every other to its first thread. */
export function* sender(shared: number): Guest {
  const rounds = load32(shared + ROUNDS);
  for (let i = 0; i < rounds; i++) {
    const signal = SIGNALS[(i >> 1) & 1]!;
    const seen = atomicLoad32(shared + TAKEN);
    const sent = i % 2 === 0 ? yield sys.kill(trap.pid, signal) : yield sys.tgkill(trap.pid, trap.pid, signal);
    check(sent, 'kill');
    atomicAdd32(shared + SENT, 1);
    yield* waitForChange(shared + TAKEN, seen);
  }
  if (atomicAdd32(shared + SENDERS_LEFT, -1) === 1) {
    const bytes = load32(shared + DONE_BYTES);
    checkWhole(yield sys.write(load32(shared + DONE_FD), shared + DONE_MESSAGE, bytes), bytes, 'write');
  }
  return 0;
}

/** @param doneFd where the last of them writes `doneBytes` bytes of the shared DONE_MESSAGE */
export function* startSenders(shared: number, count: number, doneFd: number, doneBytes: number): Guest<Thread[]> {
  store32(shared + SENDERS_LEFT, count);
  store32(shared + DONE_FD, doneFd);
  store32(shared + DONE_BYTES, doneBytes);
  const threads: Thread[] = [];
  for (let i = 0; i < count; i++) threads.push(yield* startThread(sender, shared));
  return threads;
}

/** What one way of receiving made of what was sent. */
export interface Account {
  readonly sent: number;
  /** Handlers that ran, or records that were read. */
  readonly taken: number;
  /** What stands against the rules, in words; none. */
  readonly complaints: readonly string[];
}

export function* accountOf(shared: number, threads: readonly Thread[], complaints: string[]): Guest<Account> {
  for (const thread of threads) yield* join(thread);
  const sent = atomicLoad32(shared + SENT);
  const taken = atomicLoad32(shared + TAKEN);
  if (taken > sent) complaints.push(`${taken} signals were taken, and only ${sent} sent`);
  if (taken * threads.length < sent) complaints.push(`${sent} signals met in ${taken}: more than there were senders`);
  return { sent, taken, complaints };
}
