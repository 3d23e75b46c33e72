// BROKEN: as spsc-ring.ts, but the index is raised before the number is there: the other end may take what stood there before.
const HEAD = 0; // how many were put
const TAIL = 1; // how many were taken
const FIRST = 2;
const SIZE = 4;

export class Ring {
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  /** @returns false if the ring is full */
  put(value: number): boolean {
    const head = Atomics.load(this.#words, HEAD);
    if (head - Atomics.load(this.#words, TAIL) === SIZE) return false;
    Atomics.store(this.#words, HEAD, head + 1);
    this.#words[FIRST + (head % SIZE)] = value;
    return true;
  }

  /** @returns undefined if the ring is empty */
  take(): number | undefined {
    const tail = Atomics.load(this.#words, TAIL);
    if (Atomics.load(this.#words, HEAD) === tail) return undefined;
    const value = this.#words[FIRST + (tail % SIZE)];
    Atomics.store(this.#words, TAIL, tail + 1);
    return value;
  }
}

/** Puts 1, 2, ... up to `count`. */
export function produce(memory: SharedArrayBuffer, count: number): void {
  const ring = new Ring(memory);
  for (let value = 1; value <= count; value++) while (!ring.put(value));
}

/** Takes as many, and expects them in their order. */
export function consume(memory: SharedArrayBuffer, count: number): void {
  const ring = new Ring(memory);
  for (let expected = 1; expected <= count; expected++) {
    let value = ring.take();
    while (value === undefined) value = ring.take();
    if (value !== expected) throw new Error(`took ${value} where ${expected} was put`);
  }
}
