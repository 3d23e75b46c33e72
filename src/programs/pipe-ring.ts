/**
 * A ring of tasks, each with a pipe from which it reads, and a token that goes round. Every hop is one write, one wakeup
 * and one read; what it costs beside how many others sleep is the design's doing.
 *
 *     smplab run pipe-ring --set tasks=100 --set rounds=20
 *     smplab run pipe-ring --limit tasks=10001 --limit pipes=10001 --limit nofile=20010 --limit files=20010 \
 *                          --set tasks=10000 --set hops=1000
 *
 * The token is the number of the hop, so that a task knows which number must come next. The task that gets the last one
 * sends STOP round, and each that has passed it on ends.
 */
import {
  alloc,
  atomicAdd32,
  atomicLoad32,
  checkWhole,
  duration,
  futexWakeAll,
  type Guest,
  join,
  load32,
  loadFloat,
  monotonicNs,
  printFigures,
  store32,
  storeFloat,
  sys,
  waitForChange,
} from './libc/index.ts';
import { createRing, RING_INDEX, RING_MESSAGE, RING_READ, RING_SHARED, RING_WRITE } from './pipe-ring/ring.ts';

export interface RingOptions {
  readonly tasks?: number;
  /** How often the token goes round. */
  readonly rounds?: number;
  /** Instead of rounds: how many hops it makes. */
  readonly hops?: number;
}

const STOP = -1;

/** What all tasks share. */
const TASKS = 0;
const HOPS = 4;
const READY = 8;
const WRONG = 12;
const SEEN = 16;
const BEGIN = 24;
const END = 32;
const SHARED_BYTES = 40;

export function* member(record: number): Guest {
  const shared = load32(record + RING_SHARED);
  const read = load32(record + RING_READ);
  const write = load32(record + RING_WRITE);
  const index = load32(record + RING_INDEX);
  const tasks = load32(shared + TASKS);
  const hops = load32(shared + HOPS);
  const message = record + RING_MESSAGE;
  if (atomicAdd32(shared + READY, 1) + 1 === tasks) yield* futexWakeAll(shared + READY);
  let expected = index;
  let seen = 0;
  for (;;) {
    checkWhole(yield sys.read(read, message, 4), 4, 'read');
    const hop = load32(message);
    if (hop === STOP) break;
    if (hop !== expected) atomicAdd32(shared + WRONG, 1);
    expected += tasks;
    seen++;
    if (hop + 1 === hops) {
      storeFloat(shared + END, yield* monotonicNs());
      store32(message, STOP);
      checkWhole(yield sys.write(write, message, 4), 4, 'write');
      // It comes back when all others have passed it on.
      checkWhole(yield sys.read(read, message, 4), 4, 'read');
      atomicAdd32(shared + SEEN, seen);
      return 0;
    }
    store32(message, hop + 1);
    checkWhole(yield sys.write(write, message, 4), 4, 'write');
  }
  atomicAdd32(shared + SEEN, seen);
  checkWhole(yield sys.write(write, message, 4), 4, 'write');
  return 0;
}

export function* main(_argument: number, options: RingOptions | undefined): Guest {
  const tasks = options?.tasks ?? 100;
  const hops = options?.hops ?? tasks * (options?.rounds ?? 20);
  const shared = alloc(SHARED_BYTES);
  store32(shared + TASKS, tasks);
  store32(shared + HOPS, hops);
  const beginNs = yield* monotonicNs();
  const { threads, first } = yield* createRing(shared, tasks, member);
  const createdNs = (yield* monotonicNs()) - beginNs;
  for (let ready = 0; ready < tasks; ) ready = yield* waitForChange(shared + READY, ready);
  const token = alloc(4);
  storeFloat(shared + BEGIN, yield* monotonicNs());
  checkWhole(yield sys.write(first, token, 4), 4, 'write');
  for (const thread of threads) yield* join(thread);
  const wrong = atomicLoad32(shared + WRONG);
  const seen = atomicLoad32(shared + SEEN);
  const ns = loadFloat(shared + END) - loadFloat(shared + BEGIN);
  printFigures(`pipe-ring: ${tasks} tasks, ${hops} hops`, [
    ['a task and its pipe made in', duration(createdNs / tasks)],
    ['a hop', duration(ns / hops)],
    ['hops a second', Math.round((hops / ns) * 1e9)],
  ]);
  return wrong === 0 && seen === hops ? 0 : 1;
}
