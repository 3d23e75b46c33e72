/**
 * A ring of tasks, each with a pipe from which it reads, whose other end its left neighbour has: what the programs that
 * send a token round begin with. The record below is all that a task is given.
 */
import { alloc, type Guest, makePipe, startThread, store32, type Thread } from '../libc/index.ts';

/** A task's record: what all share, its two descriptors, its place in the ring, room for the token. */
export const RING_SHARED = 0;
export const RING_READ = 4;
export const RING_WRITE = 8;
export const RING_INDEX = 12;
export const RING_MESSAGE = 16;
const RECORD_BYTES = 20;

export interface Ring {
  readonly threads: readonly Thread[];
  /** The descriptor through which the first task gets the token. */
  readonly first: number;
}

/** Makes tasks and pipes; each of them costs the same, however many there are. @param member what a task runs */
export function* createRing(shared: number, tasks: number, member: (record: number) => Guest): Guest<Ring> {
  const ends = alloc(8);
  const first = yield* makePipe(0, ends);
  let { read } = first;
  const threads: Thread[] = [];
  for (let i = 0; i < tasks; i++) {
    const next = i === tasks - 1 ? first : yield* makePipe(0, ends);
    const record = alloc(RECORD_BYTES);
    store32(record + RING_SHARED, shared);
    store32(record + RING_READ, read);
    store32(record + RING_WRITE, next.write);
    store32(record + RING_INDEX, i);
    threads.push(yield* startThread(member, record));
    ({ read } = next);
  }
  return { threads, first: first.write };
}
