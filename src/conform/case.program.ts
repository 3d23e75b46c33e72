// The guest program that executes one conformance case as a process of its own: main and the threads that it starts
// carry out their steps, and put what each answered on the board that the host reads.
// `batch` executes several, each in a child process of its own, one after the other: a start by the host takes longer
// than most cases.
// Promise: a case begins as the recorder begins it: the lowest free descriptor is 3, no signal is blocked, SIGPIPE is
// ignored; and no step depends on which CPU its thread lives on.

import {
  type Argument,
  type ConformCase,
  type Disposition,
  type Json,
  type Step,
  type StepResult,
  type SystemCallStep,
  threadsOf,
} from '../programs/conform/case.ts';
import { timespecLayout } from '../kernel/abi/layout.ts';
import { isSyscallName, SYS } from '../kernel/abi/syscalls.ts';
import {
  alloc,
  allocString,
  allocTimespec,
  CLOCK_MONOTONIC,
  fork,
  type Guest,
  load64,
  loadTimespec,
  SA_RESTART,
  SIG_DFL,
  SIG_IGN,
  SIGPIPE,
  sigaction,
  startThread,
  storeTimespec,
  sys,
  syscall,
  trap,
  waitpid,
} from '../programs/libc/index.ts';
import { CaseBoard, THREADS_MAX } from '../programs/conform/case-board.ts';
import { Arena, type Marshalled, scalarValue } from '../programs/conform/arena.ts';
import { answerText, arenaBytesFor, marshal } from '../programs/conform/marshal.ts';

export interface CaseArguments {
  readonly cases: readonly { readonly one: ConformCase; readonly board: SharedArrayBuffer }[];
}

const JOIN_LIMIT_NS = 5e9;
const JOIN_LOOK_NS = 500_000;

/** What one thread of the case needs at hand. */
interface Runner {
  readonly one: ConformCase;
  readonly board: CaseBoard;
  readonly arena: Arena;
  /** Which case of the batch. */
  readonly place: number;
  /** Which thread of the case. */
  readonly index: number;
  /** A struct timespec for clocks and sleeps, apart from the arena. */
  readonly time: number;
}

/** Which case, and which thread of it, as one number: the argument of what runs it. */
function argumentOf(place: number, index: number): number {
  return place * THREADS_MAX + index;
}

function runnerOf({ cases }: CaseArguments, argument: number): Runner {
  const place = Math.floor(argument / THREADS_MAX);
  const index = argument % THREADS_MAX;
  const { one, board } = cases[place]!;
  const shared = new CaseBoard(board, one);
  const bytes = arenaBytesFor(stepsOf(one, shared, index));
  return { one, board: shared, arena: new Arena(alloc(bytes), bytes), place, index, time: allocTimespec(0) };
}

function stepsOf(one: ConformCase, board: CaseBoard, index: number): readonly Step[] {
  return threadsOf(one)[board.threadNames[index]!] ?? [];
}

export function* main(argument: number, argv: CaseArguments): Guest {
  const runner = runnerOf(argv, argument);
  yield* sigaction(SIGPIPE, SIG_IGN);
  for (const name of runner.board.wordNames()) runner.board.keep(name, alloc(8));
  runner.board.started(0);
  yield* runSteps(runner);
  yield sys.smplab_settle();
  runner.board.complete();
  return yield sys.exit_group(0);
}

/** A thread of the case, by its place among them. */
export function* thread(argument: number, argv: CaseArguments): Guest {
  yield* runSteps(runnerOf(argv, argument));
  return 0;
}

/** All cases, in their order. */
export function* batch(_argument: number, { cases }: CaseArguments): Guest {
  for (const [place, { one, board }] of cases.entries()) {
    const pid = yield* fork(main, argumentOf(place, 0));
    if (pid < 0) throw new Error(`no process for ${one.name}: ${pid}`);
    const { code = -1, signal } = yield* waitpid(pid);
    new CaseBoard(board, one).processEnded(signal === undefined ? code : -signal);
  }
  return yield sys.exit_group(0);
}

/** A handler that does nothing to speak of: what counts is that there is one. */
export function* emptyHandler(): Guest {
  return yield sys.getpid();
}

function* runSteps(runner: Runner): Guest<void> {
  const { board, index } = runner;
  for (const step of stepsOf(runner.one, board, index)) {
    board.beginStep(index);
    const result = yield* runStep(runner, step);
    board.endStep(index, result);
  }
  board.ended(index);
}

function* runStep(runner: Runner, step: Step): Guest<StepResult> {
  const { board } = runner;
  if ('sys' in step) return yield* runCall(runner, step);
  if ('start' in step) yield* start(runner, step.start);
  else if ('join' in step) return { joined: yield* joined(runner, step.join) };
  else if ('settle' in step) yield sys.smplab_settle();
  else if ('blocked' in step) return { blocked: !board.hasEnded(board.threadNames.indexOf(step.blocked)) };
  else if ('sleep_ms' in step) yield* sleep(runner, step.sleep_ms * 1e6);
  else if ('handler' in step) yield* handle(scalarValue(board, step.handler), step.how ?? 'handler');
  else if ('file' in step) return yield* openFile(runner, step.as);
  return {};
}

function* start(runner: Runner, name: string): Guest<void> {
  const { board } = runner;
  const index = board.threadNames.indexOf(name);
  board.started(index);
  const { tid } = yield* startThread(thread, argumentOf(runner.place, index));
  board.setTid(index, tid);
}

function* joined(runner: Runner, name: string): Guest<boolean> {
  const index = runner.board.threadNames.indexOf(name);
  const endNs = (yield* now(runner)) + JOIN_LIMIT_NS;
  while (!runner.board.hasEnded(index)) {
    if ((yield* now(runner)) >= endNs) return false;
    yield* sleep(runner, JOIN_LOOK_NS);
  }
  return true;
}

function* now(runner: Runner): Guest {
  yield sys.clock_gettime(CLOCK_MONOTONIC, runner.time);
  return loadTimespec(runner.time);
}

function* sleep(runner: Runner, ns: number): Guest<void> {
  storeTimespec(runner.time, ns);
  yield sys.nanosleep(runner.time, 0);
}

function* handle(signal: number, how: Disposition): Guest<void> {
  if (how === 'restart') yield* sigaction(signal, emptyHandler, SA_RESTART);
  else yield* sigaction(signal, how === 'handler' ? emptyHandler : how === 'SIG_IGN' ? SIG_IGN : SIG_DFL);
}

/** A regular file; the machine's are in memory. */
function* openFile(runner: Runner, name: string): Guest<StepResult> {
  const fd = yield sys.memfd_create(allocString('case'), 0);
  if (fd < 0) return { ret: answerText(fd) };
  runner.board.keep(name, fd);
  return { ret: 'fd' };
}

function* runCall(runner: Runner, step: SystemCallStep): Guest<StepResult> {
  const { board, arena } = runner;
  arena.restart();
  const given = yield* timesFixed(runner, step.args);
  const args = given.map((argument) => marshal(board, arena, argument));
  const number = isSyscallName(step.sys) ? trap.numbers[SYS[step.sys]]! : -1;
  const timed = step.at_least_ms !== undefined || step.under_ms !== undefined;
  const beganNs = timed ? yield* now(runner) : 0;
  const answer = yield syscall(number, ...args.map(({ word }) => word));
  const tookMs = timed ? ((yield* now(runner)) - beganNs) / 1e6 : 0;
  if (step.as !== undefined && answer >= 0) board.keep(step.as, answer);
  const shown = answer >= 0 && step.as !== undefined ? 'fd' : answerText(answer);
  return {
    ret: answer >= 0 && step.ret === 'any' ? 'any' : shown,
    ...outputOf(args, answer),
    ...(step.at_least_ms !== undefined && { waited: tookMs >= step.at_least_ms - 0.5 }),
    ...(step.under_ms !== undefined && { quick: tookMs < step.under_ms }),
  };
}

/** A time that is given as so far ahead of a clock becomes the time that the clock will show. */
function* timesFixed(runner: Runner, args: readonly Argument[]): Guest<readonly Argument[]> {
  const fixed: Argument[] = [];
  for (const argument of args) {
    if (typeof argument !== 'object' || argument === null || !('itimerspec_ahead' in argument)) {
      fixed.push(argument);
      continue;
    }
    const [clock, intervalSeconds, intervalNs, seconds, nanoseconds] = argument.itimerspec_ahead;
    yield sys.clock_gettime(scalarValue(runner.board, clock), runner.time);
    const nowSeconds = Number(load64(runner.time + timespecLayout.seconds));
    const sumNs = Number(load64(runner.time + timespecLayout.nanoseconds)) + nanoseconds;
    const carry = Math.floor(sumNs / 1e9);
    fixed.push({ itimerspec: [intervalSeconds, intervalNs, nowSeconds + seconds + carry, sumNs - carry * 1e9] });
  }
  return fixed;
}

/** `out` is absent where the call produced nothing, the value itself where it is alone, and a list of several. */
function outputOf(args: readonly Marshalled[], answer: number): { readonly out?: Json } {
  const outputs: Json[] = [];
  for (const { readBack } of args) {
    const value = readBack?.(answer);
    if (value !== undefined) outputs.push(value);
  }
  if (outputs.length === 0) return {};
  return { out: outputs.length === 1 ? outputs[0]! : outputs };
}
