/**
 * The stepped scheduler: runs the generators of several CPUs in one thread, an operation of the atomic door at a time,
 * in the order that a strategy chooses. The same programs, memory and choices give the same run, to the last word.
 *
 * A turn is a CPU and a number of points: the doors count it down themselves (steering.ts), and ask here when it is over.
 * What was chosen is recorded as it was done, not as it was meant: a turn may end early, when somebody is notified and
 * the strategy wants to know, or when the CPU parks.
 *
 * Endings besides the good one: all CPUs that are left wait for each other (`stuck`: a deadlock, or a wakeup that was
 * lost), one of them threw, or the run takes too long (`limit`).
 */
import type { CpuPtr } from '../shared-mem/pointer.ts';
import { readClock, setClock, STEP_NS } from './doors/clock.ts';
import { becomeCpu, I32 } from './doors/self.ts';
import type { Steering, Watcher } from './doors/steering.ts';
import { alone, giveTurn, steer, turnGiven, turnLeft } from './doors/steering.ts';
import { trackAs, tracking } from './doors/tracks.ts';
import type { Strategy } from './strategies.ts';
import { replayOf, roundRobin } from './strategies.ts';
import { CHOSEN, entryOf, TICKED, TIMED_OUT } from './schedule.ts';

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
  /** For `replay`: pairs of a CPU (as `entryOf` writes it) and how many points it passed. */
  readonly schedule: readonly number[];
  readonly cpus: readonly Waiting[];
}

export interface RunOptions {
  readonly strategy: Strategy;
  /** default 100,000 */
  readonly maxSteps?: number;
  /** sees every access to memory; default none */
  readonly watcher?: Watcher | null;
  /** After so many operations turns are even, whatever the strategy: who then does not end never does. Default never. */
  readonly fairAfter?: number;
  /** The clock may jump by so much as a choice, so that ticks come at any time; default 0, never. */
  readonly tickNs?: number;
  /**
   * A clock that nothing but work and quiet moves: a sleep runs out of time only when no CPU can go on, the earliest first.
   * Otherwise the strategy may let it at any moment, as if the host had been slow.
   */
  readonly exactClock?: boolean;
  /** Asked at every choice: true ends the run. @param quiet no CPU can go on unless time passes */
  readonly over?: (quiet: boolean) => boolean;
}

export const READY = 0;
export const SPINNING = 1;
export const SLEEPING = 2;
export const DONE = 3;
const DOING = ['ready', 'spins', 'sleeps', 'done'] as const;

/** So often spinning CPUs are let go on although nothing changed, in case their spinning is bounded. */
const PATIENCE = 1000;
/** Ticks that come by choice in one run: with more, taking them would be all that is done. */
const TICKS_MAX = 8;
/** Thrown by a program whose CPU is done, wherever it stands; the other CPUs go on. */
export const LEAVE: unique symbol = Symbol('this CPU is done');

export function runStepped(programs: readonly CpuProgram[], options: RunOptions): Outcome {
  const scheduler = new Scheduler(programs);
  const ending = scheduler.run(options);
  const { error, steps, switches } = scheduler;
  return { ending, error, steps, switches, schedule: scheduler.schedule(), cpus: scheduler.waiting() };
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

function never(): boolean {
  return false;
}

/** What a strategy may look at. */
export interface View {
  readonly cpus: number;
  /** The word that a CPU touches when it goes on, as far as it is known: 0 before its first operation. */
  nextWord(cpu: number): number;
  /** Operations of the run so far. */
  readonly steps: number;
}

/** Reused from run to run; its fields are about the last one. */
export class Scheduler implements Steering, View {
  readonly cpus: number;
  error: unknown = undefined;
  steps = 0;
  switches = 0;
  #strategy: Strategy = replayOf([]);
  #maxSteps = 0;
  #tickNs = 0;
  #ticksLeft = 0;
  #fairAfter = 0;
  #exactClock = false;
  #over: (quiet: boolean) => boolean = never;
  readonly #programs: readonly CpuProgram[];
  readonly #bodies: Generator<void, unknown, 1>[] = [];
  readonly #state: Int32Array;
  readonly #address: Int32Array;
  /** what a spinning CPU saw */
  readonly #seen: Int32Array;
  /** for a sleeping one, when its time is over */
  readonly #until: Float64Array;
  readonly #timedOut: Uint8Array;
  readonly #ready: number[] = [];
  #record = new Int32Array(256);
  #recorded = 0;
  #current = -1;
  /** chosen within a point, to be resumed by the loop; or -1 */
  #next = -1;
  /** points of this turn that are counted already */
  #counted = 0;
  #spinners = 0;
  #patience = 0;

  constructor(programs: readonly CpuProgram[]) {
    this.#programs = programs;
    this.cpus = programs.length;
    this.#state = new Int32Array(programs.length);
    this.#address = new Int32Array(programs.length);
    this.#seen = new Int32Array(programs.length);
    this.#until = new Float64Array(programs.length);
    this.#timedOut = new Uint8Array(programs.length);
  }

  run({
    strategy,
    maxSteps = 100_000,
    watcher = null,
    tickNs = 0,
    fairAfter = Number.POSITIVE_INFINITY,
    exactClock = false,
    over = never,
  }: RunOptions): Ending {
    this.#strategy = strategy;
    this.#maxSteps = maxSteps;
    this.#tickNs = tickNs;
    this.#ticksLeft = tickNs > 0 ? TICKS_MAX : 0;
    this.#fairAfter = fairAfter;
    this.#exactClock = exactClock;
    this.#over = over;
    this.#state.fill(READY);
    this.#address.fill(0);
    this.#timedOut.fill(0);
    this.error = undefined;
    this.steps = 0;
    this.switches = 0;
    this.#recorded = 0;
    this.#current = -1;
    this.#next = -1;
    this.#counted = 0;
    this.#spinners = 0;
    this.#patience = 0;
    strategy.begin?.(this);
    giveTurn(0);
    steer(this, watcher);
    try {
      const count = this.cpus;
      for (let i = 0; i < count; i++) this.#bodies[i] = this.#programs[i]!.run();
      return this.#loop();
    } catch (error) {
      this.error = error;
      return 'threw';
    } finally {
      this.#settle();
      this.#note(1);
      const now = readClock();
      giveTurn(0);
      setClock(now);
      steer(alone, null);
    }
  }

  #loop(): Ending {
    for (;;) {
      if (this.steps >= this.#maxSteps) return 'limit';
      if (this.#next < 0) {
        // The CPU parked or ended: its turn did not end at a point.
        this.#settle();
        this.#choose(1);
        if (this.#next < 0) return this.#state.every((s) => s === DONE) ? 'done' : 'stuck';
      }
      const index = this.#next;
      this.#next = -1;
      if (this.#current !== index) {
        this.#current = index;
        this.switches++;
        becomeCpu(this.#programs[index]!.cpu);
        if (tracking) trackAs(index);
      }
      if (this.#resume(index)) {
        this.#state[index] = DONE;
        this.#patience = 0;
      }
    }
  }

  #resume(index: number): boolean {
    try {
      return this.#bodies[index]!.next(1).done === true;
    } catch (error) {
      if (error === LEAVE) return true;
      throw error;
    }
  }

  point(_operation: number, address: number): boolean {
    this.#settle();
    this.steps++;
    this.#counted++;
    if (turnGiven > 0) setClock(readClock() + STEP_NS);
    this.#address[this.#current] = address;
    if (this.steps >= this.#maxSteps) return true;
    this.#choose(0);
    if (this.#next !== this.#current) return true;
    this.#next = -1;
    return false;
  }

  parkSpinning(address: number, seen: number): void {
    this.#state[this.#current] = SPINNING;
    this.#address[this.#current] = address;
    this.#seen[this.#current] = seen;
    this.#spinners++;
  }

  parkSleeping(address: number, timeoutNs: number): void {
    this.#patience = 0;
    this.#state[this.#current] = SLEEPING;
    this.#address[this.#current] = address;
    this.#until[this.#current] = readClock() + timeoutNs;
  }

  timedOut(): boolean {
    return this.#timedOut[this.#current] === 1;
  }

  notify(address: number): void {
    this.#patience = 0;
    let woken = false;
    for (let i = 0; i < this.cpus; i++) {
      if (this.#state[i] !== SLEEPING || this.#address[i] !== address) continue;
      this.#state[i] = READY;
      woken = true;
    }
    // Whoever decides by who is ready decides anew at the next point.
    if (woken && this.#strategy.preempts) this.#giveTurn(1);
  }

  nextWord(cpu: number): number {
    return this.#address[cpu]!;
  }

  /** As `replay` takes it. */
  schedule(): number[] {
    return Array.from(this.#record.subarray(0, this.#recorded));
  }
  waiting(): Waiting[] {
    return Array.from(this.#state, (state, index) => ({
      index,
      doing: DOING[state]!,
      address: state === SPINNING || state === SLEEPING ? this.#address[index]! : 0,
    }));
  }

  #giveTurn(points: number): void {
    this.#settle();
    const now = readClock();
    giveTurn(points);
    setClock(now);
  }

  /** Counts what of the turn has been done. */
  #settle(): void {
    const done = turnGiven - turnLeft;
    if (done === 0) return;
    this.steps += done;
    this.#counted += done;
    const now = readClock();
    giveTurn(turnLeft);
    setClock(now);
  }

  /** Writes down how long the turn was that is over. @param more 1 if it did not end at a point: it would have gone on */
  #note(more: number): void {
    if (this.#recorded > 0) this.#record[this.#recorded - 1] = this.#counted + more;
  }

  /** Decides who goes next, and for how long; nobody if nobody ever can. */
  #choose(more: number): void {
    const ready = this.#ready;
    ready.length = 0;
    let timed = false;
    const spinning = this.#spinners > 0;
    for (let i = 0; i < this.cpus; i++) {
      const state = this.#state[i];
      if (state === READY) ready.push(i);
      else if (state === SPINNING) {
        if (I32[this.#address[i]!] !== this.#seen[i]) {
          ready.push(i);
          this.#patience = 0;
        }
      } else if (state === SLEEPING && this.#until[i] !== Number.POSITIVE_INFINITY) timed = true;
    }
    if (ready.length === 0 && spinning && this.#patience++ < PATIENCE) this.#addAll(SPINNING);
    if (this.#over(ready.length === 0)) return;
    let kind = CHOSEN;
    if (timed && this.#exactClock) {
      if (ready.length === 0) this.#addEarliest();
    } else if (timed) {
      // What is over once it is quiet comes to be quiet: ticks that come too fast would keep it from that.
      if (ready.length === 0 || (!this.#over(true) && this.#strategy.expire())) this.#addAll(SLEEPING);
    } else if (this.#ticksLeft > 0 && ready.length > 0 && this.#strategy.expire()) {
      kind = TICKED;
      this.#ticksLeft--;
    }
    if (ready.length === 0) return;

    if (this.steps >= this.#fairAfter) {
      this.#strategy = roundRobin(0);
      this.#fairAfter = Number.POSITIVE_INFINITY;
      this.#ticksLeft = 0;
    }
    const index = this.#strategy.choose(ready, this.#current);
    const state = this.#state[index];
    if (kind === TICKED) setClock(readClock() + this.#tickNs);
    else if (state === SLEEPING) kind = TIMED_OUT;
    this.#timedOut[index] = 0;
    if (kind === TIMED_OUT) {
      this.#timedOut[index] = 1;
      setClock(Math.max(readClock(), this.#until[index]!));
    }
    if (state === SPINNING) this.#spinners--;
    this.#state[index] = READY;
    // Spinners go on as soon as their word changes, for whoever decides by who is ready.
    const turn = this.#spinners > 0 && this.#strategy.preempts ? 1 : this.#strategy.turn(index);
    const now = readClock();
    giveTurn(Math.min(turn, this.#maxSteps - this.steps));
    setClock(now);
    this.#next = index;
    // Who goes on where it was asked has one longer turn.
    if (more === 0 && index === this.#current && kind === CHOSEN && this.#recorded > 0) return;
    this.#note(more);
    this.#counted = 0;
    if (this.#recorded + 2 > this.#record.length) {
      const longer = new Int32Array(2 * this.#record.length);
      longer.set(this.#record);
      this.#record = longer;
    }
    this.#record[this.#recorded] = entryOf(index, kind);
    this.#recorded += 2;
  }

  /** Adds what spins, or what sleeps for a limited time, to the ready ones. */
  #addAll(state: number): void {
    for (let i = 0; i < this.cpus; i++) {
      if (this.#state[i] !== state || (state === SLEEPING && this.#until[i] === Number.POSITIVE_INFINITY)) continue;
      if (!this.#ready.includes(i)) this.#ready.push(i);
    }
  }

  /** Adds those whose sleep ends first. */
  #addEarliest(): void {
    let earliest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.cpus; i++) {
      if (this.#state[i] !== SLEEPING || this.#until[i]! > earliest) continue;
      if (this.#until[i]! < earliest) this.#ready.length = 0;
      earliest = this.#until[i]!;
      this.#ready.push(i);
    }
  }
}
