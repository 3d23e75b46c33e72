/**
 * The guest side of `bench scale`: how a machine bears very many tasks, and very many descriptors.
 *
 * `ring`: every task has a pipe from which it reads, and writes into its neighbour's; a token that counts its hops goes
 * round. A sample with `ready` 0 times the making of tasks and pipes, one with 1 the hops. The end is exit_group while
 * all others sleep in read.
 *
 * `descriptors`: as many eventfds as `fds` says. `op` names what is timed: 1 opening them all, 2 closing them all, 3 a
 * write and a read on each.
 */
import { type BenchArguments, BenchBoard } from '../src/bench/board.ts';
import {
  alloc,
  atomicAdd32,
  atomicLoad32,
  atomicStore32,
  EFD_NONBLOCK,
  futexWakeAll,
  type Guest,
  load32,
  store32,
  store64,
  sys,
  waitForChange,
} from '../src/programs/libc/index.ts';
import {
  createRing,
  RING_INDEX,
  RING_MESSAGE,
  RING_READ,
  RING_SHARED,
  RING_WRITE,
} from '../src/programs/pipe-ring/ring.ts';

/** What all tasks of the ring share. */
const TASKS = 0;
const HOPS = 4;
const READY = 8;
const OVER = 12;
const WRONG = 16;
const SHARED_BYTES = 20;

export function* member(record: number): Guest {
  const shared = load32(record + RING_SHARED);
  const read = load32(record + RING_READ);
  const write = load32(record + RING_WRITE);
  const tasks = load32(shared + TASKS);
  const hops = load32(shared + HOPS);
  const message = record + RING_MESSAGE;
  if (atomicAdd32(shared + READY, 1) + 1 === tasks) yield* futexWakeAll(shared + READY);
  for (let expected = load32(record + RING_INDEX); ; expected += tasks) {
    const n = yield sys.read(read, message, 4);
    const hop = load32(message);
    if (n !== 4 || hop !== expected) atomicStore32(shared + WRONG, 1);
    if (n !== 4 || hop !== expected || hop + 1 >= hops) {
      atomicStore32(shared + OVER, 1);
      yield* futexWakeAll(shared + OVER);
    }
    store32(message, hop + 1);
    yield sys.write(write, message, 4);
  }
}

export function* ring(_argument: number, argv: BenchArguments): Guest {
  const board = new BenchBoard(argv.board);
  const { iterations, waiters: tasks, ready: timesHops } = board.read();
  const shared = alloc(SHARED_BYTES);
  store32(shared + TASKS, tasks);
  store32(shared + HOPS, timesHops === 1 ? iterations : 1);
  let startNs = performance.now() * 1e6;
  const { first } = yield* createRing(shared, tasks, member);
  for (let ready = 0; ready < tasks; ) ready = yield* waitForChange(shared + READY, ready);
  const createdNs = performance.now() * 1e6 - startNs;
  startNs = performance.now() * 1e6;
  yield sys.write(first, alloc(4), 4);
  while (atomicLoad32(shared + OVER) === 0) yield* waitForChange(shared + OVER, 0);
  const hopsNs = performance.now() * 1e6 - startNs;
  if (atomicLoad32(shared + WRONG) === 0) board.finish(timesHops === 1 ? hopsNs : createdNs);
  else board.fail(1);
  return atomicLoad32(shared + WRONG);
}

const OPEN = 1;
const CLOSE = 2;

export function* descriptors(_argument: number, argv: BenchArguments): Guest {
  const board = new BenchBoard(argv.board);
  const { fds, op } = board.read();
  const value = alloc(8);
  store64(value, 1n);
  let wrong = 0;
  let startNs = performance.now() * 1e6;
  const first = yield sys.eventfd2(0, EFD_NONBLOCK);
  for (let i = 1; i < fds; i++) wrong |= (yield sys.eventfd2(0, EFD_NONBLOCK)) ^ (first + i);
  const openedNs = performance.now() * 1e6 - startNs;
  startNs = performance.now() * 1e6;
  if (op !== OPEN && op !== CLOSE) {
    for (let fd = first; fd < first + fds; fd++) {
      wrong |= (yield sys.write(fd, value, 8)) ^ 8;
      wrong |= (yield sys.read(fd, value, 8)) ^ 8;
    }
  }
  const movedNs = performance.now() * 1e6 - startNs;
  startNs = performance.now() * 1e6;
  for (let fd = first; fd < first + fds; fd++) wrong |= yield sys.close(fd);
  const closedNs = performance.now() * 1e6 - startNs;
  if (wrong === 0) board.finish(op === OPEN ? openedNs : op === CLOSE ? closedNs : movedNs);
  else board.fail(wrong);
  return wrong === 0 ? 0 : 1;
}
