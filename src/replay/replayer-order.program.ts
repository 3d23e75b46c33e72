// When a step may be made: after the threads that it must come after, and not before its time. And when a wait is over that
// a design may end too early.

import { atomicLoad32, atomicStore32, type Guest } from '../programs/libc/index.ts';
import type { Scratch } from './replayer-call.program.ts';
import { pauseUntilTime, pauseWhile, type Table } from './replayer-table.program.ts';
import {
  type Script,
  type ScriptStep,
  THREAD_ANSWERED,
  THREAD_PROGRESS,
  THREAD_WAITS,
  THREAD_WAITS_ON,
  WAITS_CALL,
  WAITS_CLOCK,
  WAITS_THREAD,
} from './script.program.ts';

/** How long a call that has begun may take to be asleep. */
const FALL_ASLEEP_NS = 30_000;
/** How often one looks whether a call has begun: the word that tells it wakes nobody. */
const LOOK_NS = 20_000;

export interface Player {
  readonly table: Table;
  readonly script: Script;
  readonly index: number;
  readonly scratch: Scratch;
  readonly timespec: number;
  asked: number;
}

/** Waits for the threads that the step comes after, and for its time. */
export function* comeAfter(player: Player, step: ScriptStep): Guest<void> {
  const { table } = player;
  for (let at = 0; at < step.after.length; at += 2) {
    const other = step.after[at]!;
    const need = step.after[at + 1]!;
    const progress = table.thread(other, THREAD_PROGRESS);
    if (atomicLoad32(progress) < need) {
      waits(player, WAITS_THREAD, other);
      yield* pauseWhile(progress, (value) => value < need);
    }
    // What has begun is to wait already when this step comes: its CPU is given the time to put it to sleep.
    if (need % 2 === 1 && (yield* isInCall(table, other, need, player.timespec))) {
      yield* pauseUntilTime(table, player.timespec, (yield* table.now(player.timespec)) + FALL_ASLEEP_NS);
    }
  }
  if (step.startNs >= 0) {
    waits(player, WAITS_CLOCK, 0);
    yield* pauseUntilTime(table, player.timespec, table.startedNs() + step.startNs);
  }
}

/** Waits until a thread that has begun a step is in the step's call, or past it. @returns whether it is in it */
export function* isInCall(table: Table, thread: number, progress: number, timespec: number): Guest<boolean> {
  for (;;) {
    if (atomicLoad32(table.thread(thread, THREAD_PROGRESS)) !== progress) return false;
    if (atomicLoad32(table.thread(thread, THREAD_WAITS)) === WAITS_CALL) return true;
    yield* pauseUntilTime(table, timespec, (yield* table.now(timespec)) + LOOK_NS);
  }
}

/** A wait is over when what was to happen while it waited has happened. A program whose wait ends earlier waits again. */
export function* isOver(player: Player, { lasts }: ScriptStep, begunNs: number): Guest<boolean> {
  if (lasts === undefined) return true;
  const { table, index } = player;
  if (atomicLoad32(table.thread(index, THREAD_ANSWERED)) < player.asked) return false;
  for (let at = 0; at < lasts.after.length; at += 2) {
    if (atomicLoad32(table.thread(lasts.after[at]!, THREAD_PROGRESS)) < lasts.after[at + 1]!) return false;
  }
  return lasts.ns === 0 || (yield* table.now(player.timespec)) >= begunNs + lasts.ns;
}

/** Says what the thread waits for: for the report of a replay that is stuck, and for who must find it in its call. */
export function waits(player: Player, kind: number, on: number): void {
  atomicStore32(player.table.thread(player.index, THREAD_WAITS), kind);
  atomicStore32(player.table.thread(player.index, THREAD_WAITS_ON), on);
}
