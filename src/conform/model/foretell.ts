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

import { type Step, type StepResult, type SystemCallStep, threadsOf } from '../../programs/conform/case.ts';
import { sameResult, stableText } from '../canonical.ts';
import type { History, PastStep, StepAt } from '../history.ts';
import { assume, execute, executeHolding } from './calls.ts';
import { isWait } from './epoll-calls.ts';
import { isPoll } from './poll-calls.ts';
import { limitOf, timedOut, timesOf, withTimes } from './times.ts';
import { isTransfer } from './transfer-calls.ts';
import { actionOf } from './signal-calls.ts';
import { type Attempt, copyOf, type DesignModel, type Look, newWorld, numberIn, type World } from './world.ts';

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

/** A past of calls that ended. One that is expected to sleep for ever, and does, is a sleeper like any other. */
interface Past extends Pick<History, 'case' | 'past' | 'open'> {
  /** Calls that never end, by thread and step. */
  readonly endless: ReadonlySet<string>;
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

function pastOf(history: History): Past {
  const endless = history.past.filter(({ expected }) => expected === 'blocked');
  return {
    case: history.case,
    past: history.past.filter(({ expected }) => expected !== 'blocked'),
    open: [...history.open, ...endless],
    endless: new Set(endless.map(({ thread, index }) => `${thread}/${index}`)),
  };
}

/** A lone thread has one past, so there is nothing to search. */
function foretellAlone(design: DesignModel, at: StepAt, history: Past): readonly Foretold[] {
  const world = newWorld();
  for (const step of history.past) {
    const attempt = executeAlone(design, world, step, history);
    if (attempt === undefined ? !assume(world, step.step, step.expected) : !answers(attempt, step)) return [];
    if (attempt !== undefined && 'sleeps' in attempt) passTime(world, step, history);
  }
  const done = new Set(history.past.keys());
  return answersOf(design, { world, done, gone: new Set() }, at, history) ?? [];
}

function search(design: DesignModel, at: StepAt, whole: History): readonly Foretold[] {
  const history = pastOf(whole);
  if (Object.keys(history.case.threads).length === 0) return foretellAlone(design, at, history);
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
function sleepersOf(at: StepAt, history: Past): readonly Sleeper[] {
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
function executeAlone(design: DesignModel, world: World, at: StepAt, history: Past): Attempt | undefined {
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
  history: Past,
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

function successors(
  design: DesignModel,
  node: Node,
  history: Past,
  sleepers: readonly Sleeper[],
): readonly Node[] | undefined {
  const { past } = history;
  const next: Node[] = [];
  for (const [position, step] of past.entries()) {
    if (node.done.has(position) || !mayLook(node, past, step.begin)) continue;
    const world = copyOf(node.world);
    const attempt = executeAlone(design, world, step, history);
    if (attempt === undefined && !assume(world, step.step, step.expected)) return undefined;
    if (attempt !== undefined && !answers(attempt, step)) continue;
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
    else if (position < 0 && !history.endless.has(sleeper.key))
      next.push({ ...node, world, gone: new Set([...node.gone, sleeper.key]) });
  }
  return next;
}

/** A wait of a lone thread that ended with nothing has lasted its whole time. */
function passTime(world: World, { step, expected }: PastStep, history: Past): void {
  if (!('sys' in step) || Object.keys(history.case.threads).length > 0) return;
  const limit = limitOf(step);
  if (expected === 'blocked' || expected.ret !== 0 || limit === undefined || !Number.isFinite(limit)) return;
  world.nowNs += limit;
}

/** Steps of the runner (start, settle, join ...) answer as expected by themselves; calls must answer so in the model. */
function answers(attempt: Attempt, { step, expected }: PastStep): boolean {
  // Whether a thread has ended by then is not the model's to say.
  if ('sys' in step && (step.sys === 'tkill' || step.sys === 'tgkill')) return true;
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
function answersOf(design: DesignModel, node: Node, at: StepAt, history: Past): readonly Foretold[] | undefined {
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
  const interrupted = design.signalsInterrupt && mayBeInterrupted(node, at, history) ? timesOf(at.step, undefined) : [];
  const ends = interrupted.map((time) => ({ result: withTimes({ ret: '-EINTR' }, time), looks, world }));
  if (node.done.size !== history.past.length) return ends;
  const limitMs = 'sys' in at.step ? (limitOf(at.step) ?? Number.POSITIVE_INFINITY) / 1e6 : Number.POSITIVE_INFINITY;
  const late = limitMs < Number.POSITIVE_INFINITY ? timesOf(at.step, limitMs) : [];
  const results = late.map((time) => withTimes(timedOut(at.step), time));
  return [...ends, ...[...results, 'blocked' as const].map((result) => ({ result, looks, world }))];
}

/** Was a signal sent to the very thread, which it has a handler for, while the call slept? */
function mayBeInterrupted(node: Node, at: StepAt, history: Past): boolean {
  const steps = threadsOf(history.case);
  const sent = [...history.past.filter((_, position) => node.done.has(position)), ...history.open];
  return sent.some(({ thread, index, end }) => {
    const step = steps[thread]?.[index];
    if (step === undefined || !('sys' in step) || end < at.begin) return false;
    const [to, signal] = step.sys === 'tkill' ? step.args : step.sys === 'tgkill' ? step.args.slice(1) : [];
    const number = numberIn(node.world, signal);
    return to === `@${at.thread}` && number !== undefined && actionOf(node.world, number) === 'handler';
  });
}
