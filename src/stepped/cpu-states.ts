/**
 * What each CPU of a run is doing: it can go on, it spins on a word, it sleeps on one, it is done. The scheduler asks here
 * who can go on.
 */
import { I32 } from './doors/self.ts';
import type { Waiting } from './run.ts';

const READY = 0;
const SPINNING = 1;
const SLEEPING = 2;
const DONE = 3;
const DOING = ['ready', 'spins', 'sleeps', 'done'] as const;

/** So often spinning CPUs are let go on although nothing changed, in case their spinning is bounded. */
const PATIENCE = 1000;

export class CpuStates {
  /** Those that spin. */
  spinners = 0;
  /** Of the last `collect`: those that can go on. */
  readonly ready: number[] = [];
  readonly #state: Int32Array;
  /** the word that a CPU waits for, or touches when it goes on */
  readonly #address: Int32Array;
  /** what a spinning CPU saw */
  readonly #seen: Int32Array;
  /** for a sleeping one, when its time is over */
  readonly #until: Float64Array;
  #patience = 0;

  constructor(cpus: number) {
    this.#state = new Int32Array(cpus);
    this.#address = new Int32Array(cpus);
    this.#seen = new Int32Array(cpus);
    this.#until = new Float64Array(cpus);
  }

  begin(): void {
    this.#state.fill(READY);
    this.#address.fill(0);
    this.spinners = 0;
    this.#patience = 0;
  }

  stands(cpu: number, address: number): void {
    this.#address[cpu] = address;
  }
  addressOf(cpu: number): number {
    return this.#address[cpu]!;
  }
  spins(cpu: number, address: number, seen: number): void {
    this.#state[cpu] = SPINNING;
    this.#address[cpu] = address;
    this.#seen[cpu] = seen;
    this.spinners++;
  }
  sleeps(cpu: number, address: number, until: number): void {
    this.#patience = 0;
    this.#state[cpu] = SLEEPING;
    this.#address[cpu] = address;
    this.#until[cpu] = until;
  }
  ends(cpu: number): void {
    this.#state[cpu] = DONE;
    this.#patience = 0;
  }
  /** @returns are there any who slept on the word? */
  notify(address: number): boolean {
    this.#patience = 0;
    let woken = false;
    for (let i = 0; i < this.#state.length; i++) {
      if (this.#state[i] !== SLEEPING || this.#address[i] !== address) continue;
      this.#state[i] = READY;
      woken = true;
    }
    return woken;
  }

  /** Fills `ready` with those that can go on by themselves. @returns does anybody sleep for a limited time? */
  collect(): boolean {
    const { ready } = this;
    // Faster than to set its length, which no optimised code does by itself.
    while (ready.length > 0) ready.pop();
    let timed = false;
    for (let i = 0; i < this.#state.length; i++) {
      const state = this.#state[i];
      if (state === READY) ready.push(i);
      else if (state === SPINNING) {
        if (I32[this.#address[i]!] !== this.#seen[i]) {
          ready.push(i);
          this.#patience = 0;
        }
      } else if (state === SLEEPING && this.#until[i] !== Number.POSITIVE_INFINITY) timed = true;
    }
    if (ready.length === 0 && this.spinners > 0 && this.#patience++ < PATIENCE) this.#add(SPINNING);
    return timed;
  }
  /** Those that sleep for a limited time can go on, too. */
  addSleepers(): void {
    this.#add(SLEEPING);
  }
  #add(state: number): void {
    for (let i = 0; i < this.#state.length; i++) {
      if (this.#state[i] !== state || (state === SLEEPING && this.#until[i] === Number.POSITIVE_INFINITY)) continue;
      this.ready.push(i);
    }
  }
  /** Those whose sleep ends first can go on. */
  addEarliest(): void {
    let earliest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#state.length; i++) {
      if (this.#state[i] !== SLEEPING || this.#until[i]! > earliest) continue;
      if (this.#until[i]! < earliest) this.ready.length = 0;
      earliest = this.#until[i]!;
      this.ready.push(i);
    }
  }

  /** It goes on. @returns when its sleep was to end, or NaN if it did not sleep */
  wake(cpu: number): number {
    const state = this.#state[cpu];
    this.#state[cpu] = READY;
    if (state === SPINNING) this.spinners--;
    return state === SLEEPING ? this.#until[cpu]! : Number.NaN;
  }

  allDone(): boolean {
    return this.#state.every((state) => state === DONE);
  }
  waiting(): Waiting[] {
    return Array.from(this.#state, (state, index) => ({
      index,
      doing: DOING[state]!,
      address: state === SPINNING || state === SLEEPING ? this.#address[index]! : 0,
    }));
  }
}
