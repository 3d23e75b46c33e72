// Runs a whole case on the model of a design, as if the model were the machine: for tests of the verdict that must not
// depend on a machine. Threads take their turns in an order drawn from a seed.

import {
  type ConformCase,
  type Observation,
  type Step,
  type StepResult,
  type StepSpan,
  threadsOf,
} from '../../src/programs/conform/case.ts';
import { execute, executeHolding } from '../../src/conform/model/calls.ts';
import { executeInTime } from '../../src/conform/model/foretell.ts';
import { timedOut } from '../../src/conform/model/times.ts';
import { waitLimitNs } from '../../src/conform/model/poll-calls.ts';
import { isWait } from '../../src/conform/model/epoll-calls.ts';
import { type DesignModel, newWorld } from '../../src/conform/model/world.ts';

interface RunningThread {
  readonly name: string;
  readonly results: StepResult[];
  begin: number;
  asleep: boolean;
}

function waitsForEver(step: Step): boolean {
  return 'sys' in step && isWait(step) && waitLimitNs(step) === Number.POSITIVE_INFINITY;
}

function hasTimeout(step: Step): boolean {
  return 'sys' in step && /^epoll_p?wait$/.test(step.sys) && typeof step.args[3] === 'number' && step.args[3] > 0;
}

/** A close tells nobody: who sleeps does not learn of it by itself. */
function tellsOnlyOfTheClosed(result: StepResult): boolean {
  if (result === 'blocked' || !Array.isArray(result.out)) return false;
  return result.out.length > 0 && result.out.every((shown) => shown === 'POLLNVAL' || shown === '0');
}

/** Who reads first is a matter of turns, of which the models know nothing. */
function hasReadersInTurn(one: ConformCase): boolean {
  const reads = Object.values(one.threads).flatMap((steps) =>
    steps.filter((step) => 'sys' in step && step.sys === 'read'),
  );
  const files = reads.map((step) => ('sys' in step ? String(step.args[0]) : ''));
  const different = new Set(reads.map((step) => JSON.stringify(step)));
  return new Set(files).size < files.length && different.size > new Set(files).size;
}

/** undefined: the case has a step that the model does not know. */
export function runOnModel(design: DesignModel, one: ConformCase, seed: number): Observation | undefined {
  if (hasReadersInTurn(one)) return undefined;
  const steps = threadsOf(one);
  const world = newWorld();
  const spans: StepSpan[] = [];
  const threads: RunningThread[] = [];
  let ticket = 0;
  let random = seed;

  const draw = (below: number): number => {
    random = (Math.imul(random, 1103515245) + 12345) & 0x7fffffff;
    return (random >>> 8) % below;
  };
  const finish = (thread: RunningThread, result: StepResult): void => {
    const index = thread.results.length;
    spans.push({ thread: thread.name, index, begin: thread.begin, end: ticket++ });
    thread.results.push(result);
    thread.begin = -1;
  };
  /** One look of a thread at its next step: true if it got on, undefined if the model does not know the step. */
  const look = (thread: RunningThread): boolean | undefined => {
    const step = steps[thread.name]?.[thread.results.length];
    if (step === undefined) return false;
    if (thread.begin < 0) thread.begin = ticket++;
    const key = `${thread.name}/${thread.results.length}`;
    const attempt = executeHolding(design, world, step, thread.name, key);
    if (attempt === undefined) return undefined;
    const sleeps =
      'sleeps' in attempt || (thread.asleep && !design.looksUntold && tellsOnlyOfTheClosed(attempt.answer));
    thread.asleep = sleeps;
    if (sleeps || 'sleeps' in attempt) return false;
    if (attempt.inexact === true) return undefined;
    finish(thread, attempt.answer);
    return true;
  };
  const settle = (): boolean => {
    for (;;) {
      const order = [...threads].sort(() => draw(3) - 1);
      const moved = order.map(look);
      if (moved.includes(undefined)) return false;
      if (!moved.includes(true)) return true;
    }
  };
  /** Whoever joins a thread waits for its timeouts too. */
  const letTimePass = (name: string): boolean => {
    for (;;) {
      if (!settle()) return false;
      const thread = threads.find((each) => each.name === name);
      const step = steps[name]?.[thread?.results.length ?? 0];
      if (thread === undefined || step === undefined || !hasTimeout(step)) return true;
      finish(thread, { ret: 0, out: [] });
    }
  };
  const ended = (name: string): boolean => {
    const thread = threads.find((each) => each.name === name);
    return thread !== undefined && thread.results.length === (steps[name] ?? []).length;
  };

  const main: RunningThread = { name: 'main', results: [], begin: -1, asleep: false };
  const alone = Object.keys(one.threads).length === 0;
  for (const step of one.main) {
    main.begin = ticket++;
    if ('start' in step) threads.push({ name: step.start, results: [], begin: -1, asleep: false });
    const quiet = 'settle' in step || 'join' in step || (threads.length > 0 && draw(2) === 0);
    if (quiet && !settle()) return undefined;
    if ('join' in step && !letTimePass(step.join)) return undefined;
    const attempt = (alone ? executeInTime : execute)(design, world, step, 'main');
    if (attempt === undefined || ('sys' in step && /sig|kill/.test(step.sys))) return undefined;
    if (!('sleeps' in attempt) && attempt.inexact === true) return undefined;
    if ('join' in step) finish(main, { joined: ended(step.join) });
    else if ('blocked' in step) finish(main, { blocked: !ended(step.blocked) });
    else if ('sleeps' in attempt && waitsForEver(step)) break;
    else finish(main, 'sleeps' in attempt ? timedOut(step) : attempt.answer);
  }
  if (main.results.length < one.main.length) {
    spans.push({ thread: 'main', index: main.results.length, begin: main.begin, end: Number.POSITIVE_INFINITY });
    main.results.push('blocked');
  }
  if (!settle()) return undefined;
  for (const thread of threads) {
    if (ended(thread.name)) continue;
    spans.push({
      thread: thread.name,
      index: thread.results.length,
      begin: thread.begin,
      end: Number.POSITIVE_INFINITY,
    });
    thread.results.push('blocked');
  }
  const outcome = Object.fromEntries([main, ...threads].map((thread) => [thread.name, thread.results]));
  return { outcome, spans };
}
