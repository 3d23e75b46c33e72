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
import { readClock, setClock, STEP_NS } from './doors/clock.ts';
import { becomeCpu } from './doors/self.ts';
import type { Steering } from './doors/steering.ts';
import { alone, giveTurn, steer, turnGiven, turnLeft } from './doors/steering.ts';
import { bufferOf, buffering } from './doors/store-buffer.ts';
import { trackAs, tracking } from './doors/tracks.ts';
import type { Strategy } from './strategies.ts';
import { replayOf, roundRobin } from './strategies.ts';
import { CpuStates } from './cpu-states.ts';
import type { CpuProgram, Ending, Outcome, RunOptions, Waiting } from './run.ts';
import { LEAVE } from './run.ts';
import { CHOSEN, entryOf, ScheduleRecord, TICKED, TIMED_OUT } from './schedule.ts';
import type { View } from './schedule.ts';

/** Ticks that come by choice in one run: with more, taking them would be all that is done. */
const TICKS_MAX = 8;

export function runStepped(programs: readonly CpuProgram[], options: RunOptions): Outcome {
  const scheduler = new Scheduler(programs);
  const ending = scheduler.run(options);
  const { error, steps, switches } = scheduler;
  return { ending, error, steps, switches, schedule: scheduler.schedule(), cpus: scheduler.waiting() };
}

export function replay(programs: readonly CpuProgram[], schedule: readonly number[], maxSteps?: number): Outcome {
  return runStepped(programs, { strategy: replayOf(schedule), ...(maxSteps === undefined ? {} : { maxSteps }) });
}

function never(): boolean {
  return false;
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
  #onFair: (() => void) | undefined;
  #over: (quiet: boolean) => boolean = never;
  readonly #programs: readonly CpuProgram[];
  readonly #bodies: Generator<void, unknown, 1>[] = [];
  readonly #states: CpuStates;
  /** by CPU: did its last sleep run out of time? */
  readonly #timedOut: Uint8Array;
  readonly #record = new ScheduleRecord();
  #current = -1;
  /** chosen within a point, to be resumed by the loop; or -1 */
  #next = -1;
  /** points of this turn that are counted already */
  #counted = 0;

  constructor(programs: readonly CpuProgram[]) {
    this.#programs = programs;
    this.cpus = programs.length;
    this.#states = new CpuStates(programs.length);
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
    onFair,
  }: RunOptions): Ending {
    this.#strategy = strategy;
    this.#maxSteps = maxSteps;
    this.#tickNs = tickNs;
    this.#ticksLeft = tickNs > 0 ? TICKS_MAX : 0;
    this.#fairAfter = fairAfter;
    this.#exactClock = exactClock;
    this.#over = over;
    this.#onFair = onFair;
    this.#states.begin();
    this.#timedOut.fill(0);
    this.error = undefined;
    this.steps = 0;
    this.switches = 0;
    this.#record.begin();
    this.#current = -1;
    this.#next = -1;
    this.#counted = 0;
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
        if (this.#next < 0) return this.#states.allDone() ? 'done' : 'stuck';
      }
      const index = this.#next;
      this.#next = -1;
      if (this.#current !== index) {
        this.#current = index;
        this.switches++;
        becomeCpu(this.#programs[index]!.cpu);
        if (tracking) trackAs(index);
        if (buffering) bufferOf(index);
      }
      if (this.#resume(index)) this.#states.ends(index);
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
    this.#states.stands(this.#current, address);
    if (this.steps >= this.#maxSteps) return true;
    this.#choose(0);
    if (this.#next !== this.#current) return true;
    this.#next = -1;
    return false;
  }

  parkSpinning(address: number, seen: number): void {
    this.#states.spins(this.#current, address, seen);
  }

  parkSleeping(address: number, timeoutNs: number): void {
    this.#states.sleeps(this.#current, address, readClock() + timeoutNs);
  }

  timedOut(): boolean {
    return this.#timedOut[this.#current] === 1;
  }

  notify(address: number): void {
    const woken = this.#states.notify(address);
    // Whoever decides by who is ready decides anew at the next point.
    if (woken && this.#strategy.preempts) this.#giveTurn(1);
  }

  nextWord(cpu: number): number {
    return this.#states.addressOf(cpu);
  }

  /** As `replay` takes it. */
  schedule(): number[] {
    return this.#record.toArray();
  }
  waiting(): Waiting[] {
    return this.#states.waiting();
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
    this.#record.close(this.#counted + more);
  }

  /** Decides who goes next, and for how long; nobody if nobody ever can. */
  #choose(more: number): void {
    const states = this.#states;
    const { ready } = states;
    const timed = states.collect();
    if (this.#over(ready.length === 0)) return;
    let kind = CHOSEN;
    if (timed && this.#exactClock) {
      if (ready.length === 0) states.addEarliest();
    } else if (timed) {
      // What is over once it is quiet comes to be quiet: ticks that come too fast would keep it from that.
      if (ready.length === 0 || (!this.#over(true) && this.#strategy.expire())) states.addSleepers();
    } else if (this.#ticksLeft > 0 && ready.length > 0 && this.#strategy.expire()) {
      kind = TICKED;
      this.#ticksLeft--;
    }
    if (ready.length === 0) return;

    if (this.steps >= this.#fairAfter) {
      this.#strategy = roundRobin(0);
      this.#fairAfter = Number.POSITIVE_INFINITY;
      this.#onFair?.();
      this.#ticksLeft = 0;
    }
    const index = this.#strategy.choose(ready, this.#current);
    const sleptUntil = states.wake(index);
    if (kind === TICKED) setClock(readClock() + this.#tickNs);
    else if (!Number.isNaN(sleptUntil)) kind = TIMED_OUT;
    this.#timedOut[index] = kind === TIMED_OUT ? 1 : 0;
    if (kind === TIMED_OUT) setClock(Math.max(readClock(), sleptUntil));
    // Spinners go on as soon as their word changes, for whoever decides by who is ready.
    const turn = states.spinners > 0 && this.#strategy.preempts ? 1 : this.#strategy.turn(index);
    const now = readClock();
    giveTurn(Math.min(turn, this.#maxSteps - this.steps));
    setClock(now);
    this.#next = index;
    // Who goes on where it was asked has one longer turn.
    if (more === 0 && index === this.#current && kind === CHOSEN && !this.#record.isEmpty) return;
    this.#note(more);
    this.#counted = 0;
    this.#record.open(entryOf(index, kind));
  }
}
