/**
 * A bounded queue in user memory, and two ways to wait for room and for items:
 *
 *     condition   a mutex over everything, and two conditions: not full, not empty
 *     semaphore   two eventfds count free places and items; the mutex only guards the ring
 *
 * A put happens before the take of its item, items come out in the order in which they went in, and none twice.
 */
import {
  alloc,
  atomicAdd32,
  condSignal,
  condWait,
  type Guest,
  load32,
  lockMutex,
  store32,
  unlockMutex,
} from '../libc/index.ts';
import { IN_VAIN, MOVED, WAITED } from './counts.ts';
import { down, type Gate, type SemaphoreWay, newSemaphore, openGate, up } from './semaphore.ts';

export type Way = 'condition' | SemaphoreWay;

/** The queue's record; its places follow. */
const CAPACITY = 0;
const MUTEX = 4;
const HEAD = 8;
const COUNT = 12;
const NOT_FULL = 16;
const NOT_EMPTY = 20;
/** The eventfds. */
const FREE = 24;
const ITEMS = 28;
const PLACES = 32;

/** A thread's way into the queue. */
export interface Access {
  readonly queue: number;
  readonly way: Way;
  /** Its own record. */
  readonly counts: number;
  /** For the semaphores, its own means to wait for them. */
  readonly free: Gate | undefined;
  readonly items: Gate | undefined;
}

export function* newQueue(capacity: number, way: Way): Guest {
  const queue = alloc(PLACES + 4 * capacity);
  store32(queue + CAPACITY, capacity);
  if (way !== 'condition') {
    store32(queue + FREE, yield* newSemaphore(capacity, way));
    store32(queue + ITEMS, yield* newSemaphore(0, way));
  }
  return queue;
}

/** For a thread that puts, takes or both. */
export function* accessTo(queue: number, way: Way, counts: number, exclusive: boolean): Guest<Access> {
  if (way === 'condition') return { queue, way, counts, free: undefined, items: undefined };
  const free = yield* openGate(load32(queue + FREE), way, exclusive);
  const items = yield* openGate(load32(queue + ITEMS), way, exclusive);
  return { queue, way, counts, free, items };
}

export function* put(access: Access, item: number): Guest<void> {
  const { queue, counts, free, items } = access;
  if (free !== undefined) yield* down(free, counts);
  yield* lockMutex(queue + MUTEX);
  if (free === undefined) yield* whileCountIs(access, load32(queue + CAPACITY), NOT_FULL);
  const count = load32(queue + COUNT);
  const place = (load32(queue + HEAD) + count) % load32(queue + CAPACITY);
  store32(queue + PLACES + 4 * place, item);
  store32(queue + COUNT, count + 1);
  yield* unlockMutex(queue + MUTEX);
  if (items === undefined) yield* condSignal(queue + NOT_EMPTY);
  else yield* up(items);
  atomicAdd32(counts + MOVED, 1);
}

export function* take(access: Access): Guest {
  const { queue, counts, free, items } = access;
  if (items !== undefined) yield* down(items, counts);
  yield* lockMutex(queue + MUTEX);
  if (items === undefined) yield* whileCountIs(access, 0, NOT_EMPTY);
  const head = load32(queue + HEAD);
  const item = load32(queue + PLACES + 4 * head);
  store32(queue + HEAD, (head + 1) % load32(queue + CAPACITY));
  store32(queue + COUNT, load32(queue + COUNT) - 1);
  yield* unlockMutex(queue + MUTEX);
  if (free === undefined) yield* condSignal(queue + NOT_FULL);
  else yield* up(free);
  atomicAdd32(counts + MOVED, 1);
  return item;
}

/** Waits on a condition, with the mutex held before and after. Somebody else may be faster: then it waits again. */
function* whileCountIs({ queue, counts }: Access, unwanted: number, condition: number): Guest<void> {
  for (let waits = 0; load32(queue + COUNT) === unwanted; waits++) {
    atomicAdd32(counts + (waits === 0 ? WAITED : IN_VAIN), 1);
    yield* condWait(queue + condition, queue + MUTEX);
  }
}
