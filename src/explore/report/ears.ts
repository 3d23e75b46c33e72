/**
 * Hears a run from its first operation on, and makes the recorder only then: it looks at the memory of the machine, which is
 * booted by whoever runs it. Deaf until it is told to listen, for a machine may be run for other reasons before.
 */
import type { Watcher } from '../../stepped/doors/steering.ts';
import type { GuestWatcher } from './calls.ts';
import { Recorder } from './recorder.ts';

export class Ears implements Watcher, GuestWatcher {
  readonly #inner: Watcher | null;
  #recorder: Recorder | undefined;
  #learned = new Map<string, string>();
  #toLearn = false;
  #listening = false;

  /** @param inner a watcher that the run has besides */
  constructor(inner: Watcher | null = null) {
    this.#inner = inner;
  }

  /**
   * To a run that begins now. What was learned of names in those before is kept.
   * @param toLearn nothing but names is wanted of it, so nobody asks where it happens
   */
  listen(toLearn: boolean): void {
    this.#listening = true;
    this.#toLearn = toLearn;
    this.#learned = this.#recorder?.names.learned ?? this.#learned;
    this.#recorder = undefined;
  }
  stop(): void {
    this.#listening = false;
  }

  get recorder(): Recorder {
    this.#recorder ??= new Recorder(this.#inner, this.#learned, !this.#toLearn);
    return this.#recorder;
  }

  read(address: number, words: number): void {
    if (this.#listening) this.recorder.read(address, words);
  }
  write(address: number, words: number): void {
    if (this.#listening) this.recorder.write(address, words);
  }
  atomic(address: number, reads: boolean, writes: boolean): void {
    if (this.#listening) this.recorder.atomic(address, reads, writes);
  }
  peek(address: number): void {
    if (this.#listening) this.recorder.peek(address);
  }
  begin(entry: number): void {
    if (this.#listening) this.recorder.begin(entry);
  }
  call(text: string): void {
    if (this.#listening) this.recorder.call(text);
  }
  answer(text: string): void {
    if (this.#listening) this.recorder.answer(text);
  }
  end(): void {
    if (this.#listening) this.recorder.end();
  }
}
