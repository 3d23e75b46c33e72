/**
 * The stepped scheduler: runs the generators of several CPUs in one thread, an operation of the atomic door at a time,
 * in the order that a strategy chooses. The same programs, memory and seed give the same run, to the last word.
 *
 * It notices three endings besides the good one: all CPUs that are left wait for each other (`stuck`: a deadlock, or a
 * wakeup that was lost), one of them threw, or the run takes too long.
 */
import type { CpuPtr } from '../shared-mem/pointer.ts';
import { readClock, setClock } from './doors/clock.ts';
import { becomeCpu, I32 } from './doors/self.ts';
import type { Steering, Watcher } from './doors/steering.ts';
import { alone, steer } from './doors/steering.ts';
import type { Strategy } from './strategies.ts';
import { replayOf } from './strategies.ts';

export interface CpuProgram {
  /** what `cpu` is while it runs */
  readonly cpu: CpuPtr;
  readonly run: () => Generator<void, unknown, 1>;
}

export type Ending = 'done' | 'stuck' | 'threw' | 'limit';

/** What a CPU was doing when the run ended. */
export interface Waiting {
  readonly index: number;
  readonly doing: 'ready' | 'spins' | 'sleeps' | 'done';
  /** the word it waits for, or 0 */
  readonly address: number;
}

export interface Outcome {
  readonly ending: Ending;
  readonly error: unknown;
  /** operations of the atomic door */
  readonly steps: number;
  readonly switches: number;
  /** For `replay`: pairs of a CPU (-1 - cpu: its sleep timed out) and how many operations it was given. */
  readonly schedule: readonly number[];
  readonly cpus: readonly Waiting[];
}

export interface Options {
  readonly strategy: Strategy;
  /** default 100,000 */
  readonly maxSteps?: number;
  /** sees every access to memory; default none */
  readonly watcher?: Watcher | null;
}

const READY = 0;
const SPINNING = 1;
const SLEEPING = 2;
const DONE = 3;
const DOING = ['ready', 'spins', 'sleeps', 'done'] as const;

/** What an operation takes on the virtual clock. */
const STEP_NS = 10;
/** So often spinning CPUs are let go on although nothing changed, in case their spinning is bounded. */
const PATIENCE = 1000;

export function runStepped(programs: readonly CpuProgram[], options: Options): Outcome {
  return new Scheduler(programs, options).run();
}

export function replay(programs: readonly CpuProgram[], schedule: readonly number[], maxSteps?: number): Outcome {
  return runStepped(programs, { strategy: replayOf(schedule), ...(maxSteps === undefined ? {} : { maxSteps }) });
}

/** Runs one CPU to its end with nobody else there: boot, and looking at memory afterwards. */
export function runAlone<T>(cpu: CpuPtr, body: Generator<void, T, 1>): T {
  becomeCpu(cpu);
  for (;;) {
    const result = body.next(1);
    if (result.done === true) return result.value;
  }
}

class Scheduler implements Steering {
  readonly #programs: readonly CpuProgram[];
  readonly #strategy: Strategy;
  readonly #maxSteps: number;
  readonly #watcher: Watcher | null;
  readonly #state: number[];
  readonly #address: number[];
  /** what a spinning CPU saw; for a sleeping one, when its time is over */
  readonly #seen: number[];
  readonly #timedOut: boolean[];
  readonly #ready: number[] = [];
  readonly #schedule: number[] = [];
  #current = -1;
  /** chosen within a point, to be resumed by the loop; or -1 */
  #next = -1;
  #left = 0;
  #steps = 0;
  #switches = 0;
  #patience = 0;

  constructor(programs: readonly CpuProgram[], { strategy, maxSteps = 100_000, watcher = null }: Options) {
    this.#programs = programs;
    this.#strategy = strategy;
    this.#maxSteps = maxSteps;
    this.#watcher = watcher;
    this.#state = programs.map(() => READY);
    this.#address = programs.map(() => 0);
    this.#seen = programs.map(() => 0);
    this.#timedOut = programs.map(() => false);
  }

  run(): Outcome {
    steer(this, this.#watcher);
    try {
      const bodies = this.#programs.map(({ run }) => run());
      for (;;) {
        if (this.#steps >= this.#maxSteps) return this.#outcome('limit', undefined);
        if (this.#next < 0) this.#choose();
        if (this.#next < 0) return this.#outcome(this.#state.every((s) => s === DONE) ? 'done' : 'stuck', undefined);
        const index = this.#next;
        this.#next = -1;
        if (this.#current !== index) this.#switches++;
        this.#current = index;
        becomeCpu(this.#programs[index]!.cpu);
        if (bodies[index]!.next(1).done === true) {
          this.#state[index] = DONE;
          this.#patience = 0;
        }
      }
    } catch (error) {
      return this.#outcome('threw', error);
    } finally {
      steer(alone, null);
    }
  }

  point(): boolean {
    this.#steps++;
    setClock(readClock() + STEP_NS);
    if (this.#steps >= this.#maxSteps) return true;
    if (--this.#left > 0) return false;
    this.#choose();
    if (this.#next !== this.#current) return true;
    this.#next = -1;
    return false;
  }

  parkSpinning(address: number, seen: number): void {
    this.#park(SPINNING, address, seen);
  }

  parkSleeping(address: number, timeoutNs: number): void {
    this.#patience = 0;
    this.#park(SLEEPING, address, readClock() + timeoutNs);
  }

  timedOut(): boolean {
    return this.#timedOut[this.#current]!;
  }

  notify(address: number): void {
    this.#patience = 0;
    for (let i = 0; i < this.#state.length; i++) {
      if (this.#state[i] === SLEEPING && this.#address[i] === address) this.#state[i] = READY;
    }
  }

  #park(state: number, address: number, seen: number): void {
    this.#state[this.#current] = state;
    this.#address[this.#current] = address;
    this.#seen[this.#current] = seen;
  }

  /** Decides who goes next, and for how long; nobody if nobody ever can. */
  #choose(): void {
    const ready = this.#ready;
    ready.length = 0;
    let spinning = false;
    let timed = false;
    for (let i = 0; i < this.#state.length; i++) {
      const state = this.#state[i];
      if (state === READY) ready.push(i);
      else if (state === SPINNING) {
        if (I32[this.#address[i]!] === this.#seen[i]) spinning = true;
        else {
          ready.push(i);
          this.#patience = 0;
        }
      } else if (state === SLEEPING && this.#seen[i] !== Number.POSITIVE_INFINITY) timed = true;
    }
    if (ready.length === 0 && spinning && this.#patience++ < PATIENCE) this.#addAll(SPINNING);
    if (timed && (ready.length === 0 || this.#strategy.expire())) this.#addAll(SLEEPING);
    if (ready.length === 0) return;

    const index = this.#strategy.choose(ready, this.#current);
    this.#timedOut[index] = this.#state[index] === SLEEPING;
    if (this.#timedOut[index]) setClock(Math.max(readClock(), this.#seen[index]!));
    this.#state[index] = READY;
    this.#left = this.#strategy.turn(index);
    this.#schedule.push(this.#timedOut[index] ? -1 - index : index, this.#left);
    this.#next = index;
  }

  /** Adds what spins, or what sleeps for a limited time, to the ready ones. */
  #addAll(state: number): void {
    for (let i = 0; i < this.#state.length; i++) {
      if (this.#state[i] === state && this.#seen[i] !== Number.POSITIVE_INFINITY) this.#ready.push(i);
    }
  }

  #outcome(ending: Ending, error: unknown): Outcome {
    const cpus = this.#state.map((state, index) => ({
      index,
      doing: DOING[state]!,
      address: state === SPINNING || state === SLEEPING ? this.#address[index]! : 0,
    }));
    return { ending, error, steps: this.#steps, switches: this.#switches, schedule: this.#schedule, cpus };
  }
}
