// The replay inside the machine: one task for each traced thread, in processes like those of the trace, and beside them a
// process that is the outside. The tasks make the calls of the script and note what they answer; they know nothing of what
// the trace says that they should.
//
// Order is kept by progress words in user memory, which all processes share: a step waits until the threads that it must
// come after have come far enough. What comes from outside for a thread is brought by an actor, a thread of the outside on
// the same CPU, so that all of it is there before the thread runs again.

import {
  alloc,
  atomicAdd32,
  atomicLoad32,
  atomicStore32,
  compareExchange32,
  entryOf,
  type Guest,
  HANDLER_BASE,
  load32,
  SIGKILL,
  startThread,
  sys,
  trap,
} from '../programs/libc/index.ts';
import { playDelivery } from './replayer-actor.program.ts';
import { beginProcess, beginTask, THREAD_FLAGS } from './replayer-birth.program.ts';
import { lendDescriptors, makeCall } from './replayer-call.program.ts';
import { removeInterests, tellAgain } from './replayer-interests.program.ts';
import { comeAfter, isOver, type Player, waits } from './replayer-order.program.ts';
import { setUp } from './replayer-setup.program.ts';
import { killFor, killSelf, replaceProgram } from './replayer-end.program.ts';
import { pauseUntilTime, pauseWhile, type Table, tableAt, wakeWord } from './replayer-table.program.ts';
import {
  ANNOUNCE_BEGIN,
  ANNOUNCE_END,
  ASK_BEFORE,
  ASK_DURING,
  HEAD_FINISHED,
  HEAD_NEVER,
  HEAD_WANTED,
  progressOf,
  type Script,
  type ScriptStep,
  THREAD_ACTOR,
  THREAD_ALIVE,
  THREAD_ANSWERED,
  THREAD_ASKED,
  THREAD_DONE,
  THREAD_PROGRESS,
  THREAD_TID,
  WAITS_ACTOR,
  WAITS_CALL,
  WAITS_NOTHING,
} from './script.program.ts';

/** Entries get one number: where the table lies, and which thread they are. */
const THREADS_MAX = 1 << 16;
/** How long calls that are not expected to return are left to settle before the replay ends. */
const SETTLE_NS = 20e6;
/** How long processes that are left over are given to end. */
const END_NS = 1e6;

/** The outside: it begins the program, and then the actors that its threads ask for. */
export function* main(_argument: number, script: Script): Guest {
  const table = yield* setUp(script, onlyLeads);
  yield* startThread(closer, argumentOf(table, 0), trap.cpu);
  const own = script.threads.length - 1;
  yield* startThread(traced, argumentOf(table, own), cpuOf(table, script, own));
  yield* begin(table, script, 0, 0);
  for (let seen = 0; ; ) {
    yield* pauseWhile(table.head(HEAD_WANTED), (value) => value === seen);
    seen = atomicLoad32(table.head(HEAD_WANTED));
    for (const index of script.threads.keys()) {
      const asked = table.thread(index, THREAD_ACTOR);
      if (load32(asked) !== 1) continue;
      atomicStore32(asked, 2);
      yield* startThread(outside, argumentOf(table, index), cpuOf(table, script, index));
    }
  }
}

/** A traced thread; the first one of a process is the process. */
export function* traced(argument: number, script: Script): Guest {
  const table = tableAt(Math.floor(argument / THREADS_MAX), script);
  const index = argument % THREADS_MAX;
  const thread = script.threads[index]!;
  atomicStore32(table.thread(index, THREAD_TID), trap.tid);
  if (thread.process === index) yield* beginProcess(table, script, index, { onSignal, onEnd });
  if (index === 0) {
    for (const [other, { atStart, process }] of script.threads.entries()) {
      if (atStart === 1 && process >= 0) yield* begin(table, script, other, THREAD_FLAGS);
    }
  }
  yield* play(table, script, index);
  return 0;
}

/** The outside, for one traced thread. */
export function* outside(argument: number, script: Script): Guest {
  const table = tableAt(Math.floor(argument / THREADS_MAX), script);
  const index = argument % THREADS_MAX;
  const thread = script.threads[index]!;
  const timespec = alloc(16);
  const actor = { table, script, index, timespec, buffer: alloc(512), sink: table.sink() };
  const asked = table.thread(index, THREAD_ASKED);
  for (const [at, delivery] of thread.deliveries.entries()) {
    yield* pauseWhile(asked, (value) => value <= at);
    if (delivery.afterNs > 0) yield* pauseUntilTime(table, timespec, (yield* table.now(timespec)) + delivery.afterNs);
    yield* playDelivery(actor, delivery);
    atomicStore32(table.thread(index, THREAD_ANSWERED), at + 1);
    yield* wakeWord(table.thread(index, THREAD_ANSWERED));
  }
  if (thread.watched === 0) return 0;
  // The kernel clears the word while it ends the thread, which it does on this CPU in one go: seen here, it is over.
  yield* pauseWhile(table.thread(index, THREAD_ALIVE), (value) => value !== 0);
  const progress = table.thread(index, THREAD_PROGRESS);
  atomicStore32(progress, progressOf(thread.steps.length - 1, true));
  yield* wakeWord(progress);
  yield* finished(table, index);
  return 0;
}

/** Ends the replay once every thread has done what it can, and what is left of the program. */
export function* closer(argument: number, script: Script): Guest {
  const table = tableAt(Math.floor(argument / THREADS_MAX), script);
  const timespec = alloc(16);
  yield* pauseWhile(table.head(HEAD_FINISHED), (value) => value < script.threads.length);
  yield* pauseUntilTime(table, timespec, (yield* table.now(timespec)) + SETTLE_NS);
  let left = 0;
  for (const [index, { process }] of script.threads.entries()) {
    if (atomicLoad32(table.thread(index, THREAD_ALIVE)) === 0 || process < 0) continue;
    left++;
    yield sys.kill(load32(table.thread(process, THREAD_TID)), SIGKILL);
  }
  if (left > 0) yield* pauseUntilTime(table, timespec, (yield* table.now(timespec)) + END_NS);
  return yield sys.exit_group(0);
}

/** The handler of every signal: what a program's handler does stands in the trace as calls. */
export function* onSignal(_signal: number): Guest {
  return yield sys.getpid();
}

/** The handler of the signal that ends a thread, as an execve by another one does. */
export function* onEnd(_signal: number): Guest {
  return yield sys.exit(0);
}

/** A process that only leads a group. */
export function* onlyLeads(never: number): Guest {
  yield* pauseWhile(never, () => true);
  return 0;
}

function argumentOf(table: Table, index: number): number {
  return table.base * THREADS_MAX + index;
}

function cpuOf(table: Table, script: Script, index: number): number {
  return (table.firstCpu() + script.threads[index]!.cpu) % table.cpus();
}

function* begin(table: Table, script: Script, index: number, flags: number): Guest {
  return yield* beginTask(table, index, flags, traced, argumentOf(table, index), cpuOf(table, script, index));
}

function* play(table: Table, script: Script, index: number): Guest<void> {
  const thread = script.threads[index]!;
  if (thread.deliveries.length > 0 || thread.watched === 1) {
    atomicStore32(table.thread(index, THREAD_ACTOR), 1);
    atomicAdd32(table.head(HEAD_WANTED), 1);
    yield* wakeWord(table.head(HEAD_WANTED));
  }
  const scratch = {
    at: alloc(thread.scratchBytes, 64),
    bytes: thread.scratchBytes,
    handler: HANDLER_BASE + entryOf(onSignal),
    sink: table.sink(),
  };
  const player = { table, script, index, scratch, timespec: alloc(16), asked: 0 };
  for (const [place, step] of thread.steps.entries()) {
    // A thread that ends, or waits for ever, does not come back to say so.
    const isLast = place === thread.steps.length - 1;
    yield* playStep(player, step, place, isLast);
  }
  if (thread.endsWaiting === 0) yield* finished(table, index);
  // The trace ends, but not the thread.
  if (thread.process >= 0) yield* park(table);
}

function* park(table: Table): Guest<void> {
  yield* pauseWhile(table.head(HEAD_NEVER), () => true);
}

function* finished(table: Table, index: number): Guest<void> {
  if (compareExchange32(table.thread(index, THREAD_DONE), 0, 1) !== 0) return;
  atomicAdd32(table.head(HEAD_FINISHED), 1);
  yield* wakeWord(table.head(HEAD_FINISHED));
}

function* playStep(player: Player, step: ScriptStep, place: number, isLast: boolean): Guest<void> {
  const { table, script, index } = player;
  yield* comeAfter(player, step);
  if (step.lends !== undefined) yield* lendDescriptors(table, step.lends, player.scratch.at);
  if ((step.ask & ASK_BEFORE) !== 0) {
    waits(player, WAITS_ACTOR, 0);
    const wanted = yield* ask(player);
    yield* pauseWhile(table.thread(index, THREAD_ANSWERED), (value) => value < wanted);
  }
  const progress = table.thread(index, THREAD_PROGRESS);
  // First, for whoever sees the progress may end the process.
  if (isLast && script.threads[index]!.endsWaiting === 1) yield* finished(table, index);
  if (step.kind !== 'pass' && step.index >= 0) table.noteBegin(step.index);
  atomicStore32(progress, progressOf(place, false));
  if ((step.announce & ANNOUNCE_BEGIN) !== 0) yield* wakeWord(progress);
  if (step.removes !== undefined && script.keepsClosed === 1) yield* removeInterests(table, step.removes);
  if (step.repeats !== undefined && script.tellsOnce === 1) yield* tellAgain(table, step.repeats, player.scratch.at);
  if (step.kind !== 'exec') for (const slot of step.closes ?? []) yield* table.closeSlot(slot);
  if ((step.ask & ASK_DURING) !== 0) yield* ask(player);
  yield* doStep(player, step);
  waits(player, WAITS_NOTHING, 0);
  atomicStore32(progress, progressOf(place, true));
  if ((step.announce & ANNOUNCE_END) !== 0) yield* wakeWord(progress);
}

function* doStep(player: Player, step: ScriptStep): Guest<void> {
  const { table, script } = player;
  switch (step.kind) {
    case 'birth': {
      table.copySlots(step.copies ?? []);
      const tid = yield* begin(table, script, step.thread!, step.birth!);
      table.noteResult(step.index, tid, 0);
      return;
    }
    case 'exec':
      yield* replaceProgram(table, step);
      return;
    case 'park':
      waits(player, WAITS_CALL, 0);
      yield* park(table);
      return;
    case 'die':
      yield* killSelf(step.args[0] as number);
      yield* park(table);
      return;
    case 'kill':
      yield* killFor(table, step, player.timespec);
      return;
    default: {
      const begunNs = step.lasts === undefined ? 0 : yield* table.now(player.timespec);
      yield* makeCall(
        table,
        step,
        player.scratch,
        () => waits(player, WAITS_CALL, 0),
        () => isOver(player, step, begunNs),
      );
    }
  }
}

/** Has the actor do its next delivery. @returns its number */
function* ask(player: Player): Guest {
  const word = player.table.thread(player.index, THREAD_ASKED);
  player.asked++;
  atomicStore32(word, player.asked);
  yield* wakeWord(word);
  return player.asked;
}
