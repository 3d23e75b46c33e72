/**
 * What somebody wants explored, as a program for the searches: memory laid out anew for each run, the threads' functions
 * called and their generators run, and what each end of a run means.
 */
import type { Run, RunEnd } from '../explore/dpor/dpor.ts';
import type { Program } from '../explore/dpor/execution.ts';
import { Execution } from '../explore/dpor/execution.ts';
import { alone, steer } from '../stepped/doors/steering.ts';
import type { CpuPtr } from '../shared-mem/pointer.ts';
import { FoundMemory, SharedMemory } from './memory.ts';
import type { Patience, RaceFound } from './run-parts.ts';
import { RunState } from './run-state.ts';
import { during, is, placeOf } from './runtime.ts';

export type ThreadFunction<M> = (memory: M) => unknown;

export interface ProblemOptions<M> {
  /** How many bytes of shared memory, zeroed before each run; or a function that makes what the threads share. */
  readonly memory: number | (() => M);
  /** Lays the memory out before the threads begin. */
  readonly setup?: (memory: M) => unknown;
  /** Two or more; by name, or in a list. Each calls what was imported with `?explore` and returns what that returned. */
  readonly threads: readonly ThreadFunction<M>[] | Readonly<Record<string, ThreadFunction<M>>>;
  /** Looks at the memory after each run in which all threads came to their end; throws if something is wrong. */
  readonly check?: (memory: M) => unknown;
  /** Operations of a run after which it is taken to go on for ever; default 10,000. */
  readonly maxSteps?: number;
}

export type Kind = 'data race' | 'deadlock' | 'livelock' | 'assertion' | 'wrong result';

export interface Finding {
  readonly kind: Kind;
  readonly error: unknown;
  readonly race?: RaceFound;
}

/** The exploration is asked for in a way that it cannot be done. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export class Problem<M> {
  readonly names: readonly string[];
  readonly program: Program;
  readonly maxSteps: number;
  readonly patience: Patience;
  /** Of the current run, or the last one. */
  state!: RunState;
  /** The next runs keep what was done. */
  recording = false;
  readonly #options: ProblemOptions<M>;
  readonly #bytes: SharedArrayBuffer | undefined;
  readonly #found = new FoundMemory();
  #memory!: M;

  constructor(options: ProblemOptions<M>) {
    this.#options = options;
    const { memory, threads, maxSteps = 10_000 } = options;
    const named: readonly (readonly [string, ThreadFunction<M>])[] = Array.isArray(threads)
      ? threads.map(
          (thread: ThreadFunction<M>, i) => [thread.name === '' ? `thread ${i}` : thread.name, thread] as const,
        )
      : Object.entries(threads as Readonly<Record<string, ThreadFunction<M>>>);
    if (named.length === 0 || named.length > 31) throw new UsageError('between 1 and 31 threads can be explored');
    this.names = named.map(([name]) => name);
    this.maxSteps = maxSteps;
    this.patience = { impatient: 0, endless: new Set(), gaveUp: 0, waited: named.map(() => new Set()) };
    this.#bytes = typeof memory === 'number' ? new SharedArrayBuffer(memory) : undefined;
    this.program = {
      threads: named.map(([name, thread], i) => ({ cpu: (i + 1) as CpuPtr, run: () => this.#body(name, thread) })),
      reset: () => this.#reset(named.length),
      wordAt: (thread) => this.state.bells[thread]!,
      maxSteps,
    };
  }

  #reset(threads: number): void {
    during(undefined);
    steer(alone, null);
    const { memory, setup } = this.#options;
    if (this.#bytes !== undefined) new Uint8Array(this.#bytes).fill(0);
    this.#memory = typeof memory === 'number' ? (this.#bytes as M) : memory();
    drive(setup?.(this.#memory));
    const memories = new SharedMemory(this.#memory, this.#found);
    this.state = new RunState(threads, memories, this.recording, this.patience);
    during(this.state);
  }

  *#body(name: string, thread: ThreadFunction<M>): Generator<void, void, 1> {
    const result = thread(this.#memory);
    if (is(result)) yield* result;
    else if (Array.isArray(result) && result.length > 0 && result.every(is)) for (const each of result) yield* each;
    else this.#refuseDropped(name);
    if (!is(result) && !Array.isArray(result) && !this.state.hasSeen()) {
      throw new UsageError(
        `${name} did not return what a function of a module imported with ?explore returned: write ` +
          '`(memory) => ring.push(memory)`, or for several calls `function* (memory) { yield* ring.push(memory); ... }`',
      );
    }
  }

  #refuseDropped(name: string): void {
    const call = this.state.dropped();
    if (call === undefined) return;
    const { file, line, text } = placeOf(call.site);
    throw new UsageError(
      `${name} calls ${text} (${file}:${line}) and does not run what it returns: write \`(memory) => ring.push(memory)\`, or ` +
        'for several calls `function* (memory) { yield* ring.push(memory); ... }`',
    );
  }

  /** What is wrong with a run that has ended; undefined if nothing is. */
  judge({ end, error }: { readonly end: RunEnd; readonly error: unknown }, execution: Execution): Finding | undefined {
    during(undefined);
    const { race } = this.state;
    if (race !== undefined) return { kind: 'data race', error: race, race };
    if (end === 'threw') {
      if (error instanceof UsageError) throw error;
      const livelock = error instanceof Error && error.message.startsWith('livelock');
      return { kind: livelock ? 'livelock' : 'assertion', error };
    }
    if (end === 'limit') return { kind: 'livelock', error: undefined };
    if (end === 'complete') this.#refuseDropped('a thread');
    if (end === 'stuck' || end === 'blocked') {
      const asleep = this.names.some((_name, i) => execution.doing(i).doing === 'sleeps');
      return { kind: asleep ? 'deadlock' : 'livelock', error: undefined };
    }
    try {
      drive(this.#options.check?.(this.#memory));
      return undefined;
    } catch (thrown) {
      if (thrown instanceof UsageError) throw thrown;
      return { kind: 'wrong result', error: thrown };
    }
  }
}

/** Runs to its end what setup or check called, with nobody else there. */
function drive(result: unknown): void {
  if (result instanceof Promise) throw new UsageError('setup and check must be synchronous');
  if (is(result)) for (let next = result.next(1); next.done !== true; ) next = result.next(1);
}

/** One run in a given order, and what follows from it: whoever is not named, or cannot go on, is passed over. */
export class Replay implements Run {
  execution!: Execution;
  error: unknown;
  end: RunEnd = 'complete';
  /** An entry of the order could not be followed. */
  strayed = false;
  readonly #order: number[] = [];

  constructor(program: Program, order: readonly number[]) {
    try {
      this.execution = new Execution(program);
      this.end = this.#run(order, program.maxSteps ?? 100_000);
    } catch (error) {
      this.error = error;
      this.end = 'threw';
    }
  }
  schedule(): number[] {
    return this.#order.slice();
  }
  #run(order: readonly number[], maxSteps: number): RunEnd {
    const { execution } = this;
    let at = 0;
    for (let last = 0; ; ) {
      if (execution.idles()) {
        execution.step(31 - Math.clz32(execution.enabled()));
        continue;
      }
      const enabled = execution.enabled();
      if (enabled === 0) return execution.allDone() ? 'complete' : execution.stuck() ? 'stuck' : 'blocked';
      if (this.#order.length >= maxSteps) return 'limit';
      const able = enabled | execution.limited();
      let thread = order[at++];
      while (thread !== undefined && (able & (1 << thread)) === 0) {
        this.strayed = true;
        thread = order[at++];
      }
      thread ??= (enabled & (1 << last)) !== 0 ? last : 31 - Math.clz32(enabled & -enabled);
      this.#order.push((last = thread));
      execution.step(thread);
    }
  }
}
