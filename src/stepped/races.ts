/**
 * The race check as a watcher, for machines that run without tracks (doors/tracks.ts), where it is a part of the doors: two
 * CPUs touch one plain word, one of them writes, and nothing orders the two. Plain accesses are no points, so a missing
 * lock would hide from every schedule; vector clocks see it in any schedule that runs both.
 *
 * What orders accesses is what JavaScript's memory model says: an atomic operation that reads a word comes after the
 * one that wrote it. The check panics at the second access, so the stack names its line; give each run a new one.
 */
import { cpu } from './doors/self.ts';
import type { Watcher } from './doors/steering.ts';

export class RaceError extends Error {
  override readonly name = 'RaceError';
  /** the word both touched */
  readonly address: number;
  constructor(address: number, message: string) {
    super(message);
    this.address = address;
  }
}

/** For each CPU, by its number here: up to which of its steps everything is known to lie before. */
type Clock = number[];

interface Accesses {
  /** number here of the CPU that wrote last, or -1, and at which of its steps */
  writer: number;
  writtenAt: number;
  /** for each CPU: its step when it last read since the last write */
  readonly readAt: Clock;
}

export class RaceWatcher implements Watcher {
  readonly #numbers = new Map<number, number>();
  readonly #clocks: Clock[] = [];
  /** What whoever reads the atomic word learns. */
  readonly #released = new Map<number, Clock>();
  readonly #words = new Map<number, Accesses>();

  read(address: number, words: number): void {
    const self = this.#self();
    const clock = this.#clocks[self]!;
    for (let at = address; at < address + words; at++) {
      const word = this.#word(at);
      if (word.writer >= 0 && word.writer !== self && word.writtenAt > (clock[word.writer] ?? 0)) {
        this.#report(at, 'reads', self, 'wrote', word.writer);
      }
      word.readAt[self] = clock[self]!;
    }
  }

  write(address: number, words: number): void {
    const self = this.#self();
    const clock = this.#clocks[self]!;
    for (let at = address; at < address + words; at++) {
      const word = this.#word(at);
      if (word.writer >= 0 && word.writer !== self && word.writtenAt > (clock[word.writer] ?? 0)) {
        this.#report(at, 'writes', self, 'wrote', word.writer);
      }
      for (let other = 0; other < word.readAt.length; other++) {
        if (other !== self && (word.readAt[other] ?? 0) > (clock[other] ?? 0)) {
          this.#report(at, 'writes', self, 'read', other);
        }
      }
      word.writer = self;
      word.writtenAt = clock[self]!;
      word.readAt.length = 0;
    }
  }

  atomic(address: number, reads: boolean, writes: boolean): void {
    const self = this.#self();
    const clock = this.#clocks[self]!;
    const released = this.#released.get(address);
    if (reads && released !== undefined) {
      for (let i = 0; i < released.length; i++) clock[i] = Math.max(clock[i] ?? 0, released[i] ?? 0);
    }
    if (!writes) return;
    this.#released.set(address, clock.slice());
    clock[self] = clock[self]! + 1;
  }

  #self(): number {
    const known = this.#numbers.get(cpu);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(cpu, number);
    const clock: Clock = Array.from({ length: number }, () => 0);
    clock[number] = 1;
    this.#clocks.push(clock);
    return number;
  }

  #word(address: number): Accesses {
    let word = this.#words.get(address);
    if (word === undefined) {
      word = { writer: -1, writtenAt: 0, readAt: [] };
      this.#words.set(address, word);
    }
    return word;
  }

  #report(address: number, does: string, self: number, did: string, other: number): never {
    const name = (number: number): string => `CPU ${[...this.#numbers.keys()][number]}`;
    throw new RaceError(
      address,
      `${name(self)} ${does} word ${address}, which ${name(other)} ${did}: nothing orders the two`,
    );
  }
}
