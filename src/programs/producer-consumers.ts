/**
 * Producers and consumers share a bounded queue in user memory. Everything produced is consumed exactly once, in the order
 * of its producer, and each thread tells how often it was woken only to wait again.
 *
 *     smplab run producer-consumers --set producers=4 --set consumers=4 --set items=500 --set places=4 --set way=epoll
 *
 * Ways to wait: `condition` (mutex and condition variables), `blocking` (eventfds as semaphores, read blocks), `epoll`
 * (the same eventfds, nonblocking, watched by an epoll of each thread; exclusive=true for EPOLLEXCLUSIVE).
 */
import {
  alloc,
  atomicAdd32,
  atomicLoad32,
  duration,
  figure,
  type Guest,
  join,
  load32,
  monotonicNs,
  print,
  printFigures,
  startThread,
  store32,
  type Thread,
} from './libc/index.ts';
import { IN_VAIN, MOVED, THREAD_BYTES, WAITED } from './producer-consumers/counts.ts';
import { accessTo, newQueue, put, take, type Way } from './producer-consumers/queue.ts';

export interface ProducerConsumersOptions {
  readonly producers?: number;
  readonly consumers?: number;
  /** Of each producer. */
  readonly items?: number;
  readonly places?: number;
  readonly way?: Way;
  readonly exclusive?: boolean;
}

/** Says to the consumer that takes it that there will be nothing more. */
const END = 0;

/** What all threads share; how often each item was taken follows. */
const QUEUE = 0;
const DISORDER = 4;
const TAKEN = 8;
/** What a thread finds at its argument: its counts, and behind them: */
const SHARED = THREAD_BYTES;
const NUMBER = THREAD_BYTES + 4;
const RECORD_BYTES = THREAD_BYTES + 8;

function settingsOf(options: ProducerConsumersOptions | undefined): Required<ProducerConsumersOptions> {
  const { producers = 4, consumers = 4, items = 500, places = 8, way = 'condition', exclusive = false } = options ?? {};
  return { producers, consumers, items, places, way, exclusive };
}

export function* producer(record: number, options: ProducerConsumersOptions | undefined): Guest {
  const { items, way, exclusive } = settingsOf(options);
  const access = yield* accessTo(load32(load32(record + SHARED) + QUEUE), way, record, exclusive);
  const first = 1 + load32(record + NUMBER) * items;
  for (let i = 0; i < items; i++) yield* put(access, first + i);
  return 0;
}

export function* consumer(record: number, options: ProducerConsumersOptions | undefined): Guest {
  const { items, way, exclusive } = settingsOf(options);
  const shared = load32(record + SHARED);
  const access = yield* accessTo(load32(shared + QUEUE), way, record, exclusive);
  const latest = new Map<number, number>();
  for (;;) {
    const item = yield* take(access);
    if (item === END) return 0;
    atomicAdd32(shared + TAKEN + 4 * item, 1);
    const from = Math.floor((item - 1) / items);
    if (item <= (latest.get(from) ?? 0)) atomicAdd32(shared + DISORDER, 1);
    latest.set(from, item);
  }
}

function* startAll(start: unknown, count: number, shared: number): Guest<{ threads: Thread[]; records: number[] }> {
  const threads: Thread[] = [];
  const records: number[] = [];
  for (let i = 0; i < count; i++) {
    const record = alloc(RECORD_BYTES);
    store32(record + SHARED, shared);
    store32(record + NUMBER, i);
    records.push(record);
    threads.push(yield* startThread(start, record));
  }
  return { threads, records };
}

function printThreads(name: string, records: readonly number[]): void {
  records.forEach((record, i) => {
    const word = (offset: number): string => figure(atomicLoad32(record + offset));
    print(`  ${name} ${i}: ${word(MOVED)} items, waited ${word(WAITED)} times, woken for nothing ${word(IN_VAIN)}`);
  });
}

export function* main(_argument: number, options: ProducerConsumersOptions | undefined): Guest {
  const { producers, consumers, items, places, way, exclusive } = settingsOf(options);
  const total = producers * items;
  const shared = alloc(TAKEN + 4 * (total + 1));
  store32(shared + QUEUE, yield* newQueue(places, way));
  const beginNs = yield* monotonicNs();
  const consuming = yield* startAll(consumer, consumers, shared);
  const producing = yield* startAll(producer, producers, shared);
  for (const thread of producing.threads) yield* join(thread);
  const own = yield* accessTo(load32(shared + QUEUE), way, alloc(THREAD_BYTES), exclusive);
  for (let i = 0; i < consumers; i++) yield* put(own, END);
  for (const thread of consuming.threads) yield* join(thread);
  const ns = (yield* monotonicNs()) - beginNs;

  let once = 0;
  for (let item = 1; item <= total; item++) if (atomicLoad32(shared + TAKEN + 4 * item) === 1) once++;
  const disorder = atomicLoad32(shared + DISORDER);
  const records = [...producing.records, ...consuming.records];
  const sum = (offset: number): number => records.reduce((n, record) => n + atomicLoad32(record + offset), 0);
  const words = `${way}${exclusive ? ', exclusive' : ''}`;
  printFigures(`producer-consumers: ${producers} to ${consumers} through ${places} places (${words})`, [
    ['items consumed exactly once', `${figure(once)} of ${figure(total)}`],
    ['an item', duration(ns / total)],
    ['waits', sum(WAITED)],
    ['woken for nothing', way === 'blocking' ? 'the kernel knows' : sum(IN_VAIN)],
  ]);
  printThreads('producer', producing.records);
  printThreads('consumer', consuming.records);
  return once === total && disorder === 0 ? 0 : 1;
}
