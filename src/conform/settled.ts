// Outcomes that no host has given yet and that Linux may give by its source: schedules of the stepped machine show them
// often, where on a host the window for them is some hundred instructions wide.
//
// While one waiter harvests, what becomes ready waits in the overflow, and ep_done_scan (fs/eventpoll.c) puts it in front
// of what the harvest leaves. So where a source changes during another thread's harvest, whoever waits next is told of it
// first, and the events of a wait come in another order than in the runs that were recorded.
// Promise: nothing but the order of the events of a wait is forgiven, and only in cases of several threads. Such outcomes
// are counted and shown apart from those recorded. (Of the first eleven that were found so, a host gave six within some
// thousand runs.)

import { type ConformCase, type Json, type Outcome, type StepResult, threadsOf } from '../programs/conform/case.ts';
import { sameOutcome, stableText } from './canonical.ts';

const ORDER = 'a recorded outcome, but for the order of events: a source changed while another thread harvested';

/** Why an outcome is right though it was not recorded; undefined if it is not known to be. */
export function settledWhy(one: ConformCase, outcome: Outcome): string | undefined {
  if (Object.keys(one.threads).length === 0) return undefined;
  const found = inOrder(one, outcome);
  return one.expect.some((recorded) => sameOutcome(one, found, inOrder(one, recorded))) ? ORDER : undefined;
}

/** The outcome with the events of each epoll wait in the order of their texts. */
function inOrder(one: ConformCase, outcome: Outcome): Outcome {
  const sorted = (thread: string, result: StepResult, index: number): StepResult => {
    const step = threadsOf(one)[thread]?.[index];
    const isWait = step !== undefined && 'sys' in step && /^epoll_p?wait2?$/.test(step.sys);
    if (!isWait || result === 'blocked' || !Array.isArray(result.out)) return result;
    return {
      ...result,
      out: (result.out as readonly Json[]).toSorted((a, b) => (stableText(a) < stableText(b) ? -1 : 1)),
    };
  };
  return Object.fromEntries(
    Object.entries(outcome).map(([thread, results]) => [thread, results.map((each, i) => sorted(thread, each, i))]),
  );
}
