/**
 * The board between a benchmark's guest program and the host: the host writes what to do, the guest what came of it.
 * Program and sampler are separate bundles on separate threads, so they meet in one SharedArrayBuffer that the program
 * gets with its arguments. Callers: machine-sampler.ts, and the programs of bench/.
 *
 * Promise: a guest that does not reach the end of its loop leaves `totalNs` below zero, so no sample can be taken for a
 * figure that is not one.
 */

export interface BenchArguments {
  readonly board: SharedArrayBuffer;
}

/** What a sample is asked to do; absent parameters are 0. */
export interface BenchOrder {
  readonly iterations: number;
  readonly bytes: number;
  readonly fds: number;
  readonly ready: number;
  /** epoll_ctl's operation: 1 add, 2 del, 3 mod, 0 all three, one after the other. */
  readonly op: number;
  /** 1: what is ready tells once, and is written to before each wait. */
  readonly edge: number;
  /** Which float64 of the machine's memory is read before and after the operations; 0: none. */
  readonly counter: number;
  readonly waiters: number;
  readonly busy: number;
}

const FIELDS: readonly (keyof BenchOrder)[] = [
  'iterations',
  'bytes',
  'fds',
  'ready',
  'op',
  'edge',
  'counter',
  'waiters',
  'busy',
];
const TOTAL_NS = FIELDS.length;
const FAILURE = TOTAL_NS + 1;
const SETTLED = FAILURE + 1;
const COUNTED = SETTLED + 1;
const WORDS = COUNTED + 1;

export class BenchBoard {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Float64Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(WORDS * 8)) {
    this.buffer = buffer;
    this.#words = new Float64Array(buffer);
  }

  /** The host, before the program starts. */
  order(order: Partial<BenchOrder>): void {
    FIELDS.forEach((field, index) => {
      this.#words[index] = order[field] ?? 0;
    });
    this.#words[TOTAL_NS] = -1;
    this.#words[FAILURE] = 0;
    this.#words[SETTLED] = 0;
    this.#words[COUNTED] = 0;
  }

  read(): BenchOrder {
    const entries = FIELDS.map((field, index) => [field, this.#words[index]!] as const);
    return Object.fromEntries(entries) as unknown as BenchOrder;
  }

  /** @param counted by how much the order's counter grew */
  finish(totalNs: number, counted = 0): void {
    this.#words[TOTAL_NS] = totalNs;
    this.#words[COUNTED] = counted;
  }

  /** The guest saw a call answer something else than it must. */
  fail(answer: number): void {
    this.#words[FAILURE] = answer === 0 ? 1 : answer;
  }

  settle(): void {
    this.#words[SETTLED] = 1;
  }

  get totalNs(): number {
    return this.#words[TOTAL_NS]!;
  }

  get counted(): number {
    return this.#words[COUNTED]!;
  }

  get failure(): number {
    return this.#words[FAILURE]!;
  }

  /** A background load has reached the state in which it is to be observed. */
  get settled(): boolean {
    return this.#words[SETTLED] === 1;
  }
}
