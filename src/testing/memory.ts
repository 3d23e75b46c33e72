/**
 * Which memory is shared, and what its bytes are called: each shared buffer has a range of addresses of its own, so that two
 * views of one byte agree, whatever their types and offsets.
 */

/** Addresses below are the bells of threads (threads.ts): one word for each. */
const FIRST_BYTE = 8 * 32;

export type View = { [index: number]: number | bigint } & ArrayBufferView & {
    readonly length: number;
    readonly BYTES_PER_ELEMENT: number;
  };

/** Buffers that are remembered from run to run, at most. */
const KEPT_MAX = 64;

/** Shared buffers that threads found by themselves, in variables of their modules: what each held at first. */
export class FoundMemory {
  readonly #buffers = new Map<ArrayBufferLike, Uint8Array>();
  /** A word is 1 << this bytes: 8 of them once somebody has elements of 8, so that what overlaps is one word. */
  wordShift = 2;

  note(buffer: ArrayBufferLike): void {
    if (this.#buffers.size < KEPT_MAX) this.#buffers.set(buffer, new Uint8Array(buffer).slice());
  }
  /** Brings them back to what they were. @returns all of them, in the order in which they were found */
  restore(): Iterable<ArrayBufferLike> {
    for (const [buffer, bytes] of this.#buffers) new Uint8Array(buffer).set(bytes);
    return this.#buffers.keys();
  }
}

export class SharedMemory {
  readonly #bases = new Map<ArrayBufferLike, number>();
  readonly #found: FoundMemory;
  #next = FIRST_BYTE;
  #last: ArrayBufferLike | undefined;
  #lastBase = 0;

  /** @param given what the threads are given, @param found what they have found in earlier runs */
  constructor(given: unknown, found: FoundMemory) {
    this.#found = found;
    this.#add(given, 3);
    for (const buffer of found.restore()) this.#place(buffer);
  }

  /** The buffers that can be reached from what the threads are given. */
  #add(value: unknown, depth: number): void {
    if (typeof value !== 'object' || value === null) return;
    if (value instanceof SharedArrayBuffer || value instanceof ArrayBuffer) this.#place(value);
    else if (ArrayBuffer.isView(value)) this.#place(value.buffer);
    else if (depth > 0) for (const each of Object.values(value)) this.#add(each, depth - 1);
  }

  /** Is it a view of memory that several threads see? */
  shares(view: unknown): view is View {
    if (!ArrayBuffer.isView(view) || view instanceof DataView) return false;
    if (view.buffer === this.#last || this.#bases.has(view.buffer)) return true;
    if (!(view.buffer instanceof SharedArrayBuffer)) return false;
    this.#baseOf(view.buffer);
    return true;
  }

  /** What an operation on an element may meet others on. */
  wordOf(view: View, index: number): number {
    if (view.BYTES_PER_ELEMENT === 8) this.#found.wordShift = 3;
    return this.addressOf(view, index) >> this.#found.wordShift;
  }
  /** The byte that an element begins at. */
  addressOf(view: View, index: number): number {
    const base = view.buffer === this.#last ? this.#lastBase : this.#baseOf(view.buffer);
    return base + view.byteOffset + index * view.BYTES_PER_ELEMENT;
  }

  #baseOf(buffer: ArrayBufferLike): number {
    let base = this.#bases.get(buffer);
    if (base === undefined) {
      base = this.#place(buffer);
      this.#found.note(buffer);
    }
    this.#last = buffer;
    this.#lastBase = base;
    return base;
  }
  #place(buffer: ArrayBufferLike): number {
    const known = this.#bases.get(buffer);
    if (known !== undefined) return known;
    const base = this.#next;
    this.#bases.set(buffer, base);
    this.#next = (base + buffer.byteLength + 7) & ~7;
    return base;
  }
}
