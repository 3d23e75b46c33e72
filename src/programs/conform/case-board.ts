// The board on which a running case keeps what its threads share and what the host reads afterwards: kept numbers,
// thread ids, tickets, results. Threads of a case can live on different CPUs, which share no JavaScript objects, so the
// board is one SharedArrayBuffer that the guest program gets with its arguments. Callers: case.program.ts and run.ts.
// Promise: every result has two tickets of one counter, taken before its step began and after it ended, so the order
// of steps is known across threads; a board can be read while the case still runs, and shows what has ended so far.

import { type ConformCase, type Observation, type StepResult, type StepSpan, threadsOf } from './case.ts';

const TICKET = 0;
/** 1 once main has ended and all is quiet: from then on a thread that has not ended counts as blocked. */
const COMPLETE = 1;
/** 1 once the process of the case has ended, and how: its code, or -1 times a signal. */
const PROCESS_ENDED = 2;
const EXIT = 3;
const HEADER_WORDS = 4;
/** Of each thread, from its base: state, tid, steps begun, ticket of the step that is open, bytes written. */
const STATE = 0;
const TID = 1;
const BEGUN = 2;
const OPEN_TICKET = 3;
const WRITTEN = 4;
const THREAD_WORDS = 8;

const STARTED = 1;
const ENDED = 2;

const RECORD_HEADER_WORDS = 3;
const TEXT_BYTES_PER_THREAD = 128 * 1024;
/** More threads than any case has; a case with more is refused when its board is made. */
export const THREADS_MAX = 8;
const NAMES_MAX = 128;

const THREADS_AT = HEADER_WORDS;
const NAMES_AT = THREADS_AT + THREADS_MAX * THREAD_WORDS;
const TEXT_AT_BYTES = (NAMES_AT + NAMES_MAX) * 4;
export const BOARD_BYTES = TEXT_AT_BYTES + THREADS_MAX * TEXT_BYTES_PER_THREAD;

/** A board, seen by the host or by one CPU. Names and threads are known to both by their place in the case. */
export class CaseBoard {
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  readonly threadNames: readonly string[];
  private readonly names: readonly string[];

  constructor(buffer: SharedArrayBuffer, one: ConformCase) {
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.threadNames = Object.keys(threadsOf(one));
    this.names = keptNames(one);
    if (this.threadNames.length > THREADS_MAX) throw new Error(`${one.name}: more than ${THREADS_MAX} threads`);
    if (this.names.length > NAMES_MAX) throw new Error(`${one.name}: more than ${NAMES_MAX} kept numbers`);
  }

  /** Wipes what an earlier case left. The host calls it before the case starts. */
  clear(): void {
    this.bytes.fill(0, 0, TEXT_AT_BYTES);
  }

  private thread(index: number): number {
    return THREADS_AT + index * THREAD_WORDS;
  }

  private nameAt(name: string): number {
    const index = this.names.indexOf(name);
    if (index < 0) throw new Error(`the case keeps no number under '${name}'`);
    return NAMES_AT + index;
  }

  keep(name: string, value: number): void {
    Atomics.store(this.words, this.nameAt(name), value + 1);
  }

  /** The words of memory that the steps name, as names to keep their addresses under. */
  wordNames(): readonly string[] {
    return this.names.filter((name) => name.startsWith(wordName('')));
  }

  /** -1, which is no descriptor, if the call that was to keep it has failed or not come. */
  kept(name: string): number {
    return Atomics.load(this.words, this.nameAt(name)) - 1;
  }

  setTid(thread: number, tid: number): void {
    Atomics.store(this.words, this.thread(thread) + TID, tid);
  }

  tid(thread: number): number {
    return Atomics.load(this.words, this.thread(thread) + TID);
  }

  started(thread: number): void {
    Atomics.store(this.words, this.thread(thread) + STATE, STARTED);
  }

  ended(thread: number): void {
    Atomics.store(this.words, this.thread(thread) + STATE, ENDED);
  }

  hasEnded(thread: number): boolean {
    return Atomics.load(this.words, this.thread(thread) + STATE) === ENDED;
  }

  complete(): void {
    Atomics.store(this.words, COMPLETE, 1);
  }

  isComplete(): boolean {
    return Atomics.load(this.words, COMPLETE) === 1;
  }

  /** Told by the parent, where the case has one on the machine. @param exit its code, or -1 times a signal */
  processEnded(exit: number): void {
    Atomics.store(this.words, EXIT, exit);
    Atomics.store(this.words, PROCESS_ENDED, 1);
  }

  /** How its process ended; undefined until its parent has seen it. */
  processExit(): number | undefined {
    return Atomics.load(this.words, PROCESS_ENDED) === 1 ? Atomics.load(this.words, EXIT) : undefined;
  }

  beginStep(thread: number): void {
    const base = this.thread(thread);
    Atomics.store(this.words, base + OPEN_TICKET, Atomics.add(this.words, TICKET, 1));
    Atomics.add(this.words, base + BEGUN, 1);
  }

  /** Appends a result: two tickets, a length, and the text. The count of written bytes moves last. */
  endStep(thread: number, result: StepResult): void {
    const base = this.thread(thread);
    const text = Buffer.from(JSON.stringify(result), 'utf8');
    const written = Atomics.load(this.words, base + WRITTEN);
    const padded = (text.length + 3) & ~3;
    const record = RECORD_HEADER_WORDS * 4 + padded;
    if (written + record > TEXT_BYTES_PER_THREAD)
      throw new Error('the results of one thread are too long for the board');
    const at = TEXT_AT_BYTES + thread * TEXT_BYTES_PER_THREAD + written;
    this.words[at >> 2] = Atomics.load(this.words, base + OPEN_TICKET);
    this.words[(at >> 2) + 1] = Atomics.add(this.words, TICKET, 1);
    this.words[(at >> 2) + 2] = text.length;
    this.bytes.set(text, at + RECORD_HEADER_WORDS * 4);
    Atomics.store(this.words, base + WRITTEN, written + record);
  }

  /** What has happened so far. Threads that have not ended are blocked in the step that they began last. */
  observe(): Observation {
    const outcome: Record<string, readonly StepResult[]> = {};
    const spans: StepSpan[] = [];
    this.threadNames.forEach((name, thread) => {
      const base = this.thread(thread);
      if (Atomics.load(this.words, base + STATE) === 0) return;
      const results = this.results(thread, name, spans);
      if (Atomics.load(this.words, base + STATE) !== ENDED) {
        const begin = Atomics.load(this.words, base + OPEN_TICKET);
        spans.push({ thread: name, index: results.length, begin, end: Number.POSITIVE_INFINITY });
        results.push('blocked');
      }
      outcome[name] = results;
    });
    return { outcome, spans };
  }

  private results(thread: number, name: string, spans: StepSpan[]): StepResult[] {
    const results: StepResult[] = [];
    const start = TEXT_AT_BYTES + thread * TEXT_BYTES_PER_THREAD;
    const end = start + Atomics.load(this.words, this.thread(thread) + WRITTEN);
    let at = start;
    while (at < end) {
      const word = at >> 2;
      const length = this.words[word + 2]!;
      const text = Buffer.from(this.bytes.slice(at + RECORD_HEADER_WORDS * 4, at + RECORD_HEADER_WORDS * 4 + length));
      spans.push({ thread: name, index: results.length, begin: this.words[word]!, end: this.words[word + 1]! });
      results.push(JSON.parse(text.toString('utf8')) as StepResult);
      at += RECORD_HEADER_WORDS * 4 + ((length + 3) & ~3);
    }
    return results;
  }
}

/** Under which the address of a word is kept: a number's own name cannot have a blank. */
export function wordName(name: string): string {
  return `word ${name}`;
}

/** Every name under which a step keeps a number, in the order of the program. */
function keptNames(one: ConformCase): readonly string[] {
  const names = new Set<string>();
  for (const step of Object.values(threadsOf(one)).flat()) {
    if ('as' in step && step.as !== undefined) names.add(step.as);
    if (!('sys' in step)) continue;
    for (const argument of step.args) {
      if (typeof argument === 'object' && argument !== null && 'out_pair' in argument) {
        for (const name of argument.out_pair) names.add(name);
      }
      if (typeof argument === 'object' && argument !== null && 'word' in argument)
        names.add(wordName(argument.word.name));
    }
  }
  return [...names];
}
