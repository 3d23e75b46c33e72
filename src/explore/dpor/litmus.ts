/**
 * Small programs whose numbers of executions under sequential consistency are known: those of GenMC's own tests
 * (tests/correct in its repository), and the classic litmus tests. Written in the form that the compile step gives to a
 * program, with the question of the scheduler before each operation; words of the memory are numbers.
 */
import type { CpuPtr } from '../../shared-mem/pointer.ts';
import { attach, I32 } from '../../stepped/doors/self.ts';
import { steering, watcher } from '../../stepped/doors/steering.ts';
import type { Program, ProgramThread } from './execution.ts';

type Body = Generator<void, void, 1>;

const [X, Y, Z, TURN, LOCK, FIRST] = [0, 1, 2, 3, 4, 8];
const WORDS = 256;

function* load(word: number): Generator<void, number, 1> {
  if (steering.point(1, word)) yield;
  watcher?.atomic(word, true, false);
  return I32[word]!;
}
function* store(word: number, value: number): Body {
  if (steering.point(2, word)) yield;
  watcher?.atomic(word, false, true);
  I32[word] = value;
}
function* add(word: number, value: number): Body {
  if (steering.point(3, word)) yield;
  watcher?.atomic(word, true, true);
  I32[word]! += value;
}
function* compareExchange(word: number, expected: number, value: number): Generator<void, number, 1> {
  if (steering.point(4, word)) yield;
  const old = I32[word]!;
  watcher?.atomic(word, true, old === expected);
  if (old === expected) I32[word] = value;
  return old;
}
/** Nothing else of this thread happens in this run unless the word changes; and then neither, under `assume`. */
function* spin(word: number, seen: number): Body {
  steering.parkSpinning(word, seen);
  yield;
}
/** Looks once; goes on only if it found what it waits for. */
function* loadUntil(word: number, good: (value: number) => boolean): Body {
  for (;;) {
    const value = yield* load(word);
    if (good(value)) return;
    yield* spin(word, value);
  }
}

function* ainc(): Body {
  yield* add(X, 1);
}
function* inc(): Body {
  yield* store(X, (yield* load(X)) + 1);
}
function* binc(): Body {
  yield* add(X, 1);
  yield* add(Y, 1);
}
function* lock2inc(): Body {
  while ((yield* compareExchange(LOCK, 0, 1)) !== 0) yield* spin(LOCK, 1);
  yield* store(X, (yield* load(X)) + 1);
  yield* store(Y, (yield* load(Y)) + 1);
  yield* store(LOCK, 0);
}
function* casw(own: number): Body {
  yield* compareExchange(X, 0, 1);
  yield* store(X, own + 3);
}
/** Each takes the turn from the one before it, if it is there yet. */
function* casrot(own: number): Body {
  yield* compareExchange(X, own, own + 1);
}
function* writeOnce(): Body {
  yield* store(X, 1);
}
function* readOnce(): Body {
  yield* load(X);
}
/** Looks for the last zero; each writer makes its cell one more than the one before it. */
function* lastzeroLook(cells: number): Body {
  for (let i = cells; (yield* load(FIRST + i)) !== 0; i--);
}
function* lastzeroWrite(own: number): Body {
  yield* store(FIRST + own, (yield* load(FIRST + own - 1)) + 1);
}
/** Each puts four numbers into a table of 128 by their hash; threads meet there only where hashes do. */
function* indexer(own: number): Body {
  for (let m = 1; m <= 4; m++) {
    const w = m * 11 + own;
    let h = (w * 7) % 128;
    while ((yield* compareExchange(FIRST + h, 0, w)) !== 0) h = (h + 1) % 128;
  }
}
/** Two threads make Fibonacci numbers out of each other's, a third looks. */
function* fibonacci(own: number, turns: number): Body {
  for (let i = 0; i < turns; i++) {
    const x = yield* load(X);
    const y = yield* load(Y);
    yield* store(own, x + y);
  }
}
function* fibonacciLook(): Body {
  if ((yield* load(X)) > 144 || (yield* load(Y)) > 144) throw new Error('a Fibonacci number that cannot be');
}

/** `own` and `other` are the words of the two flags; the critical section is a store and a load of Z. */
function* peterson(own: number, other: number, turn: number): Body {
  yield* store(own, 1);
  yield* store(TURN, turn);
  // Both are looked at once: whoever gets past has seen the other one out, or itself not to be the last.
  if ((yield* load(other)) === 1) yield* loadUntil(TURN, (value) => value !== turn);
  yield* store(Z, turn);
  yield* load(Z);
  yield* store(own, 0);
}
function* szymanski(own: number, other: number, value: number): Body {
  yield* store(own, 1);
  yield* loadUntil(other, (flag) => flag < 3);
  yield* store(own, 3);
  if ((yield* load(other)) === 1) {
    yield* store(own, 2);
    yield* loadUntil(other, (flag) => flag === 4);
  }
  yield* store(own, 4);
  yield* loadUntil(other, (flag) => flag < 2);
  yield* store(Z, value);
  yield* load(Z);
  if ((yield* load(Z)) !== value) throw new Error('two in the critical section');
  yield* loadUntil(other, (flag) => flag < 2 || flag > 3);
  yield* store(own, 0);
}
/** Lamport's fast mutex, the second algorithm; threads are numbered from 1. */
function* lamport(own: number, threads: number): Body {
  for (;;) {
    yield* store(FIRST + own, 1);
    yield* store(X, own);
    if ((yield* load(Y)) !== 0) {
      yield* store(FIRST + own, 0);
      yield* loadUntil(Y, (value) => value === 0);
      continue;
    }
    yield* store(Y, own);
    if ((yield* load(X)) === own) break;
    yield* store(FIRST + own, 0);
    for (let j = 1; j <= threads; j++) yield* loadUntil(FIRST + j, (value) => value === 0);
    if ((yield* load(Y)) === own) break;
    yield* loadUntil(Y, (value) => value === 0);
  }
  yield* store(Y, 0);
  yield* store(FIRST + own, 0);
}
function* dekker(own: number, other: number, value: number): Body {
  yield* store(own, 1);
  if ((yield* load(other)) !== 0) return;
  yield* store(Z, value);
  if ((yield* load(Z)) !== value) throw new Error('two in the critical section');
}
function* storeThenLoad(one: number, other: number): Body {
  yield* store(one, 1);
  yield* load(other);
}
function* loadThenStore(one: number, other: number): Body {
  yield* load(one);
  yield* store(other, 1);
}
function* storeBoth(): Body {
  yield* store(X, 1);
  yield* store(Y, 1);
}
function* loadBoth(): Body {
  yield* load(Y);
  yield* load(X);
}

function many(count: number, body: (own: number) => Body): (() => Body)[] {
  return Array.from({ length: count }, (_, own) => () => body(own));
}

/** The programs by name, each for n threads (or of size n). */
export const LITMUS: Readonly<Record<string, (n: number) => readonly (() => Body)[]>> = {
  ainc: (n) => many(n, ainc),
  lock2inc: (n) => many(n, lock2inc),
  inc: (n) => many(n, inc),
  binc: (n) => many(n, binc),
  casw: (n) => many(n, casw),
  casrot: (n) => many(n, casrot),
  readers: (n) => [writeOnce, ...many(n, readOnce)],
  lastzero: (n) => [() => lastzeroLook(n), ...many(n, (own) => lastzeroWrite(own + 1))],
  indexer: (n) => many(n, indexer),
  fib_bench: (n) => [() => fibonacci(X, n), () => fibonacci(Y, n), fibonacciLook],
  Peterson: () => [() => peterson(X, Y, 1), () => peterson(Y, X, 0)],
  Szymanski: () => [() => szymanski(X, Y, 0), () => szymanski(Y, X, 1)],
  Lamport: (n) => many(n, (own) => lamport(own + 1, n)),
  Dekker: () => [() => dekker(X, Y, 0), () => dekker(Y, X, 1)],
  SB: () => [() => storeThenLoad(X, Y), () => storeThenLoad(Y, X)],
  MP: () => [storeBoth, loadBoth],
  LB: () => [() => loadThenStore(Y, X), () => loadThenStore(X, Y)],
};

/** The program as the search takes it, in memory of its own. */
export function litmus(name: string, n: number): Program {
  const threads = LITMUS[name]!(n).map((run, i): ProgramThread => ({ cpu: (i + 1) as CpuPtr, run }));
  const memory = new ArrayBuffer(4 * WORDS);
  return {
    threads,
    spins: 'assume',
    reset() {
      attach(memory);
      I32.fill(0);
      if (name === 'fib_bench') I32.fill(1, X, Z);
    },
  };
}
