/**
 * The board of a torture: one SharedArrayBuffer beside the machine's memory, which its guests get with their arguments
 * and the host reads while they run. So counts and last words survive whatever becomes of the machine. Callers: the
 * torture programs, and src/torture/run.ts.
 *
 * Each worker writes its own counts; what several add to is added atomically. A text that somebody fails with is there
 * whole or not at all.
 */

export const WORKERS_MAX = 64;
/** Dense indices of calls are below this. */
const CALLS_MAX = 160;
/** Figures of a torture's own, by place. */
const VALUES_MAX = 32;

const STOP = 0;
const FAILURES = 1;
const TEXT_USED = 2;
const ARRIVED = 3;
const PROCESSES = 4;
/** A word for each process that the host starts. */
const PIDS = 8;
export const PROCESSES_MAX = 8;
const HEADER_WORDS = 16;
/** Words of a worker: whether it is there, when it last moved is for the host to find out. */
const WORKER_STATE = 0;
const WORKER_RING = 1;
const WORKER_WORDS = 4;

/** Calls of a worker that are kept: call, six arguments, result. */
export const RING_CALLS = 12;
const RING_FLOATS = 8;

const TEXT_BYTES = 64 * 1024;
const TEXT_MAX = 4000;

const WORKERS_AT = HEADER_WORDS;
const FLOATS_AT = Math.ceil((WORKERS_AT + WORKERS_MAX * WORKER_WORDS) / 2);
const OPERATIONS_AT = FLOATS_AT;
const VALUES_AT = OPERATIONS_AT + WORKERS_MAX * 2;
const RING_AT = VALUES_AT + WORKERS_MAX * VALUES_MAX;
const COUNTS_AT = RING_AT + WORKERS_MAX * RING_CALLS * RING_FLOATS;
const TEXT_AT = (COUNTS_AT + WORKERS_MAX * CALLS_MAX * 2) * 8;
export const BOARD_BYTES = TEXT_AT + TEXT_BYTES;

/** What a worker is doing, as far as the host must know. */
export const ABSENT = 0;
export const WORKING = 1;
export const ENDED = 2;

/** In a ring, for a call that has not returned yet. */
export const PENDING = Number.NEGATIVE_INFINITY;

export interface RingCall {
  /** Dense index. */
  readonly call: number;
  readonly args: readonly number[];
  /** PENDING while it has not returned. */
  readonly result: number;
}

export class TortureBoard {
  readonly buffer: SharedArrayBuffer;
  private readonly words: Int32Array;
  private readonly floats: Float64Array;
  private readonly bytes: Uint8Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(BOARD_BYTES)) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
    this.floats = new Float64Array(buffer);
    this.bytes = new Uint8Array(buffer);
  }

  /** Whoever works shall come to an end. */
  stop(): void {
    Atomics.store(this.words, STOP, 1);
  }
  /** A plain look: it is looked at before every operation. */
  get stopped(): boolean {
    return this.words[STOP] !== 0;
  }

  /** Process `process` is ready to be sent signals, and begins when all of them are. */
  arrive(process: number, pid: number, processes: number): void {
    Atomics.store(this.words, PIDS + process, pid);
    Atomics.store(this.words, PROCESSES, processes);
    Atomics.add(this.words, ARRIVED, 1);
  }
  get allArrived(): boolean {
    return Atomics.load(this.words, ARRIVED) >= this.processes;
  }
  get processes(): number {
    return this.words[PROCESSES]!;
  }
  pidOf(process: number): number {
    return this.words[PIDS + process]!;
  }

  begin(worker: number): void {
    Atomics.store(this.words, this.wordOf(worker) + WORKER_STATE, WORKING);
  }
  end(worker: number): void {
    Atomics.store(this.words, this.wordOf(worker) + WORKER_STATE, ENDED);
  }
  state(worker: number): number {
    return Atomics.load(this.words, this.wordOf(worker) + WORKER_STATE);
  }

  /** Of the worker alone. */
  count(worker: number, succeeded: boolean): void {
    this.floats[OPERATIONS_AT + worker * 2]! += 1;
    if (succeeded) this.floats[OPERATIONS_AT + worker * 2 + 1]! += 1;
  }
  operationsOf(worker: number): number {
    return this.floats[OPERATIONS_AT + worker * 2]!;
  }
  succeededOf(worker: number): number {
    return this.floats[OPERATIONS_AT + worker * 2 + 1]!;
  }
  get operations(): number {
    return sum(WORKERS_MAX, (worker) => this.operationsOf(worker));
  }
  get succeeded(): number {
    return sum(WORKERS_MAX, (worker) => this.succeededOf(worker));
  }

  /** Figures of a torture's own, each added to by its worker alone. */
  addValue(worker: number, place: number, value: number): void {
    this.floats[VALUES_AT + worker * VALUES_MAX + place]! += value;
  }
  maxValue(worker: number, place: number, value: number): void {
    const at = VALUES_AT + worker * VALUES_MAX + place;
    if (value > this.floats[at]!) this.floats[at] = value;
  }
  valueOf(worker: number, place: number): number {
    return this.floats[VALUES_AT + worker * VALUES_MAX + place]!;
  }
  sumOf(place: number): number {
    return sum(WORKERS_MAX, (worker) => this.valueOf(worker, place));
  }
  largestOf(place: number): number {
    return Math.max(...Array.from({ length: WORKERS_MAX }, (_, worker) => this.valueOf(worker, place)));
  }

  countCall(worker: number, call: number, succeeded: boolean): void {
    const at = COUNTS_AT + (worker * CALLS_MAX + call) * 2;
    this.floats[at]! += 1;
    if (succeeded) this.floats[at + 1]! += 1;
  }
  attemptsOf(call: number): number {
    return sum(WORKERS_MAX, (worker) => this.floats[COUNTS_AT + (worker * CALLS_MAX + call) * 2]!);
  }
  successesOf(call: number): number {
    return sum(WORKERS_MAX, (worker) => this.floats[COUNTS_AT + (worker * CALLS_MAX + call) * 2 + 1]!);
  }

  /** A call is about to be made. */
  noteCall(worker: number, call: number, args: Float64Array): void {
    const ring = this.wordOf(worker) + WORKER_RING;
    const place = this.words[ring]!;
    const at = RING_AT + (worker * RING_CALLS + (place % RING_CALLS)) * RING_FLOATS;
    this.floats[at] = call;
    for (let i = 0; i < 6; i++) this.floats[at + 1 + i] = args[i]!;
    this.floats[at + 7] = PENDING;
    this.words[ring] = (place + 1) & 0x3fffffff;
  }
  noteResult(worker: number, result: number): void {
    const place = this.words[this.wordOf(worker) + WORKER_RING]! - 1;
    this.floats[RING_AT + (worker * RING_CALLS + (place % RING_CALLS)) * RING_FLOATS + 7] = result;
  }
  /** A worker's last calls, oldest first. */
  lastCalls(worker: number): RingCall[] {
    const place = this.words[this.wordOf(worker) + WORKER_RING]!;
    return Array.from({ length: Math.min(place, RING_CALLS) }, (_, i) => {
      const at =
        RING_AT + (worker * RING_CALLS + ((place - Math.min(place, RING_CALLS) + i) % RING_CALLS)) * RING_FLOATS;
      return {
        call: this.floats[at]!,
        args: Array.from(this.floats.subarray(at + 1, at + 7)),
        result: this.floats[at + 7]!,
      };
    });
  }

  /** Something was found that must not be. The torture is over. */
  fail(text: string): void {
    const bytes = new TextEncoder().encode(text.slice(0, TEXT_MAX));
    const at = Atomics.add(this.words, TEXT_USED, bytes.length + 1);
    if (at + bytes.length + 1 <= TEXT_BYTES) this.bytes.set(bytes, TEXT_AT + at);
    Atomics.add(this.words, FAILURES, 1);
    this.stop();
  }
  get failures(): number {
    return Atomics.load(this.words, FAILURES);
  }
  /** What was failed with. */
  get texts(): string[] {
    const used = Math.min(Atomics.load(this.words, TEXT_USED), TEXT_BYTES);
    // A copy, for no decoder takes shared memory.
    const text = new TextDecoder().decode(this.bytes.slice(TEXT_AT, TEXT_AT + used));
    return text.split('\0').filter((each) => each !== '');
  }

  private wordOf(worker: number): number {
    return WORKERS_AT + worker * WORKER_WORDS;
  }
}

function sum(count: number, of: (index: number) => number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += of(i);
  return total;
}
