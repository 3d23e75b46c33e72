/**
 * Timers of a loop, the next one on top: a binary heap by due time, and among equals by the order of their starts.
 *
 *     at(0)  ──▶ due first          child of i: 2i + 1, 2i + 2
 *
 * Each timer knows its place, so that stopping one in the middle costs no search. Origin: libuv src/timer.c.
 */
import type { Callback } from './callback.ts';

export interface Timer {
  dueNs: number;
  /** 0: once. */
  repeatNs: number;
  readonly callback: Callback<[timer: Timer]>;
  /** Which start it was, over all timers of the loop. */
  order: number;
  /** Its index in the heap, -1 while it is not started. */
  place: number;
}

export class TimerHeap {
  private readonly timers: Timer[] = [];

  get size(): number {
    return this.timers.length;
  }

  /** The one that is due first. */
  first(): Timer | undefined {
    return this.timers[0];
  }

  insert(timer: Timer): void {
    timer.place = this.timers.length;
    this.timers.push(timer);
    this.rise(timer);
  }

  remove(timer: Timer): void {
    const { place } = timer;
    if (place < 0) return;
    timer.place = -1;
    const last = this.timers.pop()!;
    if (last === timer) return;
    last.place = place;
    this.timers[place] = last;
    this.rise(last);
    this.sink(last);
  }

  private rise(timer: Timer): void {
    while (timer.place > 0) {
      const parent = this.timers[(timer.place - 1) >> 1]!;
      if (!before(timer, parent)) return;
      this.exchange(timer, parent);
    }
  }

  private sink(timer: Timer): void {
    for (;;) {
      const left = this.timers[2 * timer.place + 1];
      const right = this.timers[2 * timer.place + 2];
      const child = right !== undefined && before(right, left!) ? right : left;
      if (child === undefined || !before(child, timer)) return;
      this.exchange(child, timer);
    }
  }

  private exchange(a: Timer, b: Timer): void {
    [a.place, b.place] = [b.place, a.place];
    this.timers[a.place] = a;
    this.timers[b.place] = b;
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.dueNs < b.dueNs || (a.dueNs === b.dueNs && a.order < b.order);
}
