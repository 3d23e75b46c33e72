// Programs that fail in ways which only their host can notice.
import { type Guest, startThread, sys } from '../../src/programs/libc/index.ts';

export function* takesAllMemory(): Guest {
  yield sys.getpid();
  const kept: unknown[] = [];
  for (;;) kept.push(Array.from({ length: 1000 }, () => kept.length));
}

export function* leavesARejection(): Guest {
  yield sys.getpid();
  void Promise.reject(new Error('nobody caught this'));
  return 0;
}

export function* returnsSeven(): Guest {
  yield sys.getpid();
  return 7;
}

/** Computes without a trap for `argument` milliseconds, and then is over. */
export function* computes(ms: number): Guest {
  yield sys.getpid();
  for (const endMs = performance.now() + ms; performance.now() < endMs; );
  return 0;
}

export function* neverTraps(): Guest {
  yield sys.getpid();
  for (;;);
}

/** A hundred threads on one CPU, each of which takes its whole slice again and again. */
export function* overloads(): Guest {
  for (let i = 0; i < 100; i++) yield* startThread(takesItsSlices, 0, 0);
  return yield* takesItsSlices();
}

export function* takesItsSlices(): Guest {
  for (const endMs = performance.now() + 2500; performance.now() < endMs; ) yield sys.getpid();
  return 0;
}

/** Four threads that let each other run all the time. */
export function* takesTurns(): Guest {
  for (let i = 0; i < 3; i++) yield* startThread(yieldsOften, 0, 0);
  return yield* yieldsOften();
}

export function* yieldsOften(): Guest {
  for (const endMs = performance.now() + 1200; performance.now() < endMs; ) yield sys.sched_yield();
  return 0;
}
