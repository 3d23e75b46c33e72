// Programs that fail in ways which only their host can notice.
import { type Guest, sigaction, SIGUSR1, startThread, sys, trap } from '../../src/programs/libc/index.ts';

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

let otherRan = false;
export function* noticesItsTurn(): Guest {
  otherRan = true;
  return yield sys.getpid();
}

function* computeAndTrap(): Guest {
  for (const endMs = performance.now() + 8; performance.now() < endMs; );
  return yield sys.getpid();
}

/** Computes 8 ms before each trap. @returns after how many of them the other task of this CPU got its turn */
export function* computesBetweenTraps(): Guest {
  otherRan = false;
  // So long it may take until the kernel looks at the clock for the first time.
  for (let i = 0; i < 64; i++) yield* computeAndTrap();
  yield* startThread(noticesItsTurn, 0, 0);
  for (let i = 1; i < 50; i++) {
    yield* computeAndTrap();
    if (otherRan) return i;
  }
  return 50;
}

export function* onSignal(): Guest {
  if (otherRan) yield sys.getpid();
  return 0;
}

/** Whatever it calls, a handler comes of it. @returns 1 if the other task of this CPU got its turn all the same */
export function* handlesSignals(): Guest {
  otherRan = false;
  yield* sigaction(SIGUSR1, onSignal);
  yield* startThread(noticesItsTurn, 0, 0);
  const { pid } = trap;
  for (const endMs = performance.now() + 1000; performance.now() < endMs && !otherRan; ) yield sys.kill(pid, SIGUSR1);
  return otherRan ? 1 : 0;
}

/** The same for ever. */
export function* handlesSignalsForEver(): Guest {
  otherRan = false;
  yield* sigaction(SIGUSR1, onSignal);
  const { pid } = trap;
  for (;;) yield sys.kill(pid, SIGUSR1);
}
