// What happened in one run of a case, in which order, and what had happened before a given step.
// The runner produces an `Observation`; the verdict and the declared divergences read histories cut from it.
// Promise: a history holds expected results only. Of the run it takes nothing but which steps had begun and ended.

import {
  type ConformCase,
  type Observation,
  type Outcome,
  type Step,
  type StepResult,
  type StepSpan,
  threadsOf,
} from '../programs/conform/case.ts';
import { type Renaming, sameResult } from './canonical.ts';

export interface PastStep extends StepSpan {
  readonly step: Step;
  readonly expected: StepResult;
}

/** Everything before one step: the steps that had ended, in the order of their ends, and calls of others still open. */
export interface History {
  readonly case: ConformCase;
  readonly past: readonly PastStep[];
  readonly open: readonly StepSpan[];
}

export interface StepAt extends StepSpan {
  readonly step: Step;
}

/** The first result, in the order of the run, that is not the expected one, seen against one expected outcome. */
export interface Difference {
  readonly at: StepAt;
  readonly expected: StepResult | undefined;
  readonly got: StepResult | undefined;
  readonly history: History;
  /** The outcome that it differs from. */
  readonly expect: Outcome;
  /** Results after this one, of all threads. */
  readonly after: number;
}

/** Gives the threads of a run the names of an expected outcome's threads. */
export function renamed(observation: Observation, renaming: Renaming): Observation {
  const outcome: Record<string, readonly StepResult[]> = {};
  for (const [name, results] of Object.entries(observation.outcome)) outcome[renaming[name] ?? name] = results;
  const spans = observation.spans.map((span) => ({ ...span, thread: renaming[span.thread] ?? span.thread }));
  return { outcome, spans };
}

/** Spans for an outcome whose order is not known: main's steps first, then each thread's. Exact for a lone main. */
export function spansInTurn(outcome: Outcome): readonly StepSpan[] {
  const spans: StepSpan[] = [];
  let ticket = 0;
  const names = Object.keys(outcome).sort((left, right) => Number(right === 'main') - Number(left === 'main'));
  for (const thread of names) {
    (outcome[thread] ?? []).forEach((result, index) => {
      const end = result === 'blocked' ? Number.POSITIVE_INFINITY : ticket + 1;
      spans.push({ thread, index, begin: ticket, end });
      ticket += 2;
    });
  }
  return spans;
}

export function firstDifference(one: ConformCase, observation: Observation, expect: Outcome): Difference | undefined {
  const steps = threadsOf(one);
  const ordered = [...observation.spans].sort((left, right) => left.end - right.end || left.begin - right.begin);
  for (const [position, span] of ordered.entries()) {
    const got = observation.outcome[span.thread]?.[span.index];
    const expected = expect[span.thread]?.[span.index];
    if (sameResult(got, expected)) continue;
    const step = steps[span.thread]?.[span.index];
    if (step === undefined) break;
    const history = historyBefore(one, ordered, position, expect);
    return { at: { ...span, step }, expected, got, history, expect, after: ordered.length - position - 1 };
  }
  return missingThread(one, observation, expect);
}

function historyBefore(one: ConformCase, ordered: readonly StepSpan[], position: number, expect: Outcome): History {
  const steps = threadsOf(one);
  const at = ordered[position]!;
  const past: PastStep[] = [];
  for (const span of ordered.slice(0, position)) {
    const step = steps[span.thread]?.[span.index];
    const expected = expect[span.thread]?.[span.index];
    if (step !== undefined && expected !== undefined) past.push({ ...span, step, expected });
  }
  const open = ordered.slice(position + 1).filter((span) => span.begin < at.end && span.thread !== at.thread);
  return { case: one, past, open };
}

/** All results agree, and yet the outcomes differ: a thread, or a result, that was expected and is not there. */
function missingThread(one: ConformCase, observation: Observation, expect: Outcome): Difference | undefined {
  for (const [thread, results] of Object.entries(expect)) {
    const index = observation.outcome[thread]?.length ?? 0;
    if (index >= results.length) continue;
    const step = threadsOf(one)[thread]?.[index];
    if (step === undefined) continue;
    const at = { thread, index, step, begin: Number.POSITIVE_INFINITY, end: Number.POSITIVE_INFINITY };
    return {
      at,
      expected: results[index],
      got: undefined,
      history: { case: one, past: [], open: [] },
      expect,
      after: 0,
    };
  }
  return undefined;
}
