/**
 * One run of the threads: where each stands, what it waits for, what it read in vain, and what happens before what. The
 * runtime (runtime.ts), which compiled modules call, keeps it; a search makes a new one for each run.
 *
 * A thread that reads the same words with the same results twice in a row, and writes nothing in between, is spinning: it
 * is parked until one of these words changes; or, if it is impatient, goes round and round in one step until it does
 * something else, for a loop may count its turns. What the scheduler sees of parked threads, spinning or asleep, are bells:
 * a word of each thread that rings when it may go on.
 */
import { cpu } from '../stepped/doors/self.ts';
import { steering, watcher } from '../stepped/doors/steering.ts';
import type { SharedMemory, View } from './memory.ts';
import { Ordering } from './ordering.ts';
import type { Look, Patience, Step, WaitsFor } from './run-parts.ts';
import { Call, RaceFound } from './run-parts.ts';

const ROUNDS_MAX = 16;
const LOOKS_MAX = 256;
/** Plain accesses between two operations after which a thread is taken to go round in a loop for ever. */
const PLAIN_MAX = 300_000;
/** Looks after which a loop that was to give up is taken to have no other end. */
const GIVING_UP_MAX = 2000;

export class RunState {
  readonly memory: SharedMemory;
  readonly ordering: Ordering;
  readonly bells: Int32Array;
  /** What was done, if somebody wants to know. */
  readonly steps: Step[] | undefined;
  /** The first race, also where the program caught what was thrown for it. */
  race: RaceFound | undefined;
  /** Depends on all that was read and written, in its order. */
  hash = 0;
  /** By thread: the place and the word of its next operation, and what it waits for. */
  readonly sites: Int32Array;
  readonly waits: (WaitsFor | undefined)[];
  readonly #words: Int32Array;
  readonly #looks: Look[][];
  /** By thread: the looks that it repeats; it parks at its next operation. */
  readonly #repeats: (Look[] | undefined)[];
  /** By thread: the operation that it parked before, plus 1; and the words that wake it. */
  readonly #parkedAt: Int32Array;
  readonly #watches: (Look[] | undefined)[];
  readonly #sleepers = new Map<number, number[]>();
  readonly #patience: Patience;
  /** By thread: the looks that it repeats until it gives up, and how many there were. */
  readonly #giving: (Look[] | undefined)[];
  readonly #given: Int32Array;
  readonly #calls = new Set<Call>();
  #plain = 0;
  #seen = 0;

  constructor(threads: number, memory: SharedMemory, recording: boolean, patience: Patience) {
    this.#patience = patience;
    this.#given = new Int32Array(threads);
    this.memory = memory;
    this.ordering = new Ordering(threads);
    this.steps = recording ? [] : undefined;
    this.bells = new Int32Array(threads);
    this.sites = new Int32Array(threads);
    this.#words = new Int32Array(threads);
    this.#parkedAt = new Int32Array(threads);
    this.waits = Array.from({ length: threads }, () => undefined);
    this.#repeats = this.waits.slice() as undefined[];
    this.#watches = this.waits.slice() as undefined[];
    this.#giving = this.waits.slice() as undefined[];
    this.#looks = this.waits.map(() => []);
  }

  /** The thread stands before an operation. @returns whether it yields */
  point(operation: number, view: View, index: number, site: number): boolean {
    const me = cpu - 1;
    const word = this.memory.wordOf(view, index);
    this.#plain = 0;
    this.sites[me] = site;
    this.#words[me] = word;
    const repeats = this.#repeats[me];
    if (repeats !== undefined) {
      this.#repeats[me] = undefined;
      this.#looks[me]!.length = 0;
      const changed = repeats.some((look) => look.view[look.index] !== look.value);
      if (!changed) {
        this.#patience.waited[me]!.add(site);
        if (!this.#isImpatient(me, site)) return this.#park(me, operation, site, repeats);
        if (this.#giving[me] === undefined) this.#given[me] = 0;
        this.#giving[me] = repeats;
      }
    }
    if (this.#giving[me]?.some((look) => look.site === site && look.word === word) === true) {
      if (this.#given[me]!++ < GIVING_UP_MAX) return false;
      this.#patience.endless.add(site);
    } else if (this.#giving[me] !== undefined) this.#patience.gaveUp |= 1 << me;
    this.#giving[me] = undefined;
    return steering.point(operation, word);
  }
  #isImpatient(me: number, site: number): boolean {
    return (this.#patience.impatient & (1 << me)) !== 0 && !this.#patience.endless.has(site);
  }
  #park(me: number, operation: number, site: number, repeats: Look[]): boolean {
    this.#watches[me] = repeats;
    this.#parkedAt[me] = operation + 1;
    const { view, index, value } = repeats.at(-1)!;
    this.waits[me] = { kind: 'spins', site, view, index, value };
    steering.parkSpinning(me, this.bells[me]!);
    return true;
  }
  /** After a yield: if it was parked, it stands before the operation only now. */
  again(): boolean {
    const me = cpu - 1;
    const operation = this.#parkedAt[me]! - 1;
    if (operation < 0) return false;
    this.#parkedAt[me] = 0;
    this.#watches[me] = undefined;
    this.waits[me] = undefined;
    return steering.point(operation, this.#words[me]!);
  }

  /** An atomic operation was done; `now` is what stands there afterwards. */
  atomic(view: View, index: number, reads: boolean, writes: boolean, old: number | bigint, now: number | bigint): void {
    const me = cpu - 1;
    const site = this.sites[me]!;
    const address = this.memory.addressOf(view, index);
    const word = this.memory.wordOf(view, index);
    watcher?.atomic(word, reads, writes);
    const before = this.ordering.atomic(me, address, view.BYTES_PER_ELEMENT, reads, writes, site);
    if (before !== undefined) this.#found(new RaceFound(me, site, writes, true, before));
    this.#note(site, old, now);
    if (old !== now) this.#changed(word);
    // A write that changes nothing is part of a spin loop as a read is: Atomics.exchange(lock, 0, 1).
    if (writes && (old !== now || !reads)) this.#looks[me]!.length = 0;
    else this.#look(me, { site, view, index, value: old, word });
  }

  /** A read that is declared racy. */
  peek(view: View, index: number, value: number | bigint): void {
    const me = cpu - 1;
    this.#note(this.sites[me]!, value, value);
    this.#look(me, { site: this.sites[me]!, view, index, value, word: this.memory.wordOf(view, index) });
  }

  plain(view: View, index: number, writes: boolean, old: number | bigint, now: number | bigint, site: number): void {
    const me = cpu - 1;
    const address = this.memory.addressOf(view, index);
    const before = this.ordering.plain(me, address, view.BYTES_PER_ELEMENT, writes, site);
    if (before !== undefined) this.#found(new RaceFound(me, site, writes, false, before));
    this.#note(site, old, now);
    this.#seen |= 1 << me;
    if (writes) {
      this.#looks[me]!.length = 0;
      if (old !== now) this.#changed(this.memory.wordOf(view, index));
    }
    if (++this.#plain > PLAIN_MAX)
      throw new Error('livelock: a loop reads or writes elements, and never comes to an Atomics operation');
  }

  /** The thread sleeps on a word from its next yield on. */
  sleep(view: View, index: number, value: number | bigint, timeoutMs: number): void {
    const me = cpu - 1;
    const word = this.memory.wordOf(view, index);
    // The order of sleepers decides who is woken first.
    watcher?.atomic(word, true, true);
    const queue = this.#sleepers.get(word);
    if (queue === undefined) this.#sleepers.set(word, [me]);
    else queue.push(me);
    this.waits[me] = { kind: 'sleeps', site: this.sites[me]!, view, index, value };
    this.#looks[me]!.length = 0;
    this.record(() => 'sleeps');
    steering.parkSleeping(me, timeoutMs * 1e6);
  }
  /** The sleep is over. @returns whether it ran out of time */
  awake(): boolean {
    const me = cpu - 1;
    this.waits[me] = undefined;
    const timedOut = steering.timedOut();
    if (timedOut)
      for (const queue of this.#sleepers.values()) if (queue.includes(me)) queue.splice(queue.indexOf(me), 1);
    this.record(() => (timedOut ? 'wakes up: out of time' : 'wakes up'));
    return timedOut;
  }
  notify(view: View, index: number, count: number): number {
    const me = cpu - 1;
    const word = this.memory.wordOf(view, index);
    watcher?.atomic(word, false, true);
    this.#looks[me]!.length = 0;
    const woken = this.#sleepers.get(word)?.splice(0, count) ?? [];
    for (const each of woken) {
      this.ordering.wake(me, each);
      steering.notify(each);
    }
    this.hash = (Math.imul(this.hash, 31) + woken.length) | 0;
    return woken.length;
  }

  /** Has the thread that runs touched shared memory? */
  hasSeen(): boolean {
    return (this.#seen & (1 << (cpu - 1))) !== 0;
  }

  called(site: number): Call {
    const call = new Call(site);
    this.#calls.add(call);
    return call;
  }
  begun(call: Call): void {
    this.#calls.delete(call);
  }
  /** A call whose generator nobody has run, when all that the threads did is done. */
  dropped(): Call | undefined {
    return this.#calls.values().next().value;
  }

  record(text: () => string): void {
    this.steps?.push({ thread: cpu - 1, site: this.sites[cpu - 1]!, text: text() });
  }
  recordAt(site: number, text: () => string): void {
    this.steps?.push({ thread: cpu - 1, site, text: text() });
  }

  #found(race: RaceFound): never {
    this.race ??= race;
    throw race;
  }
  #note(site: number, old: number | bigint, now: number | bigint): void {
    this.hash = (Math.imul(this.hash, 31) + site) | 0;
    this.hash = (Math.imul(this.hash, 31) + Number(old)) | 0;
    this.hash = (Math.imul(this.hash, 31) + Number(now) + cpu) | 0;
  }
  #changed(word: number): void {
    for (const [thread, looks] of this.#watches.entries()) {
      if (looks?.some((look) => look.word === word) === true) this.bells[thread]!++;
    }
  }
  #look(me: number, look: Look): void {
    const looks = this.#looks[me]!;
    looks.push(look);
    if (looks.length > LOOKS_MAX) looks.splice(0, LOOKS_MAX / 2);
    const count = looks.length;
    for (let period = 1; period <= ROUNDS_MAX && 2 * period <= count; period++) {
      let same = true;
      for (let i = count - period; i < count && same; i++) same = isSame(looks[i]!, looks[i - period]!);
      if (!same) continue;
      this.#repeats[me] = looks.slice(count - period);
      return;
    }
    this.#repeats[me] = undefined;
  }
}

function isSame(one: Look, other: Look): boolean {
  return one.site === other.site && one.word === other.word && one.value === other.value;
}
