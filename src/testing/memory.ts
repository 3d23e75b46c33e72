/**
 * Which memory is shared, and what its bytes are called: each shared buffer has a range of addresses of its own, so that two
 * views of one byte agree, whatever their types and offsets.
 */

/** Addresses below are the bells of threads (threads.ts): one word for each. */
const FIRST_BYTE = 4 * 32;

export type View = { [index: number]: number | bigint } & ArrayBufferView & {
    readonly length: number;
    readonly BYTES_PER_ELEMENT: number;
  };

export class SharedMemory {
  readonly #bases = new Map<ArrayBufferLike, number>();
  #next = FIRST_BYTE;
  #last: ArrayBufferLike | undefined;
  #lastBase = 0;

  /** The buffers that can be reached from what the threads are given. */
  add(value: unknown, depth = 3): void {
    if (typeof value !== 'object' || value === null) return;
    if (value instanceof SharedArrayBuffer || value instanceof ArrayBuffer) this.#baseOf(value);
    else if (ArrayBuffer.isView(value)) this.#baseOf(value.buffer);
    else if (depth > 0) for (const each of Object.values(value)) this.add(each, depth - 1);
  }

  /** Is it a view of memory that several threads see? */
  shares(view: unknown): view is View {
    if (!ArrayBuffer.isView(view) || view instanceof DataView) return false;
    return view.buffer === this.#last || this.#bases.has(view.buffer) || view.buffer instanceof SharedArrayBuffer;
  }

  /** The byte that an element begins at. */
  addressOf(view: View, index: number): number {
    const base = view.buffer === this.#last ? this.#lastBase : this.#baseOf(view.buffer);
    return base + view.byteOffset + index * view.BYTES_PER_ELEMENT;
  }

  #baseOf(buffer: ArrayBufferLike): number {
    let base = this.#bases.get(buffer);
    if (base === undefined) {
      base = this.#next;
      this.#bases.set(buffer, base);
      this.#next = (base + buffer.byteLength + 7) & ~7;
    }
    this.#last = buffer;
    this.#lastBase = base;
    return base;
  }
}
