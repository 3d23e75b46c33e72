/**
 * The guest side of `bench sched pingpong`: the main thread on CPU 0 and a second one on CPU 1 hand one message back and
 * forth through blocking reads. One operation is a round trip. The C program in bench/host/scheduling.c does the same.
 */

import { type BenchArguments, BenchBoard } from '../src/bench/board.ts';
import { alloc, type Guest, join, load32, startThread, store32, store64, sys } from '../src/programs/libc/index.ts';

/** As many as the C program plays before its clock starts. */
const WARMUP_ROUNDS = 100;

/** What the second thread finds in the memory that both share. */
const IN = 0;
const OUT = 4;
const BYTES = 8;
const ROUNDS = 12;
const SHARED_BYTES = 16;

export function* answerer(shared: number): Guest {
  const input = load32(shared + IN);
  const output = load32(shared + OUT);
  const bytes = load32(shared + BYTES);
  const rounds = load32(shared + ROUNDS);
  const message = alloc(8);
  for (let i = 0; i < rounds; i++) {
    if ((yield sys.read(input, message, bytes)) !== bytes) return 1;
    if ((yield sys.write(output, message, bytes)) !== bytes) return 1;
  }
  return 0;
}

function* play(board: BenchBoard, toSecond: [number, number], toFirst: [number, number], bytes: number): Guest {
  const { iterations } = board.read();
  const shared = alloc(SHARED_BYTES);
  store32(shared + IN, toSecond[0]);
  store32(shared + OUT, toFirst[1]);
  store32(shared + BYTES, bytes);
  store32(shared + ROUNDS, iterations + WARMUP_ROUNDS);
  const second = yield* startThread(answerer, shared, 1);
  const message = alloc(8);
  store64(message, 1n);
  const output = toSecond[1];
  const input = toFirst[0];
  let wrong = 0;
  let startNs = 0;
  for (let i = -WARMUP_ROUNDS; i < iterations && wrong === 0; i++) {
    if (i === 0) startNs = performance.now() * 1e6;
    wrong |= (yield sys.write(output, message, bytes)) ^ bytes;
    wrong |= (yield sys.read(input, message, bytes)) ^ bytes;
  }
  const totalNs = performance.now() * 1e6 - startNs;
  if (wrong === 0) board.finish(totalNs);
  else board.fail(wrong);
  if (wrong === 0) yield* join(second);
  return wrong === 0 ? 0 : 1;
}

export function* eventfdPingpong(_argument: number, argv: BenchArguments): Guest {
  const there = yield sys.eventfd2(0, 0);
  const back = yield sys.eventfd2(0, 0);
  return yield* play(new BenchBoard(argv.board), [there, there], [back, back], 8);
}

export function* pipePingpong(_argument: number, argv: BenchArguments): Guest {
  const ends = alloc(16);
  yield sys.pipe2(ends, 0);
  yield sys.pipe2(ends + 8, 0);
  const there: [number, number] = [load32(ends), load32(ends + 4)];
  const back: [number, number] = [load32(ends + 8), load32(ends + 12)];
  return yield* play(new BenchBoard(argv.board), there, back, 1);
}
