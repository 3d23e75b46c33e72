/**
 * Threads, joins, mutexes, conditions and signal handlers, out of clone and futex.
 *
 * A thread, and a signal handler, is a generator function that the program's module exports: the CPU that runs it has
 * its own copy of the module and finds it by its place among the exports.
 */
import { EAGAIN, ETIMEDOUT } from '../../kernel/abi/errno.ts';
import {
  CLONE_CHILD_CLEARTID,
  CLONE_FILES,
  CLONE_FS,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VM,
  FUTEX_CMP_REQUEUE,
  FUTEX_PRIVATE_FLAG,
  FUTEX_WAIT,
  FUTEX_WAKE,
} from '../../kernel/abi/flags-task.ts';
import { SA_RESTORER } from '../../kernel/abi/flags-signal.ts';
import { sigactionLayout } from '../../kernel/abi/layout.ts';
import {
  alloc,
  atomicAdd32,
  atomicLoad32,
  atomicStore32,
  compareExchange32,
  store32,
  store64,
  storeFloat,
} from './memory.ts';
import { sys } from './sys.ts';
import { trap } from './trap.ts';

export type Guest<T = number> = Generator<number, T, number>;

const THREAD_FLAGS =
  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;

/** Handler values below this are SIG_DFL and SIG_IGN; above it stands the entry's number. */
export const HANDLER_BASE = 16;

/** The number by which the kernel knows an exported generator function. */
export function entryOf(start: unknown): number {
  const index = trap.image?.entries.indexOf(start) ?? -1;
  if (index < 0) throw new TypeError('a thread or signal handler must be a generator function that its module exports');
  return index;
}

export interface Thread {
  readonly tid: number;
  /** Its tid while it lives; its exit stores 0 there and wakes. */
  readonly aliveAt: number;
}

/**
 * Starts a thread: `yield* startThread(worker, 7)` runs worker(7).
 * @param cpu its home, -1 to let the kernel choose
 * @throws Error with the errno when none can be started
 */
export function* startThread(start: unknown, argument = 0, cpu = -1): Guest<Thread> {
  // The kernel takes what the new thread runs from its stack, as a libc does: entry, argument, home.
  const stack = alloc(32);
  store64(stack, entryOf(start));
  storeFloat(stack + 8, argument);
  store64(stack + 16, cpu);
  const aliveAt = alloc(8);
  store32(aliveAt, 1);
  const tid = yield trap.abi === 'x86_64'
    ? sys.clone(THREAD_FLAGS, stack, 0, aliveAt, 0)
    : sys.clone(THREAD_FLAGS, stack, 0, 0, aliveAt);
  if (tid < 0) throw new Error(`clone: ${tid}`);
  return { tid, aliveAt };
}

/** Waits for the end of a thread. */
export function* join(thread: Thread): Guest<void> {
  for (;;) {
    const alive = atomicLoad32(thread.aliveAt);
    if (alive === 0) return;
    yield sys.futex(thread.aliveAt, FUTEX_WAIT, alive, 0, 0, 0);
  }
}

/** Waits until the word at `address` differs from `seen`. */
export function* waitForChange(address: number, seen: number): Guest<number> {
  for (;;) {
    const now = atomicLoad32(address);
    if (now !== seen) return now;
    yield sys.futex(address, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, seen, 0, 0, 0);
  }
}

export function* futexWakeAll(address: number): Guest<number> {
  return yield sys.futex(address, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 0x7fffffff, 0, 0, 0);
}

/** A mutex is one word: 0 free, 1 held, 2 held and waited for. */
export function* lockMutex(mutex: number): Guest<void> {
  if (compareExchange32(mutex, 0, 1) !== 0) yield* lockWaitedFor(mutex);
}

/** Takes the mutex and marks it, for others may be waiting for it by now. */
function* lockWaitedFor(mutex: number): Guest<void> {
  for (;;) {
    if (compareExchange32(mutex, 0, 2) === 0) return;
    if (atomicLoad32(mutex) === 2 || compareExchange32(mutex, 1, 2) === 1) {
      yield sys.futex(mutex, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2, 0, 0, 0);
    }
  }
}

export function* unlockMutex(mutex: number): Guest<void> {
  // One operation decides: a waiter that marks the word in between would otherwise never be woken.
  if (compareExchange32(mutex, 1, 0) === 1) return;
  atomicStore32(mutex, 0);
  yield sys.futex(mutex, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0);
}

/**
 * Lets go of the mutex until the condition is signalled, and takes it again. It may return without a signal, so the
 * caller looks again at what it waits for. A condition is one word, which counts its signals.
 * @param timeout address of a timespec, relative; 0 for ever
 * @returns 0, or -ETIMEDOUT
 */
export function* condWait(condition: number, mutex: number, timeout = 0): Guest {
  // Read while the mutex is held: a signal from here on changes the word, and then the wait does not begin.
  const seen = atomicLoad32(condition);
  yield* unlockMutex(mutex);
  const r = yield sys.futex(condition, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, seen, timeout, 0, 0);
  // Whoever was moved to the mutex with this one sleeps there, and only a marked mutex wakes when it is let go of.
  yield* lockWaitedFor(mutex);
  return r === -ETIMEDOUT ? r : 0;
}

export function* condSignal(condition: number): Guest<void> {
  atomicAdd32(condition, 1);
  yield sys.futex(condition, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0);
}

/** Wakes one waiter and moves the others to the mutex, which each of them will need; held by the caller or not. */
export function* condBroadcast(condition: number, mutex: number): Guest<void> {
  const op = FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG;
  let now = (atomicAdd32(condition, 1) + 1) | 0;
  // Another signal in between has woken somebody, but not all: once more.
  while ((yield sys.futex(condition, op, 1, 0x7fffffff, mutex, now)) === -EAGAIN) now = atomicLoad32(condition);
}

/** Installs a handler: an exported generator function, or 0 (SIG_DFL), 1 (SIG_IGN). */
export function* sigaction(signal: number, handler: unknown, flags = 0, mask = 0n): Guest {
  const at = alloc(sigactionLayout.size);
  store64(at + sigactionLayout.handler, typeof handler === 'number' ? handler : HANDLER_BASE + entryOf(handler));
  store64(at + sigactionLayout.flags, flags | SA_RESTORER);
  store64(at + sigactionLayout.mask, mask);
  return yield sys.rt_sigaction(signal, at, 0, 8);
}
