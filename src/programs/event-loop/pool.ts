/**
 * A thread pool: work that takes long runs in other threads, on other CPUs, and the loop is told when it is done.
 *
 *     loop                         queue (user memory)              thread of the pool
 *       start(work, argument) ──▶ waiting: w3 ─▶ w2 ─▶ w1  ──────▶ runs work(argument)
 *       callback(result) ◀── async ◀── done: w1 ─▶ ...     ◀────── result
 *
 * Work is a generator function that the program's module exports, named by its place among the exports, because a
 * closure cannot leave its thread. The pool's own thread function must be among the exports too: `export { poolThread }
 * from 'smplab/event-loop'`. Work begins in the order in which it was started; it may end in another.
 * Origin: libuv src/threadpool.c.
 */
import {
  alloc,
  atomicAdd32,
  atomicLoad32,
  entryOf,
  FUTEX_PRIVATE_FLAG,
  FUTEX_WAKE,
  type Guest,
  join,
  load32,
  loadFloat,
  lockMutex,
  startThread,
  store32,
  storeFloat,
  sys,
  type Thread,
  trap,
  unlockMutex,
  waitForChange,
} from '../libc/index.ts';
import { type Async, type Asyncs, sendAsync } from './async.ts';
import { type Callback, call } from './callback.ts';
import type { Loop } from './loop.ts';

/** The queue: a mutex over all but `CHANGES`, on which idle threads sleep. */
const MUTEX = 0;
const CHANGES = 4;
const FIRST = 8;
const LAST = 12;
const DONE = 16;
const ASYNC = 20;
const ENDING = 24;
const QUEUE_BYTES = 32;
/** One piece of work. */
const NEXT = 0;
const ENTRY = 4;
const ARGUMENT = 8;
const RESULT = 16;
const WORK_BYTES = 24;

export class Pool {
  private readonly loop: Loop;
  private readonly queue: number;
  private readonly threads: readonly Thread[];
  private readonly callbacks = new Map<number, Callback<[result: number]>>();
  /** Records to be used again: user memory only grows. */
  private readonly free: number[] = [];

  constructor(loop: Loop, queue: number, threads: readonly Thread[]) {
    this.loop = loop;
    this.queue = queue;
    this.threads = threads;
  }

  /** Runs work(argument) in the pool, then callback(what it returned) in the loop, which lives as long. */
  *start(work: unknown, argument: number, callback: Callback<[result: number]>): Guest<void> {
    const { queue } = this;
    const record = this.free.pop() ?? alloc(WORK_BYTES);
    store32(record + NEXT, 0);
    store32(record + ENTRY, entryOf(work));
    storeFloat(record + ARGUMENT, argument);
    this.callbacks.set(record, callback);
    this.loop.requestStarted();
    yield* lockMutex(queue + MUTEX);
    const last = load32(queue + LAST);
    store32(last === 0 ? queue + FIRST : last + NEXT, record);
    store32(queue + LAST, record);
    yield* unlockMutex(queue + MUTEX);
    yield* wakeThreads(queue, 1);
  }

  /** Ends the threads, once all work is done. */
  *close(): Guest<void> {
    store32(this.queue + ENDING, 1);
    yield* wakeThreads(this.queue, this.threads.length);
    for (const thread of this.threads) yield* join(thread);
  }

  /** Work is done: take all of it at once, and call back without the lock, for callbacks may start more. */
  *finish(): Guest<void> {
    yield* lockMutex(this.queue + MUTEX);
    let record = load32(this.queue + DONE);
    store32(this.queue + DONE, 0);
    yield* unlockMutex(this.queue + MUTEX);
    while (record !== 0) {
      const next = load32(record + NEXT);
      const result = loadFloat(record + RESULT);
      const callback = this.callbacks.get(record)!;
      this.callbacks.delete(record);
      this.free.push(record);
      this.loop.requestEnded();
      yield* call(callback, result);
      record = next;
    }
  }
}

/** @param asyncs of the loop, through which the threads say that work is done */
export function* openPool(loop: Loop, asyncs: Asyncs, size = 4): Guest<Pool> {
  const queue = alloc(QUEUE_BYTES);
  const threads: Thread[] = [];
  const pool = new Pool(loop, queue, threads);
  const done: Async = yield* asyncs.start(() => pool.finish());
  store32(queue + ASYNC, done.address);
  for (let i = 0; i < size; i++) threads.push(yield* startThread(poolThread, queue));
  return pool;
}

/** A thread of the pool. */
export function* poolThread(queue: number): Guest {
  for (;;) {
    const record = yield* takeWork(queue);
    if (record === 0) return 0;
    const work = trap.image!.entries[load32(record + ENTRY)] as (argument: number) => Guest;
    storeFloat(record + RESULT, yield* work(loadFloat(record + ARGUMENT)));
    yield* lockMutex(queue + MUTEX);
    store32(record + NEXT, load32(queue + DONE));
    store32(queue + DONE, record);
    yield* unlockMutex(queue + MUTEX);
    yield* sendAsync(load32(queue + ASYNC));
  }
}

/** @returns a piece of work, or 0 when there will be none */
function* takeWork(queue: number): Guest {
  for (;;) {
    // Before the look: a change after it ends the wait at once.
    const seen = atomicLoad32(queue + CHANGES);
    yield* lockMutex(queue + MUTEX);
    const record = load32(queue + FIRST);
    if (record !== 0) {
      store32(queue + FIRST, load32(record + NEXT));
      if (load32(queue + FIRST) === 0) store32(queue + LAST, 0);
    }
    yield* unlockMutex(queue + MUTEX);
    if (record !== 0) return record;
    if (atomicLoad32(queue + ENDING) === 1) return 0;
    yield* waitForChange(queue + CHANGES, seen);
  }
}

function* wakeThreads(queue: number, count: number): Guest<void> {
  atomicAdd32(queue + CHANGES, 1);
  yield sys.futex(queue + CHANGES, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, 0, 0, 0);
}
