/**
 * Between the stepped doors and whoever schedules: the doors ask here whether the CPU goes on, and say here what it
 * waits for. Without a scheduler a CPU runs alone and is never interrupted, which is how memory is laid out at boot.
 */

/** Asked by the doors, answered by the scheduler. */
export interface Steering {
  /** Before an operation on a word: true if another CPU goes first. */
  point(operation: number, address: number): boolean;
  /** The CPU has nothing to do until the word differs from `seen`. It yields next. */
  parkSpinning(address: number, seen: number): void;
  /** The CPU sleeps on the word until `notify`, or until the time is over. It yields next. */
  parkSleeping(address: number, timeoutNs: number): void;
  /** Did the sleep that just ended run out of time? */
  timedOut(): boolean;
  /** Ends every sleep on the word. */
  notify(address: number): void;
}

/** Sees what the doors do to memory, in the order in which it happens. */
export interface Watcher {
  read(address: number, words: number): void;
  write(address: number, words: number): void;
  /** an operation of the atomic door */
  atomic(address: number, reads: boolean, writes: boolean): void;
  /** a racy read, which orders nothing */
  peek?(address: number): void;
}

class Alone implements Steering {
  point(): boolean {
    return false;
  }
  parkSpinning(address: number): void {
    throw new Error(`a CPU that runs alone spins on word ${address}`);
  }
  parkSleeping(address: number): void {
    throw new Error(`a CPU that runs alone sleeps on word ${address}`);
  }
  timedOut(): boolean {
    return false;
  }
  notify(): void {}
}

export const alone: Steering = new Alone();

export let steering: Steering = alone;
export let watcher: Watcher | null = null;

/**
 * Points that the CPU passes before the scheduler is asked again: a point is asked about at 1. Stands here and not in the
 * scheduler, so that a point which nobody need be asked about costs a comparison.
 */
export let turnLeft = 0;
/** What `turnLeft` was when the turn was given. */
export let turnGiven = 0;
export function countTurn(): void {
  turnLeft--;
}
/** @param points 0 to be asked at every point */
export function giveTurn(points: number): void {
  turnLeft = points;
  turnGiven = points;
}

export function steer(by: Steering, watchedBy: Watcher | null): void {
  steering = by;
  watcher = watchedBy;
}
