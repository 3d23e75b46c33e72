// What a design would answer at one step of a case, foretold from the program, from what the steps before it are
// expected to have answered, and from which of them overlapped. Divergences are declared through it.
//
// Calls of several threads overlap, so the state in which a call looked is not known exactly: it looked at some moment
// between its begin and its end. The search tries every order that the begins and ends allow, keeps those in which each
// call of the past gives its expected result, and collects what the call in question answers in each of them. A call
// that sleeps may have looked in vain at any moment since it began, and such a look can use something up; a call that
// had not ended yet may have taken effect.
//
// Promise: it looks at no result of the run, and the list is finite. Where the model is not sure, it foretells nothing.

import {
  type Argument,
  type Json,
  type Step,
  type StepResult,
  type SystemCallStep,
  threadsOf,
} from '../../programs/conform/case.ts';
import { sameResult, stableText } from '../canonical.ts';
import type { History, PastStep, StepAt } from '../history.ts';
import { assume, execute, executeHolding, isWait } from './calls.ts';
import { isPoll, pollLimitNs, waitLimitNs } from './poll-calls.ts';
import { isTransfer } from './transfer-calls.ts';
import { type Attempt, copyOf, type DesignModel, type Look, newWorld, type World } from './world.ts';

export interface Foretold {
  readonly result: StepResult;
  /** What the wait found at each entry, where the step is a wait on an epoll instance. */
  readonly looks: readonly Look[];
  /** The state in which the call looked, for those who ask for more. */
  readonly world: World;
}

/** States visited in one search. Bundled cases need a few hundred. */
const NODES_MAX = 20_000;

interface Sleeper {
  readonly key: string;
  readonly thread: string;
  readonly index: number;
  readonly begin: number;
  readonly call: SystemCallStep;
}

interface Node {
  readonly world: World;
  /** Steps of the past that have taken effect, by position. */
  readonly done: ReadonlySet<number>;
  /** Calls that had not ended yet, and took effect all the same. */
  readonly gone: ReadonlySet<string>;
}

const memory = new WeakMap<History, Map<DesignModel, readonly Foretold[]>>();

export function foretell(design: DesignModel, at: StepAt, history: History): readonly Foretold[] {
  const known = memory.get(history) ?? new Map<DesignModel, readonly Foretold[]>();
  memory.set(history, known);
  const found = known.get(design) ?? search(design, at, history);
  known.set(design, found);
  return found;
}

function search(design: DesignModel, at: StepAt, history: History): readonly Foretold[] {
  const sleepers = sleepersOf(at, history);
  const found = new Map<string, Foretold>();
  const seen = new Set<string>();
  const stack: Node[] = [{ world: newWorld(), done: new Set(), gone: new Set() }];
  let ended = false;
  while (stack.length > 0) {
    const node = stack.pop()!;
    const key = nodeKey(node);
    if (seen.has(key)) continue;
    seen.add(key);
    if (seen.size > NODES_MAX) return [];
    if (mayLook(node, history.past, at.begin)) {
      const answers = answersOf(design, node, at, history);
      if (answers === undefined) return [];
      for (const answer of answers)
        found.set(stableText([answer.result, answer.looks.map((look) => look.why)]), answer);
      if (node.done.size === history.past.length) ended = true;
    }
    const next = successors(design, node, history, sleepers);
    if (next === undefined) return [];
    stack.push(...next);
  }
  // The past itself cannot be explained: the model is not sure of anything.
  return ended ? [...found.values()] : [];
}

function nodeKey(node: Node): string {
  const text = JSON.stringify(shape({ ...node.world, thread: '' }));
  return `${[...node.done].sort((left, right) => left - right).join()} ${[...node.gone].sort().join()} ${text}`;
}

/** A world as plain JSON: files are numbered as they are met, for they refer to each other. */
function shape(world: World): unknown {
  const numbers = new Map<object, number>();
  const plain = (value: unknown): unknown => {
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value !== 'object' || value === null) return value;
    const met = numbers.get(value);
    if (met !== undefined) return `#${met}`;
    numbers.set(value, numbers.size);
    if (Array.isArray(value)) return value.map(plain);
    return Object.entries(value).map(([name, content]) => [name, plain(content)]);
  };
  return plain(world);
}

/** Everything that ended before `begin` has taken effect. */
function mayLook(node: Node, past: readonly PastStep[], begin: number): boolean {
  return past.every((step, position) => step.end > begin || node.done.has(position));
}

/**
 * Calls that had begun and not ended at some moment of the past: waits, each of which may have looked in vain, and what
 * others were just about, which may have taken effect although it had not ended.
 */
function sleepersOf(at: StepAt, history: History): readonly Sleeper[] {
  const steps = threadsOf(history.case);
  const sleepers: Sleeper[] = [];
  for (const span of [...history.past, ...history.open, at]) {
    const step = steps[span.thread]?.[span.index];
    if (step === undefined || !('sys' in step)) continue;
    if (!mayWait(step) && !history.open.includes(span)) continue;
    const { thread, index, begin } = span;
    sleepers.push({ key: `${thread}/${index}`, thread, index, begin, call: step });
  }
  return sleepers;
}

function mayWait(call: SystemCallStep): boolean {
  return isTransfer(call.sys) || isPoll(call) || isWait(call);
}

/** Where nobody else can end a wait, time does: the first timer, or the wait's own limit. */
function executeAlone(design: DesignModel, world: World, at: StepAt, history: History): Attempt | undefined {
  const { step, thread } = at;
  if (Object.keys(history.case.threads).length > 0) return executeAmong(design, world, at, step, history);
  return executeInTime(design, world, step, thread);
}

/** As `execute`, by a thread that nobody but a timer can wake. */
export function executeInTime(design: DesignModel, world: World, step: Step, thread: string): Attempt | undefined {
  const attempt = execute(design, world, step, thread);
  if (attempt === undefined || !('sleeps' in attempt)) return attempt;
  const due = firstExpiry(world);
  if (due === undefined || due <= world.nowNs) return attempt;
  const limit = 'sys' in step ? limitOf(step) : undefined;
  if (limit === undefined || world.nowNs + limit < due) return attempt;
  world.nowNs = due;
  return execute(design, world, step, thread);
}

/** Where a number may be closed while a call sleeps, what the call has looked up counts. */
function executeAmong(
  design: DesignModel,
  world: World,
  { thread, index }: { readonly thread: string; readonly index: number },
  step: Step,
  history: History,
): Attempt | undefined {
  const steps = Object.values(threadsOf(history.case)).flat();
  const closes = steps.some((each) => 'sys' in each && /^(?:close|dup[23])/.test(each.sys));
  if (!closes) return execute(design, world, step, thread);
  return executeHolding(design, world, step, thread, `${thread}/${index}`);
}

function firstExpiry(world: World): number | undefined {
  const due = world.descriptors.flatMap((open) => (open?.file.kind === 'timerfd' ? (open.file.dueNs ?? []) : []));
  return due.length === 0 ? undefined : Math.min(...due);
}

/** How long a call waits at most; undefined where the model does not know. */
function limitOf(call: SystemCallStep): number | undefined {
  if (call.sys === 'read') return Number.POSITIVE_INFINITY;
  if (isPoll(call)) return pollLimitNs(call);
  return isWait(call) ? waitLimitNs(call) : undefined;
}

function successors(
  design: DesignModel,
  node: Node,
  history: History,
  sleepers: readonly Sleeper[],
): readonly Node[] | undefined {
  const { past } = history;
  const next: Node[] = [];
  for (const [position, step] of past.entries()) {
    if (node.done.has(position) || !mayLook(node, past, step.begin)) continue;
    const world = copyOf(node.world);
    const attempt = executeAlone(design, world, step, history);
    if (attempt === undefined && !assume(world, step.step, step.expected)) return undefined;
    if (attempt !== undefined && !answers(attempt, step.expected)) continue;
    if (attempt !== undefined && 'sleeps' in attempt) passTime(world, step, history);
    next.push({ ...node, world, done: new Set([...node.done, position]) });
  }
  for (const sleeper of sleepers) {
    const position = past.findIndex((step) => `${step.thread}/${step.index}` === sleeper.key);
    const over = position >= 0 ? node.done.has(position) : node.gone.has(sleeper.key);
    if (over || !mayLook(node, past, sleeper.begin)) continue;
    const world = copyOf(node.world);
    const attempt = executeAmong(design, world, sleeper, sleeper.call, history);
    if (attempt === undefined) return undefined;
    if ('sleeps' in attempt) next.push({ ...node, world });
    else if (position < 0) next.push({ ...node, world, gone: new Set([...node.gone, sleeper.key]) });
  }
  return next;
}

/** A wait of a lone thread that ended with nothing has lasted its whole time. */
function passTime(world: World, { step, expected }: PastStep, history: History): void {
  if (!('sys' in step) || Object.keys(history.case.threads).length > 0) return;
  const limit = limitOf(step);
  if (expected === 'blocked' || expected.ret !== 0 || limit === undefined || !Number.isFinite(limit)) return;
  world.nowNs += limit;
}

/** Steps of the runner (start, settle, join ...) answer as expected by themselves; calls must answer so in the model. */
function answers(attempt: Attempt, expected: StepResult): boolean {
  if ('sleeps' in attempt) return expected !== 'blocked' && (expected.ret === 0 || expected.ret === '-EINTR');
  if (expected === 'blocked') return false;
  if (expected.ret === undefined) return true;
  const told = withoutTimes(expected);
  if (attempt.inexact === true) return attempt.answer !== 'blocked' && attempt.answer.ret === told.ret;
  return sameResult(attempt.answer, told);
}

function withoutTimes(result: Exclude<StepResult, 'blocked'>): Exclude<StepResult, 'blocked'> {
  const { waited: _waited, quick: _quick, ...rest } = result;
  return rest;
}

/** What the call answers if it looks at this node; none where it may sleep on till a later one. */
function answersOf(design: DesignModel, node: Node, at: StepAt, history: History): readonly Foretold[] | undefined {
  const world = copyOf(node.world);
  // Its own look may already have been tried as a sleeper's; it can be lost only to itself, which is no answer.
  if (node.gone.has(`${at.thread}/${at.index}`)) return [];
  const attempt = executeAlone(design, world, at, history);
  if (attempt === undefined) return undefined;
  const looks = attempt.looks ?? [];
  if (!('sleeps' in attempt)) {
    const alone = Object.keys(history.case.threads).length === 0;
    const times = timesOf(at.step, alone ? (world.nowNs - node.world.nowNs) / 1e6 : undefined);
    return times.map((time) => ({ result: withTimes(attempt.answer, time), looks, world }));
  }
  if (node.done.size !== history.past.length) return [];
  const limitMs = 'sys' in at.step ? (limitOf(at.step) ?? Number.POSITIVE_INFINITY) / 1e6 : Number.POSITIVE_INFINITY;
  const late = limitMs < Number.POSITIVE_INFINITY ? timesOf(at.step, limitMs) : [];
  const results = late.map((time) => withTimes(timedOut(at.step), time));
  return [...results, 'blocked' as const].map((result) => ({ result, looks, world }));
}

interface Times {
  readonly waited?: boolean;
  readonly quick?: boolean;
}

/** What a call that took so long says of its bounds; whoever can be woken by others may have taken any time. */
function timesOf(step: Step, tookMs: number | undefined): readonly Times[] {
  if (!('sys' in step)) return [{}];
  const { at_least_ms: least, under_ms: most } = step;
  const waited = least === undefined ? [undefined] : tookMs === undefined ? [false, true] : [tookMs >= least - 0.5];
  const quick = most === undefined ? [undefined] : tookMs === undefined ? [false, true] : [tookMs < most];
  return waited.flatMap((one) =>
    quick.map((other) => ({ ...(one !== undefined && { waited: one }), ...(other !== undefined && { quick: other }) })),
  );
}

function withTimes(result: StepResult, times: Times): StepResult {
  return result === 'blocked' ? result : { ...result, ...times };
}

/** What a call answers whose time is over. */
export function timedOut(step: Step): StepResult {
  const outputs = 'sys' in step ? step.args.flatMap((argument) => emptied(argument)) : [];
  if (outputs.length === 0) return { ret: 0 };
  return { ret: 0, out: outputs.length === 1 ? outputs[0]! : outputs };
}

/** What a buffer shows of a call that found nothing in all its time. */
function emptied(argument: Argument): readonly Json[] {
  if (typeof argument !== 'object' || argument === null) return [];
  if ('out_events' in argument || 'edge_events' in argument) return [[]];
  if ('pollfds' in argument) return [argument.pollfds.map(() => '0')];
  if ('fdset' in argument) return [argument.fdset.map(() => 0)];
  return 'time_left' in argument ? ['none'] : [];
}
