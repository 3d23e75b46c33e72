// How long a call of a case waits, and what it says of its time: foretold for foretell.ts.

import type { Argument, Json, Step, StepResult, SystemCallStep } from '../../programs/conform/case.ts';
import { isWait } from './epoll-calls.ts';
import { isPoll, pollLimitNs, waitLimitNs } from './poll-calls.ts';

/** How long a call waits at most; undefined where the model does not know. */
export function limitOf(call: SystemCallStep): number | undefined {
  if (call.sys === 'read') return Number.POSITIVE_INFINITY;
  if (isPoll(call)) return pollLimitNs(call);
  return isWait(call) ? waitLimitNs(call) : undefined;
}

interface Times {
  readonly waited?: boolean;
  readonly quick?: boolean;
}

/**
 * What a call that took so long says of its bounds; whoever can be woken by others may have taken any time. A busy host
 * makes any call late, so one that need not wait may be seen to have waited.
 */
export function timesOf(step: Step, tookMs: number | undefined): readonly Times[] {
  if (!('sys' in step)) return [{}];
  const { at_least_ms: least, under_ms: most } = step;
  const surelyWaited = least !== undefined && tookMs !== undefined && tookMs >= least - 0.5;
  const waited = least === undefined ? [undefined] : surelyWaited ? [true] : [false, true];
  const quick = most === undefined ? [undefined] : tookMs === undefined ? [false, true] : [tookMs < most];
  return waited.flatMap((one) =>
    quick.map((other) => ({ ...(one !== undefined && { waited: one }), ...(other !== undefined && { quick: other }) })),
  );
}

export function withTimes(result: StepResult, times: Times): StepResult {
  return result === 'blocked' ? result : { ...result, ...times };
}

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
