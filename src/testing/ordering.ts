/**
 * What happens before what, after JavaScript's memory model: an Atomics operation that reads a word comes after the one that
 * wrote what it reads; who is woken comes after who woke it. Two accesses to one byte, of two threads, one of them a write
 * and one of them plain, race if neither comes before the other.
 */

/** An access that raced with the one that is being made. */
export interface Before {
  readonly thread: number;
  readonly site: number;
  readonly writes: boolean;
  readonly atomic: boolean;
}

/** The latest accesses to some bytes of a word. */
interface Accesses {
  /** the bytes, a bit each */
  readonly mask: number;
  /** By kind and thread: the thread's time of the access, 0 for none; and where it stands. */
  readonly times: Int32Array;
  readonly sites: Int32Array;
}

const [PLAIN_READ, PLAIN_WRITE, ATOMIC_READ, ATOMIC_WRITE, KINDS] = [0, 1, 2, 3, 4];
/** By kind of access: the kinds that it may race with. */
const AGAINST = [
  [PLAIN_WRITE, ATOMIC_WRITE],
  [PLAIN_READ, PLAIN_WRITE, ATOMIC_READ, ATOMIC_WRITE],
  [PLAIN_WRITE],
  [PLAIN_READ, PLAIN_WRITE],
] as const;

export class Ordering {
  readonly #threads: number;
  /** By thread: how much it knows of each thread's time, its own first of all. */
  readonly #clocks: Int32Array[];
  readonly #released = new Map<number, Int32Array>();
  readonly #words = new Map<number, Accesses[]>();

  constructor(threads: number) {
    this.#threads = threads;
    this.#clocks = Array.from({ length: threads }, (_, i) => {
      const clock = new Int32Array(threads);
      clock[i] = 1;
      return clock;
    });
  }

  plain(thread: number, address: number, bytes: number, writes: boolean, site: number): Before | undefined {
    return this.#access(thread, address, bytes, writes ? PLAIN_WRITE : PLAIN_READ, site);
  }

  atomic(
    thread: number,
    address: number,
    bytes: number,
    reads: boolean,
    writes: boolean,
    site: number,
  ): Before | undefined {
    const clock = this.#clocks[thread]!;
    const word = address >> 2;
    const released = reads ? this.#released.get(word) : undefined;
    if (released !== undefined) join(clock, released);
    const race = this.#access(thread, address, bytes, writes ? ATOMIC_WRITE : ATOMIC_READ, site);
    if (writes) {
      const mine = this.#released.get(word);
      if (mine === undefined) this.#released.set(word, clock.slice());
      else mine.set(clock);
      clock[thread]!++;
    }
    return race;
  }

  /** What a thread does from here on comes after what another one has done. */
  wake(waker: number, woken: number): void {
    join(this.#clocks[woken]!, this.#clocks[waker]!);
    this.#clocks[waker]![waker]!++;
  }

  #access(thread: number, address: number, bytes: number, kind: number, site: number): Before | undefined {
    let found: Before | undefined;
    const end = address + bytes;
    for (let at = address; at < end; at = (at | 3) + 1) {
      const mask = ((1 << Math.min(4 - (at & 3), end - at)) - 1) << (at & 3);
      found ??= this.#accessWord(thread, at >> 2, mask, kind, site);
    }
    return found;
  }

  #accessWord(thread: number, word: number, mask: number, kind: number, site: number): Before | undefined {
    const clock = this.#clocks[thread]!;
    let list = this.#words.get(word);
    if (list === undefined) this.#words.set(word, (list = []));
    let own: Accesses | undefined;
    let found: Before | undefined;
    for (const accesses of list) {
      if (accesses.mask === mask) own = accesses;
      if ((accesses.mask & mask) === 0) continue;
      for (const other of AGAINST[kind]!) {
        for (let i = 0; i < this.#threads; i++) {
          const at = other * this.#threads + i;
          if (i === thread || accesses.times[at]! <= clock[i]!) continue;
          const [writes, atomic] = [other === PLAIN_WRITE || other === ATOMIC_WRITE, other >= ATOMIC_READ];
          found ??= { thread: i, site: accesses.sites[at]!, writes, atomic };
        }
      }
    }
    if (own === undefined) {
      const size = KINDS * this.#threads;
      own = { mask, times: new Int32Array(size), sites: new Int32Array(size) };
      list.push(own);
    }
    own.times[kind * this.#threads + thread] = clock[thread]!;
    own.sites[kind * this.#threads + thread] = site;
    return found;
  }
}

function join(clock: Int32Array, other: Int32Array): void {
  for (let i = 0; i < clock.length; i++) if (other[i]! > clock[i]!) clock[i] = other[i]!;
}
