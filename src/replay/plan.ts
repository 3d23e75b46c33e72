// From a trace to a plan: what the replayer does, and what each of its calls must answer. Pure; the machine is run.ts.

import { longestOf, type Needs, needsOf } from './plan-needs.ts';
import { orderTrace } from './plan-order.ts';
import { edgesDuring, levelsDuring } from './plan-items.ts';
import type { PlanOptions } from './plan-options.ts';
import { resolveTrace } from './plan-resolve.ts';
import { scriptOf } from './plan-script.ts';
import type { PlannedCall } from './plan-types.ts';
import { walkTrace } from './plan-walk.ts';
import type { Expected, ExpectedEvent, Spurious, Verdict } from './plan-words.ts';
import type { CallRecord, Trace } from './record.ts';
import type { Script } from './script.program.ts';

export type { PlanOptions } from './plan-options.ts';
export type { Expected, ExpectedEvent, Spurious } from './plan-words.ts';

/** One call of the trace, as the comparison and the reports see it. */
export interface PlanCall {
  readonly record: CallRecord;
  readonly verdict: Verdict;
  readonly reason: string;
  /** Made by the replay, compared or not. */
  readonly made: boolean;
  readonly expected: Expected;
  /** Data of what a wait reports only because of a MOD; an epoll_ctl takes a number that is watched already. */
  readonly modified: readonly bigint[];
  readonly retakes: boolean;
  /** A wait: an earlier one on its instance had no room for all, and took perhaps others. */
  readonly afterFull: boolean;
  /** ERR and HUP, by data, that a wait reports although they were not asked for. */
  readonly unasked: readonly ExpectedEvent[];
  /** What a wait may report besides, in a design to which any change is an edge. */
  readonly spurious: readonly Spurious[];
  /** What its instance watched by level while it ran. */
  readonly levels: readonly Spurious[];
  /** Its place in the table of results. */
  readonly index: number;
  /** The kind of file that it works on, '' for none. */
  readonly on: string;
}

export interface Plan {
  readonly program: string;
  readonly calls: readonly PlanCall[];
  readonly compared: number;
  readonly imposed: Readonly<Record<string, number>>;
  readonly unsupported: Readonly<Record<string, number>>;
  readonly script: Script;
  /** By thread of the script: the calls of its steps; -1 for a step that is not in the trace. */
  readonly steps: readonly (readonly number[])[];
  /** The recorded descriptor of each slot. */
  readonly numbers: readonly number[];
  /** By thread of the script. */
  readonly tids: readonly number[];
  readonly processes: number;
  /** What the machine must have room for. */
  readonly needs: Needs;
  /** The longest time between two calls, or within one. */
  readonly longestNs: number;
  readonly droppedGates: number;
  /** Interests that end with files that are closed. */
  readonly closedWatched: number;
  /** Events that waits report by level, not for the first time. */
  readonly repeated: number;
}

export function planReplay(trace: Trace, options: PlanOptions): Plan {
  const resolved = resolveTrace(trace, options);
  walkTrace(resolved);
  const ordered = orderTrace(resolved);
  const calls = resolved.calls.filter((call) => !call.synthetic).map(planCall);
  return {
    program: trace.program,
    calls,
    compared: calls.filter((call) => call.verdict === 'compared').length,
    imposed: count(calls, 'imposed'),
    unsupported: count(calls, 'unsupported'),
    script: scriptOf(resolved, ordered, options.cpus),
    steps: resolved.byThread.map((thread) => thread.map((call) => call.index)),
    numbers: resolved.slots.map(({ number }) => number),
    tids: [...trace.threads.map((thread) => thread.tid), 0],
    processes: new Set(resolved.processes).size,
    needs: needsOf(resolved),
    longestNs: longestOf(resolved),
    droppedGates: ordered.dropped,
    closedWatched: resolved.calls.reduce((sum, call) => sum + call.removes.length / 2, 0),
    repeated: resolved.calls.reduce((sum, call) => sum + call.repeats.length / 5, 0),
  };
}

function planCall(call: PlannedCall): PlanCall {
  return {
    record: call.record,
    verdict: call.verdict,
    reason: call.reason,
    made: call.kind === 'call' || call.kind === 'birth',
    expected: call.expected,
    modified: call.modified,
    unasked: call.unasked,
    retakes: call.retakes,
    afterFull: call.afterFull,
    get spurious() {
      return edgesDuring(call);
    },
    get levels() {
      return levelsDuring(call);
    },
    index: call.index,
    on: call.file?.kind ?? '',
  };
}

function count(calls: readonly PlanCall[], verdict: Verdict): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const call of calls) {
    if (call.verdict === verdict) counts[call.reason] = (counts[call.reason] ?? 0) + 1;
  }
  return counts;
}
