/**
 * The words by which the warden and the executors of a case's process speak: one SharedArrayBuffer, atomics only. An
 * executor has no descriptor of its own that an event loop could use, so messages are out of the question.
 *
 * An order is a number that grows; an executor that has carried out number n says so in `DONE`. What it is to do stands
 * beside it before the number moves.
 */
export const EXECUTORS = 8;

/** Orders. */
export const RUN = 1;
/** Of executor 0: descriptors and dispositions back to what they were before the case. */
export const CLEAN = 2;

/** Of each executor, from its base. */
const ORDER = 0;
const WHAT = 1;
const INDEX = 2;
const DONE = 3;
const TID = 4;
/** Two words: the signal mask with which a thread begins, which is its creator's. */
const MASK = 5;
const WORDS_PER_EXECUTOR = 8;

/** Of all. */
const SETTLE_ASKED = EXECUTORS * WORDS_PER_EXECUTOR;
const SETTLE_ANSWERED = SETTLE_ASKED + 1;
const GIVEN_UP = SETTLE_ASKED + 2;
const CASE_BYTES = SETTLE_ASKED + 3;
/** Anything happened: what the warden sleeps on. */
const NEWS = SETTLE_ASKED + 4;
const FAILURE_LENGTH = SETTLE_ASKED + 5;
const ASKER = SETTLE_ASKED + 6;
const FAILURE_AT = 1024;
const FAILURE_BYTES = 4096;
const TEXT_AT = FAILURE_AT + FAILURE_BYTES;
const TEXT_BYTES = 1 << 20;

const SHUTDOWN_LOOK_MS = 1000;

export class Control {
  readonly buffer: SharedArrayBuffer;
  private readonly words: Int32Array;
  private readonly text: Uint8Array;
  private readonly failureText: Uint8Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(TEXT_AT + TEXT_BYTES)) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer, 0, FAILURE_AT / 4);
    this.failureText = new Uint8Array(buffer, FAILURE_AT, FAILURE_BYTES);
    this.text = new Uint8Array(buffer, TEXT_AT);
  }

  /** The case that the next RUN is about. */
  setCase(text: string): void {
    const bytes = Buffer.from(text, 'utf8');
    if (bytes.length > TEXT_BYTES) throw new Error(`a case of ${bytes.length} bytes is longer than ${TEXT_BYTES}`);
    this.text.set(bytes);
    Atomics.store(this.words, CASE_BYTES, bytes.length);
    Atomics.store(this.words, GIVEN_UP, 0);
    Atomics.store(this.words, FAILURE_LENGTH, 0);
  }
  caseText(): string {
    return Buffer.from(this.text.slice(0, Atomics.load(this.words, CASE_BYTES))).toString('utf8');
  }

  order(executor: number, what: number, index = 0): void {
    const base = executor * WORDS_PER_EXECUTOR;
    Atomics.store(this.words, base + WHAT, what);
    Atomics.store(this.words, base + INDEX, index);
    Atomics.add(this.words, base + ORDER, 1);
    Atomics.notify(this.words, base + ORDER);
  }
  /** Blocks until there is an order after number `seen`. */
  nextOrder(
    executor: number,
    seen: number,
  ): { readonly number: number; readonly what: number; readonly index: number } {
    const base = executor * WORDS_PER_EXECUTOR;
    for (;;) {
      const number = Atomics.load(this.words, base + ORDER);
      if (number !== seen) return { number, what: this.words[base + WHAT]!, index: this.words[base + INDEX]! };
      Atomics.wait(this.words, base + ORDER, seen, SHUTDOWN_LOOK_MS);
    }
  }
  done(executor: number, number: number): void {
    Atomics.store(this.words, executor * WORDS_PER_EXECUTOR + DONE, number);
    this.tell();
  }
  /** Has it nothing to do? */
  isIdle(executor: number): boolean {
    const base = executor * WORDS_PER_EXECUTOR;
    return Atomics.load(this.words, base + DONE) === Atomics.load(this.words, base + ORDER);
  }

  setTid(executor: number, tid: number): void {
    Atomics.store(this.words, executor * WORDS_PER_EXECUTOR + TID, tid);
    this.tell();
  }
  setMask(executor: number, mask: Int32Array): void {
    this.words.set(mask, executor * WORDS_PER_EXECUTOR + MASK);
  }
  mask(executor: number): Int32Array {
    return this.words.subarray(executor * WORDS_PER_EXECUTOR + MASK, executor * WORDS_PER_EXECUTOR + MASK + 2);
  }

  /** 0 until it is ready. */
  tid(executor: number): number {
    return Atomics.load(this.words, executor * WORDS_PER_EXECUTOR + TID);
  }

  /** An executor asks the warden to say when all others sleep, and blocks till then. */
  settle(executor: number): void {
    Atomics.store(this.words, ASKER, executor);
    const asked = Atomics.add(this.words, SETTLE_ASKED, 1) + 1;
    this.tell();
    for (;;) {
      const answered = Atomics.load(this.words, SETTLE_ANSWERED);
      if (answered >= asked || this.isGivenUp()) return;
      Atomics.wait(this.words, SETTLE_ANSWERED, answered, SHUTDOWN_LOOK_MS);
    }
  }
  isSettleAsked(): boolean {
    return Atomics.load(this.words, SETTLE_ASKED) !== Atomics.load(this.words, SETTLE_ANSWERED);
  }
  /** Who asked: it waits for the answer, and is no part of it. */
  asker(): number {
    return Atomics.load(this.words, ASKER);
  }
  answerSettle(): void {
    Atomics.store(this.words, SETTLE_ANSWERED, Atomics.load(this.words, SETTLE_ASKED));
    Atomics.notify(this.words, SETTLE_ANSWERED);
  }

  /** The case is over: who still blocks in a call is to stop when that returns. */
  giveUp(): void {
    Atomics.store(this.words, GIVEN_UP, 1);
  }
  isGivenUp(): boolean {
    return Atomics.load(this.words, GIVEN_UP) === 1;
  }

  /** An executor could not carry out its order. */
  fail(words: string): void {
    const bytes = Buffer.from(words, 'utf8').subarray(0, FAILURE_BYTES);
    this.failureText.set(bytes);
    Atomics.store(this.words, FAILURE_LENGTH, bytes.length);
  }
  /** Empty if none did. */
  failure(): string {
    return Buffer.from(this.failureText.slice(0, Atomics.load(this.words, FAILURE_LENGTH))).toString('utf8');
  }

  news(): number {
    return Atomics.load(this.words, NEWS);
  }
  /** Blocks until something happened after `seen`, or so long. */
  awaitNews(seen: number, ms: number): void {
    Atomics.wait(this.words, NEWS, seen, ms);
  }
  private tell(): void {
    Atomics.add(this.words, NEWS, 1);
    Atomics.notify(this.words, NEWS);
  }
}
