/**
 * One run of a program under an exhaustive search, an operation of the atomic door at a time: every thread stands before
 * its next operation, and `step` does the one of the thread that is chosen.
 *
 * A thread that spins can go on once its word has changed; one that sleeps once it is notified. The clock stands still but
 * for jumps: a sleep with a limit ends when nothing else can go on, and then it is that late. Then, too, a thread goes on
 * whose spinning may be bounded.
 */
import type { CpuPtr } from '../../shared-mem/pointer.ts';
import { readClock, setClock } from '../../stepped/doors/clock.ts';
import { becomeCpu, I32 } from '../../stepped/doors/self.ts';
import type { Steering, Watcher } from '../../stepped/doors/steering.ts';
import { giveTurn, steer } from '../../stepped/doors/steering.ts';
import { trackAs, tracking } from '../../stepped/doors/tracks.ts';
import { LEAVE } from '../../stepped/run.ts';

/** What is explored. A run may depend on the schedule alone: no clock that moves, no randomness, no state outside. */
export interface Program {
  /** Brings memory to where every run begins. */
  reset(): void;
  /** At most 31. */
  readonly threads: readonly ProgramThread[];
  /** Sees the accesses of one run; asked anew at the beginning of each. */
  readonly watcher?: () => Watcher | null;
  /** Operations of a run before it is given up; default 100,000. */
  readonly maxSteps?: number;
  /**
   * What a thread that spins does when its word changes: looks again (`await`, the default), or nothing any more in this run
   * (`assume`), since in another run its look comes later at once. The second counts as GenMC does, and explores far less;
   * it is right where a turn of the loop leaves nothing behind and the loop has no other way out.
   */
  readonly spins?: 'await' | 'assume';
  /**
   * Is what matters over? Asked after each step. What the threads do from then on is run in one order alone: CPUs that have
   * nothing left to do may look after each other for ever.
   */
  readonly over?: () => boolean;
  /** What a word holds that a thread spins on; by default the doors' memory is looked at. */
  readonly wordAt?: (address: number) => number;
}
export interface ProgramThread {
  readonly cpu: CpuPtr;
  readonly run: () => Generator<void, unknown, 1>;
}

/** What a thread was doing when its run ended. */
export type Doing = 'ready' | 'spins' | 'sleeps' | 'done';

const READY = 0;
const SPINS = 1;
const SLEEPS = 2;
/** told to go on: it comes to its next operation first */
const TOLD = 3;
const DONE = 4;

/** So often threads that spin are let go on although nothing can change any more, in case their spinning is bounded. */
const PATIENCE = 1000;

/** By the doors' number of an operation: whether it writes, or sleeps, depends on what it finds (4 is compareExchange, 7 wait). */
const CONDITIONAL: readonly boolean[] = [false, false, false, false, true, false, false, true];

/** The effect of a step that comes after all others: a time-out, or a turn of a spin loop that nothing caused. */
export const AFTER_ALL = -1;

export class Execution implements Steering, Watcher {
  /** Steps of the run so far. */
  steps = 0;
  /** The threads that the last step told to go on, a bit each. */
  wakes = 0;
  readonly #program: Program;
  readonly #watcher: Watcher | null;
  readonly #assume: boolean;
  readonly #wordAt: (address: number) => number;
  readonly #bodies: Generator<void, unknown, 1>[] = [];
  readonly #state: Int32Array;
  readonly #address: Int32Array;
  readonly #seen: Int32Array;
  readonly #operation: Int32Array;
  /** when a sleep is over, on the virtual clock */
  readonly #deadline: Float64Array;
  /** Threads by what they are doing, a bit each; those of `limited` sleep, too. */
  #ready = 0;
  #spinning = 0;
  #sleeping = 0;
  #limited = 0;
  #current = 0;
  #word = 0;
  #mayWrite = false;
  #writes = false;
  #afterAll = false;
  #timedOut = false;
  #patience = PATIENCE;
  /** Before its first operation a thread threw: the run ends with that when it is to go on. */
  #thrownAtStart: { readonly error: unknown } | undefined;

  constructor(program: Program) {
    this.#program = program;
    const { threads } = program;
    this.#assume = program.spins === 'assume';
    this.#wordAt = program.wordAt ?? ((address) => I32[address]!);
    this.#state = new Int32Array(threads.length);
    this.#address = new Int32Array(threads.length);
    this.#seen = new Int32Array(threads.length);
    this.#operation = new Int32Array(threads.length);
    this.#deadline = new Float64Array(threads.length);
    program.reset();
    this.#watcher = program.watcher?.() ?? null;
    steer(this, this);
    // Every point is asked about.
    giveTurn(0);
    try {
      for (const [index, { run }] of threads.entries()) {
        this.#ready |= 1 << index;
        this.#bodies.push(run());
        this.#resume(index);
      }
    } catch (error) {
      this.#thrownAtStart = { error };
    }
  }

  /** The threads that can go on, a bit each. @throws what a thread threw before its first operation */
  enabled(): number {
    if (this.#thrownAtStart !== undefined) throw this.#thrownAtStart.error;
    if (this.#ready !== 0) return this.#ready;
    if (this.#limited !== 0) return this.#limited;
    if (this.#spinning === 0 || this.#assume || this.#patience === 0) return 0;
    // One after the other: which of them comes first changes nothing, as long as nothing changes.
    this.#patience--;
    const behind = this.#spinning & (-2 << this.#current);
    return behind === 0 ? this.#spinning & -this.#spinning : behind & -behind;
  }

  /** Is a sleep's end all that can come next? Which of them ends first is a choice of its own. */
  atRest(): boolean {
    return this.#ready === 0 && this.#limited !== 0;
  }
  /** Threads that sleep for a limited time. Letting one go on before its time has come is allowed: it is out of time then. */
  limited(): number {
    return this.#limited;
  }
  /** The word of the next operation of a thread that can go on, where that is known. */
  nextWord(index: number): number {
    return this.#address[index]!;
  }
  /**
   * Is a turn of a spin loop, in case it is bounded, all that can come next? It follows from the rest, so schedules do not
   * speak of it.
   */
  idles(): boolean {
    const idle = this.#ready === 0 && this.#limited === 0 && this.#spinning !== 0;
    return idle && this.#thrownAtStart === undefined && !this.#assume && this.#patience > 0;
  }
  isOver(): boolean {
    return this.#program.over?.() ?? false;
  }
  allDone(): boolean {
    return (this.#ready | this.#spinning | this.#sleeping) === 0;
  }
  /** Nobody can go on: do they wait for good? Not where a thread would go on if spinning were more than an assumption. */
  stuck(): boolean {
    return (this.#sleeping | this.#spinning) !== 0 && this.#stuckSpinning() === this.#spinning;
  }
  doing(index: number): { readonly doing: Doing; readonly address: number } {
    const state = this.#state[index]!;
    const doing = state === SPINS ? 'spins' : state === SLEEPS ? 'sleeps' : state === DONE ? 'done' : 'ready';
    return { doing, address: this.#address[index]! };
  }
  /** Of the last step, also of one that threw: 2 * word + (it wrote), or AFTER_ALL. */
  get effect(): number {
    return this.#afterAll ? AFTER_ALL : 2 * this.#word + (this.#writes ? 1 : 0);
  }

  /** Its effect had it come earlier, as far as is known: a compareExchange that failed might have found what it expects. */
  get effectIfEarlier(): number {
    return this.#mayWrite && !this.#afterAll ? this.effect | 1 : this.effect;
  }

  /** Does the next operation of a thread that can go on. */
  step(index: number): void {
    const state = this.#state[index]!;
    this.steps++;
    this.wakes = 0;
    this.#writes = false;
    this.#afterAll = state === SPINS || state === SLEEPS;
    this.#word = this.#address[index]!;
    this.#mayWrite = false;
    if (state !== READY) {
      // From where it spun or slept to the operation that comes next.
      this.#timedOut = state === SLEEPS;
      if (this.#timedOut) setClock(Math.max(readClock(), this.#deadline[index]!));
      const bit = 1 << index;
      this.#state[index] = READY;
      this.#ready |= bit;
      this.#spinning &= ~bit;
      this.#sleeping &= ~bit;
      this.#limited &= ~bit;
      this.#resume(index);
      if (this.#state[index] !== READY) return;
      this.#word = this.#address[index]!;
    }
    this.#mayWrite = CONDITIONAL[this.#operation[index]!]!;
    this.#resume(index);
    if (this.#writes) this.#patience = PATIENCE;
    if (this.#spinning !== 0 && !this.#assume) this.#tellSpinning();
  }

  #resume(index: number): void {
    this.#current = index;
    becomeCpu(this.#program.threads[index]!.cpu);
    if (tracking) trackAs(index);
    if (!this.#goesOn(index)) {
      this.#state[index] = DONE;
      this.#ready &= ~(1 << index);
    }
  }
  #goesOn(index: number): boolean {
    try {
      return this.#bodies[index]!.next(1).done !== true;
    } catch (error) {
      if (error === LEAVE) return false;
      throw error;
    }
  }
  #tellSpinning(): void {
    for (let left = this.#spinning & ~this.#stuckSpinning(); left !== 0; left &= left - 1) this.#tell(left & -left);
  }
  #stuckSpinning(): number {
    let bits = 0;
    for (let left = this.#spinning; left !== 0; left &= left - 1) {
      const index = 31 - Math.clz32(left & -left);
      if (this.#wordAt(this.#address[index]!) === this.#seen[index]) bits |= left & -left;
    }
    return bits;
  }
  #tell(bit: number): void {
    this.#state[31 - Math.clz32(bit)] = TOLD;
    this.#ready |= bit;
    this.#spinning &= ~bit;
    this.#sleeping &= ~bit;
    this.#limited &= ~bit;
    this.wakes |= bit;
  }

  point(operation: number, address: number): boolean {
    this.#operation[this.#current] = operation;
    this.#address[this.#current] = address;
    return true;
  }
  parkSpinning(address: number, seen: number): void {
    this.#park(SPINS, address, seen);
    this.#spinning |= 1 << this.#current;
  }
  parkSleeping(address: number, timeoutNs: number): void {
    this.#park(SLEEPS, address, 0);
    this.#deadline[this.#current] = readClock() + timeoutNs;
    this.#sleeping |= 1 << this.#current;
    if (timeoutNs !== Number.POSITIVE_INFINITY) this.#limited |= 1 << this.#current;
  }
  #park(state: number, address: number, seen: number): void {
    this.#state[this.#current] = state;
    this.#address[this.#current] = address;
    this.#seen[this.#current] = seen;
    this.#ready &= ~(1 << this.#current);
  }
  timedOut(): boolean {
    return this.#timedOut;
  }
  notify(address: number): void {
    // Who is notified could go on in another order otherwise: it counts as a write.
    this.#writes = true;
    for (let left = this.#sleeping; left !== 0; left &= left - 1) {
      if (this.#address[31 - Math.clz32(left & -left)] === address) this.#tell(left & -left);
    }
  }

  atomic(address: number, reads: boolean, writes: boolean): void {
    if (writes) this.#writes = true;
    if (this.#watcher !== null) this.#watcher.atomic(address, reads, writes);
  }
  read(address: number, words: number): void {
    if (this.#watcher !== null) this.#watcher.read(address, words);
  }
  write(address: number, words: number): void {
    if (this.#watcher !== null) this.#watcher.write(address, words);
  }
}
