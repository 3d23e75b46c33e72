/**
 * Records one run: it stands between the doors and whoever steers and watches them, passes everything on, and writes down
 * what happened. For a single replay, where speed does not matter; it changes nothing of what the run does.
 *
 * What an operation did is known only when the next thing happens on its CPU, so each is kept until then (`#settle`).
 */
import { cpu, I32 } from '../../stepped/doors/self.ts';
import type { Steering, Watcher } from '../../stepped/doors/steering.ts';
import { steer, steering } from '../../stepped/doors/steering.ts';
import type { GuestWatcher } from './calls.ts';
import { Machinery } from './machinery.ts';
import { inNames } from './messages.ts';
import { Names } from './names.ts';
import { Places } from './places.ts';
import type { EventKind } from './trace.ts';

/** An event as it was noted, before its place is known. */
export interface Noted {
  kind: EventKind;
  step: number;
  cpu: number;
  task: number;
  /** address, or 0 */
  word: number;
  before: string;
  after: string;
  /** number of its stack, or -1 */
  place: number;
  /** address, or 0 */
  lock: number;
  text: string;
  set: (readonly [slot: string, value: string])[];
}

/** What happened to a word that the report knows by name. */
export interface WordNotes {
  readonly name: string;
  readonly record: string;
  readonly key: string;
  readonly lock: number;
  readonly immutable: boolean;
  readonly initial: string;
  readonly touchedBy: Set<number>;
  readonly changedBy: Set<number>;
}

interface Unsettled {
  readonly kind: 'operation' | 'write' | 'read';
  readonly cpu: number;
  readonly address: number;
  readonly before: number;
  readonly place: number;
  /** a range of words, cleared or filled */
  readonly words: number;
}

/** Words of the CPU's own record that a reader wants to see; the rest it counts and notes for itself. */
const CPU_RECORD_WORDS: ReadonlySet<string> = new Set(['Cpu.current', 'Cpu.needResched', 'Cpu.timerDue']);
/** More than a reader would look at; the last ones are kept. */
const EVENTS_MAX = 40_000;

export class Recorder implements Watcher, Steering, GuestWatcher {
  readonly names: Names;
  readonly places = new Places();
  readonly machinery: Machinery;
  readonly words = new Map<number, WordNotes>();
  /** by address, as they are called when they are first met: what they are part of may be gone later */
  readonly locks = new Map<number, { readonly name: string; readonly class: string }>();
  events: Noted[] = [];
  /** words that the finding is about */
  readonly focus: number[] = [];
  dropped = 0;
  steps = 0;
  switches = 0;
  readonly #inner: Watcher | null;
  readonly #whereToo: boolean;
  #steering: Steering | undefined;
  #unsettled: Unsettled | undefined;
  #lastCpu = -1;

  /**
   * @param inner a watcher that the run has besides
   * @param learned what records are called, from an earlier run of the same schedule
   * @param whereToo note where everything happens, which is most of the work
   */
  constructor(inner: Watcher | null, learned: Map<string, string>, whereToo: boolean) {
    this.#inner = inner;
    this.#whereToo = whereToo;
    this.names = new Names(I32, learned);
    this.machinery = new Machinery(this.names);
  }

  read(address: number, words: number): void {
    this.#arrive();
    if (words <= 2 && this.names.cpuIndex(address) < 0) this.#expect('read', address, words, this.read);
    this.#inner?.read(address, words);
  }

  write(address: number, words: number): void {
    this.#arrive();
    this.#expect('write', address, words, this.write);
    this.#inner?.write(address, words);
  }

  atomic(address: number, reads: boolean, writes: boolean): void {
    this.#arrive();
    this.steps++;
    this.#expect('operation', address, 1, this.atomic);
    this.#inner?.atomic(address, reads, writes);
  }

  peek(address: number): void {
    this.#arrive();
    this.steps++;
    this.#expect('operation', address, 1, this.peek);
    this.#inner?.peek?.(address);
  }

  point(operation: number, address: number): boolean {
    return this.#steering!.point(operation, address);
  }

  parkSpinning(address: number, seen: number): void {
    this.#arrive();
    this.#note('spin', {
      word: address,
      after: this.names.value(address, seen),
      place: this.#here(this.parkSpinning),
    });
    this.#steering!.parkSpinning(address, seen);
  }

  parkSleeping(address: number, timeoutNs: number): void {
    this.#arrive();
    const text = timeoutNs === Number.POSITIVE_INFINITY ? 'sleeps until it is rung' : `sleeps, ${timeoutNs} ns at most`;
    this.#note('doze', { word: address, text, place: this.#here(this.parkSleeping) });
    this.#steering!.parkSleeping(address, timeoutNs);
  }

  timedOut(): boolean {
    this.#arrive();
    const timedOut = this.#steering!.timedOut();
    this.#note('awake', { text: timedOut ? 'wakes: its time is over' : 'wakes: it was rung', place: -1 });
    return timedOut;
  }

  notify(address: number): void {
    this.#arrive();
    this.steps++;
    this.#steering!.notify(address);
  }

  begin(entry: number): void {
    this.#arrive();
    this.#note('begin', { text: `thread ${entry} begins`, place: -1 });
  }
  call(text: string): void {
    this.#arrive();
    this.#note('call', { text, place: -1, set: this.machinery.call(this.#task(), text) });
  }
  answer(text: string): void {
    this.#arrive();
    this.#note('answer', { text, place: -1, set: this.machinery.call(this.#task(), '') });
  }
  end(): void {
    this.#arrive();
    this.#note('end', { text: 'its thread is over', place: -1 });
  }

  /** The run is over, perhaps by a throw in the middle of something. */
  finish(error: unknown): void {
    if (this.#unsettled !== undefined) this.#settle(this.#unsettled);
    this.#unsettled = undefined;
    if (error === undefined) return;
    const { address } = error as { address?: unknown };
    if (typeof address === 'number') this.focus.push(address);
    const message = inNames(error instanceof Error ? error.message : String(error), this.names);
    this.#note('panic', { text: message, place: this.events.at(-1)?.place ?? -1 }, this.#lastCpu);
  }

  #here(below: (...args: never[]) => unknown): number {
    return this.#whereToo ? this.places.here(below) : -1;
  }
  #cpu(): number {
    return this.names.cpuIndex(cpu);
  }
  #task(): number {
    return this.names.taskOn(cpu);
  }

  /** Whatever is about to happen, what came before it is done now. */
  #arrive(): void {
    // The scheduler steers first; from here on through this.
    if (steering !== this) {
      this.#steering = steering;
      steer(this, this);
    }
    if (this.#unsettled !== undefined) this.#settle(this.#unsettled);
    this.#unsettled = undefined;
    const index = this.#cpu();
    if (index !== this.#lastCpu) {
      if (this.#lastCpu >= 0) this.switches++;
      this.#lastCpu = index;
    }
  }

  #expect(kind: Unsettled['kind'], address: number, words: number, below: (...args: never[]) => unknown): void {
    const before = words <= 2 ? this.names.read(address) : 0;
    const { key } = this.names.word(address);
    const wanted = kind === 'operation' || this.machinery.follows(key) || !this.#isPrivate(address, key);
    const place = wanted ? this.#here(below) : -1;
    this.#unsettled = { kind, cpu: this.#cpu(), address, before, place, words };
  }

  /** What a CPU counts and notes for itself: its record's plain words. */
  #isPrivate(address: number, key: string): boolean {
    return this.names.cpuIndex(address) >= 0 && (key.startsWith('Cpu.') || key.startsWith('CpuCore.'))
      ? !CPU_RECORD_WORDS.has(key)
      : key.startsWith('EventRing.');
  }

  #settle({ kind, cpu: index, address, before, place, words }: Unsettled): void {
    const after = words <= 2 ? this.names.read(address) : 0;
    const changed = before !== after;
    const word = this.names.word(address);
    if (word.key === 'RecordHeader.generation' || word.record.startsWith('descriptor ')) this.names.forget();
    if (kind === 'write' && !changed && words <= 2) return;
    if (kind !== 'operation' && this.#isPrivate(address, word.key)) {
      if (changed) this.#followLocks(index, word.key, place);
      return;
    }
    if (words > 2) {
      this.#note(kind, { place, text: `${word.record}: ${words} words cleared or filled` }, index);
      return;
    }
    const notes = this.#wordNotes(address, before);
    notes.touchedBy.add(index);
    if (changed) notes.changedBy.add(index);
    const what = {
      word: address,
      before: this.names.value(address, before),
      after: this.names.value(address, after),
      place,
      ...this.machinery.meaning(word, address, before, after, index),
    };
    this.#note(kind, what, index);
    const left = kind === 'operation' && changed ? this.machinery.lockLeft(index, word.lock) : undefined;
    if (left !== undefined)
      this.#note('unlock', { lock: word.lock, place, text: this.names.lock(word.lock), set: left }, index);
  }

  #wordNotes(address: number, before: number): WordNotes {
    let notes = this.words.get(address);
    if (notes === undefined) {
      const { name, record, key, lock, immutable } = this.names.word(address);
      const initial = this.names.value(address, before);
      notes = { name, record, key, lock, immutable, initial, touchedBy: new Set(), changedBy: new Set() };
      this.words.set(address, notes);
      if (lock !== 0) this.#meetLock(lock);
    }
    return notes;
  }

  #meetLock(lock: number): void {
    if (!this.locks.has(lock)) this.locks.set(lock, { name: this.names.lock(lock), class: this.names.lockClass(lock) });
  }

  #followLocks(index: number, key: string, place: number): void {
    for (const { lock, set } of this.machinery.locksChanged(index, key)) {
      this.#meetLock(lock);
      this.#note('lock', { lock, place, text: this.names.lock(lock), set }, index);
    }
  }

  #note(kind: EventKind, what: Partial<Noted> & { readonly place: number }, index: number = this.#cpu()): void {
    const task = index < 0 ? 0 : this.names.taskOn(this.names.cpuAt(index));
    const empty = { word: 0, before: '', after: '', lock: 0, text: '', set: [] };
    const set = [...(what.set ?? []), ...this.machinery.cpuState(index, kind, task, what)];
    this.events.push({ ...empty, kind, step: this.steps, cpu: index, task, ...what, set });
    if (this.events.length > EVENTS_MAX * 1.25) {
      this.dropped += this.events.length - EVENTS_MAX;
      for (const { set: changes } of this.events.splice(0, this.events.length - EVENTS_MAX))
        this.machinery.begin(changes);
    }
  }
}
