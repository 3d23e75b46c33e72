// Readers of one file, and those who accept from one socket, wait in turn on Linux (F14). Where everybody who waits is
// woken, or looks again and again, chance decides which of them is served: any may get what any of them got.
// Promise: it excuses nobody who is alone, and no answer that none of them is expected to get.

import { type ConformCase, type StepResult, type SystemCallStep, threadsOf } from '../../programs/conform/case.ts';
import { stableText } from '../canonical.ts';
import type { History, StepAt } from '../history.ts';
import { variableOf } from '../program-facts.ts';

const IN_TURN = /^(?:read|accept4?)$/;

export function outOfTurn(at: StepAt, history: History): readonly StepResult[] {
  if ('blocked' in at.step) {
    const name = at.step.blocked;
    const waits = history.open.some(({ thread, index }) => thread === name && rivalsOf(history.case, name, index) > 1);
    const was = callsOf(history.case, name).some(({ index }) => rivalsOf(history.case, name, index) > 1);
    return waits || was ? [{ blocked: true }, { blocked: false }] : [];
  }
  const call = callAt(history.case, at.thread, at.index);
  if (call === undefined || rivalsOf(history.case, at.thread, at.index) < 2) return [];
  const results = Object.keys(history.case.threads).flatMap((thread) =>
    callsOf(history.case, thread)
      .filter((other) => isRival(call, other.call))
      .flatMap(({ index }) => history.case.expect.flatMap((outcome) => outcome[thread]?.[index] ?? [])),
  );
  const different = new Map([...results, 'blocked' as const].map((result) => [stableText(result), result]));
  return [...different.values()];
}

/** Threads that make such a call on the same file, its own included. */
function rivalsOf(one: ConformCase, thread: string, index: number): number {
  const call = callAt(one, thread, index);
  if (call === undefined) return 0;
  const others = Object.keys(one.threads).filter((name) =>
    callsOf(one, name).some((other) => isRival(call, other.call)),
  );
  return others.length;
}

function callsOf(
  one: ConformCase,
  thread: string,
): readonly { readonly call: SystemCallStep; readonly index: number }[] {
  return (one.threads[thread] ?? []).flatMap((step, index) => ('sys' in step ? [{ call: step, index }] : []));
}

function callAt(one: ConformCase, thread: string, index: number): SystemCallStep | undefined {
  const step = threadsOf(one)[thread]?.[index];
  return step !== undefined && 'sys' in step && IN_TURN.test(step.sys) ? step : undefined;
}

function isRival(call: SystemCallStep, other: SystemCallStep): boolean {
  const file = variableOf(call.args[0]);
  return other.sys === call.sys && file !== undefined && file === variableOf(other.args[0]);
}
