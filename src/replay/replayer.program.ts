// The replay inside the machine: one task for each traced thread, and beside it, on the same CPU, an actor that is the
// outside as this thread sees it. The tasks make the calls of the script and note what they answer; they know nothing of
// what the trace says that they should.
//
// Order is kept by progress words in user memory: a step waits until the threads that it must come after have come far
// enough. An actor shares its thread's CPU, so that all that it brings for one call is there before the thread runs again.

import {
  alloc,
  atomicAdd32,
  atomicLoad32,
  atomicStore32,
  entryOf,
  type Guest,
  HANDLER_BASE,
  startThread,
  sys,
  trap,
} from '../programs/libc/index.ts';
import { playDelivery } from './replayer-actor.program.ts';
import { makeCall, type Scratch } from './replayer-call.program.ts';
import { setUp } from './replayer-setup.program.ts';
import { pauseUntilTime, pauseWhile, type Table, tableAt, wakeWord } from './replayer-table.program.ts';
import {
  ANNOUNCE_BEGIN,
  ANNOUNCE_END,
  ASK_BEFORE,
  ASK_DURING,
  HEAD_FINISHED,
  progressOf,
  type Script,
  type ScriptStep,
  THREAD_ANSWERED,
  THREAD_ASKED,
  THREAD_PROGRESS,
  THREAD_TID,
  THREAD_WAITS,
  THREAD_WAITS_ON,
  WAITS_ACTOR,
  WAITS_CALL,
  WAITS_CLOCK,
  WAITS_NOTHING,
  WAITS_THREAD,
} from './script.program.ts';

/** Entries get one number: where the table lies, and which thread they are. */
const THREADS_MAX = 1 << 16;
/** How long calls that are not expected to return are left to settle before the replay ends. */
const SETTLE_NS = 20e6;
/** How long a call that has begun may take to be asleep. */
const FALL_ASLEEP_NS = 30_000;

interface Player {
  readonly table: Table;
  readonly script: Script;
  readonly index: number;
  readonly scratch: Scratch;
  readonly timespec: number;
  asked: number;
}

export function* main(_argument: number, script: Script): Guest {
  const table = yield* setUp(script, onSignal);
  yield* startThread(closer, argumentOf(table, 0), trap.cpu);
  for (const [index, thread] of script.threads.entries()) {
    if (index > 0 && thread.atStart === 1) yield* startTraced(table, script, index);
  }
  yield* play(table, script, 0);
  return yield* park(table);
}

/** A traced thread other than the first. */
export function* traced(argument: number, script: Script): Guest {
  yield* play(tableAt(Math.floor(argument / THREADS_MAX), script), script, argument % THREADS_MAX);
  return 0;
}

/** The outside, for one traced thread. */
export function* outside(argument: number, script: Script): Guest {
  const table = tableAt(Math.floor(argument / THREADS_MAX), script);
  const index = argument % THREADS_MAX;
  const thread = script.threads[index]!;
  const timespec = alloc(16);
  const actor = { table, script, index, buffer: alloc(thread.actorBytes), bytes: thread.actorBytes };
  const asked = table.thread(index, THREAD_ASKED);
  for (const [at, delivery] of thread.deliveries.entries()) {
    yield* pauseWhile(asked, (value) => value <= at);
    if (delivery.afterNs > 0) yield* pauseUntilTime(table, timespec, (yield* table.now(timespec)) + delivery.afterNs);
    yield* playDelivery(actor, delivery);
    atomicStore32(table.thread(index, THREAD_ANSWERED), at + 1);
    yield* wakeWord(table.thread(index, THREAD_ANSWERED));
  }
  return 0;
}

/** Ends the replay once every thread has done what it can, where the trace itself does not. */
export function* closer(argument: number, script: Script): Guest {
  const table = tableAt(Math.floor(argument / THREADS_MAX), script);
  const timespec = alloc(16);
  yield* pauseWhile(table.head(HEAD_FINISHED), (value) => value < script.threads.length);
  yield* pauseUntilTime(table, timespec, (yield* table.now(timespec)) + SETTLE_NS);
  return yield sys.exit_group(0);
}

/** The handler of every signal: what a program's handler does stands in the trace as calls. */
export function* onSignal(_signal: number): Guest {
  return yield sys.getpid();
}

function argumentOf(table: Table, index: number): number {
  return table.base * THREADS_MAX + index;
}

function* startTraced(table: Table, script: Script, index: number): Guest {
  const cpu = (table.firstCpu() + script.threads[index]!.cpu) % table.cpus();
  const thread = yield* startThread(traced, argumentOf(table, index), cpu);
  return thread.tid;
}

function* park(table: Table): Guest {
  yield* pauseWhile(table.head(HEAD_FINISHED), () => true);
  return 0;
}

function* play(table: Table, script: Script, index: number): Guest<void> {
  const thread = script.threads[index]!;
  atomicStore32(table.thread(index, THREAD_TID), trap.tid);
  if (thread.deliveries.length > 0) yield* startThread(outside, argumentOf(table, index), trap.cpu);
  const scratch = {
    at: alloc(thread.scratchBytes, 64),
    bytes: thread.scratchBytes,
    handler: HANDLER_BASE + entryOf(onSignal),
  };
  const player = { table, script, index, scratch, timespec: alloc(16), asked: 0 };
  for (const [place, step] of thread.steps.entries()) {
    // A thread that ends, or waits for ever, does not come back to say so.
    const isLast = place === thread.steps.length - 1;
    yield* playStep(player, step, place, isLast);
  }
  if (!leaves(thread.steps.at(-1), thread.endsWaiting)) yield* finished(table);
}

function leaves(last: ScriptStep | undefined, endsWaiting: number): boolean {
  return endsWaiting === 1 || last?.name === 'exit';
}

function* finished(table: Table): Guest<void> {
  atomicAdd32(table.head(HEAD_FINISHED), 1);
  yield* wakeWord(table.head(HEAD_FINISHED));
}

function* playStep(player: Player, step: ScriptStep, place: number, isLast: boolean): Guest<void> {
  const { table, index } = player;
  yield* comeAfter(player, step);
  if ((step.ask & ASK_BEFORE) !== 0) {
    waits(player, WAITS_ACTOR, 0);
    const wanted = yield* ask(player);
    yield* pauseWhile(table.thread(index, THREAD_ANSWERED), (value) => value < wanted);
  }
  const progress = table.thread(index, THREAD_PROGRESS);
  // First, for whoever sees the progress may end the process.
  if (step.kind !== 'pass') table.noteBegin(step.index);
  atomicStore32(progress, progressOf(place, false));
  if ((step.announce & ANNOUNCE_BEGIN) !== 0) yield* wakeWord(progress);
  for (const slot of step.closes ?? []) yield* table.closeSlot(slot);
  if (isLast && leaves(step, player.script.threads[index]!.endsWaiting)) yield* finished(table);
  if ((step.ask & ASK_DURING) !== 0) yield* ask(player);
  waits(player, WAITS_CALL, 0);
  if (step.kind === 'birth') {
    const tid = yield* startTraced(table, player.script, step.thread!);
    table.noteResult(step.index, tid, 0);
  } else {
    const begunNs = step.lasts === undefined ? 0 : yield* table.now(player.timespec);
    yield* makeCall(table, step, player.scratch, () => isOver(player, step, begunNs));
  }
  waits(player, WAITS_NOTHING, 0);
  atomicStore32(progress, progressOf(place, true));
  if ((step.announce & ANNOUNCE_END) !== 0) yield* wakeWord(progress);
}

/** Waits for the threads that the step comes after, and for its time. */
function* comeAfter(player: Player, step: ScriptStep): Guest<void> {
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
    if (need % 2 === 1 && atomicLoad32(progress) === need) {
      yield* pauseUntilTime(table, player.timespec, (yield* table.now(player.timespec)) + FALL_ASLEEP_NS);
    }
  }
  if (step.startNs >= 0) {
    waits(player, WAITS_CLOCK, 0);
    yield* pauseUntilTime(table, player.timespec, table.startedNs() + step.startNs);
  }
}

/** A wait is over when what was to happen while it waited has happened. A program whose wait ends earlier waits again. */
function* isOver(player: Player, { lasts }: ScriptStep, begunNs: number): Guest<boolean> {
  if (lasts === undefined) return true;
  const { table, index } = player;
  if (atomicLoad32(table.thread(index, THREAD_ANSWERED)) < player.asked) return false;
  for (let at = 0; at < lasts.after.length; at += 2) {
    if (atomicLoad32(table.thread(lasts.after[at]!, THREAD_PROGRESS)) < lasts.after[at + 1]!) return false;
  }
  return lasts.ns === 0 || (yield* table.now(player.timespec)) >= begunNs + lasts.ns;
}

/** Has the actor do its next delivery. @returns its number */
function* ask(player: Player): Guest {
  const word = player.table.thread(player.index, THREAD_ASKED);
  player.asked++;
  atomicStore32(word, player.asked);
  yield* wakeWord(word);
  return player.asked;
}

/** For the report of a replay that is stuck. */
function waits(player: Player, kind: number, on: number): void {
  atomicStore32(player.table.thread(player.index, THREAD_WAITS), kind);
  atomicStore32(player.table.thread(player.index, THREAD_WAITS_ON), on);
}
