// From a trace to a plan: what the replayer does, and what each of its calls must answer. Pure; the machine is run.ts.

import { BUFFER_MAX, scratchOf } from './plan-arguments.ts';
import { longestOf, type Needs, needsOf } from './plan-needs.ts';
import { orderTrace } from './plan-order.ts';
import type { PlanOptions } from './plan-options.ts';
import { resolveTrace } from './plan-resolve.ts';
import type { Expected, PlannedCall, Resolved, Spurious, Verdict } from './plan-types.ts';
import { INTERRUPTION, walkTrace } from './plan-walk.ts';
import { signalIn, straceSignal } from './meaning.ts';
import type { CallRecord, Trace } from './record.ts';
import {
  ASK_BEFORE,
  ASK_DURING,
  progressOf,
  type Script,
  type ScriptAction,
  type ScriptDelivery,
  type ScriptStep,
  type ScriptThread,
} from './script.program.ts';
import { numberIn } from './value.ts';

export type { PlanOptions } from './plan-options.ts';
export type { Expected, ExpectedEvent, Spurious } from './plan-types.ts';

/** One call of the trace, as the comparison and the reports see it. */
export interface PlanCall {
  readonly record: CallRecord;
  readonly verdict: Verdict;
  readonly reason: string;
  /** Made by the replay, compared or not. */
  readonly made: boolean;
  readonly expected: Expected;
  /** What a wait may report besides, in a design to which any change is an edge. */
  readonly spurious: readonly Spurious[];
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
  /** By thread of the script: the calls of its steps. */
  readonly steps: readonly (readonly number[])[];
  readonly tids: readonly number[];
  /** What the machine must have room for. */
  readonly needs: Needs;
  /** The longest time between two calls, or within one. */
  readonly longestNs: number;
  readonly droppedGates: number;
}

/** Above all that the program is given or chooses by itself. */
export const OUTSIDE_FDS = 1 << 15;
/** Shorter pauses than this are not kept: the replay's own cost is of that size. */
const PAUSE_NS = 20_000;
/** What is reported beyond what is expected, before a report is cut. */
const SPARE_EVENTS = 16;

export function planReplay(trace: Trace, options: PlanOptions): Plan {
  const resolved = resolveTrace(trace, options);
  walkTrace(resolved);
  const ordered = orderTrace(resolved);
  const process = trace.threads[0]?.process ?? 0;
  const played = trace.threads.filter((thread) => thread.process === process);
  const indexOf = new Map(played.map((thread, index) => [thread.index, index]));
  const cpus = spread(played.map((thread) => resolved.byThread[thread.index]?.length ?? 0));
  const threads = played.map((thread, index): ScriptThread => {
    const calls = resolved.byThread[thread.index] ?? [];
    const isBorn = resolved.calls.some((call) => call.kind === 'birth' && call.extra.thread === thread.index);
    return scriptThread(calls, ordered, indexOf, { cpu: cpus[index] ?? 0, atStart: isBorn || index === 0 ? 0 : 1 });
  });
  const calls = resolved.calls.map(planCall);
  return {
    program: trace.program,
    calls,
    compared: calls.filter((call) => call.verdict === 'compared').length,
    imposed: count(calls, 'imposed'),
    unsupported: count(calls, 'unsupported'),
    script: {
      threads,
      endpoints: resolved.endpoints,
      slots: resolved.slots.length,
      results: calls.length,
      logBytes: logBytes(resolved.calls),
      outsideFds: OUTSIDE_FDS,
      cpus: options.cpus,
      ...signalsOf(resolved),
    },
    steps: played.map((thread) => (resolved.byThread[thread.index] ?? []).map((call) => call.index)),
    tids: played.map((thread) => thread.tid),
    needs: needsOf(resolved, played.length),
    longestNs: longestOf(resolved),
    droppedGates: ordered.dropped,
  };
}

function planCall(call: PlannedCall): PlanCall {
  return {
    record: call.record,
    verdict: call.verdict,
    reason: call.reason,
    made: call.kind !== 'pass',
    expected: call.expected,
    spurious: call.spurious,
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

function scriptThread(
  calls: readonly PlannedCall[],
  ordered: ReturnType<typeof orderTrace>,
  indexOf: ReadonlyMap<number, number>,
  where: { readonly cpu: number; readonly atStart: number },
): ScriptThread {
  const steps: ScriptStep[] = [];
  const deliveries: ScriptDelivery[] = [];
  let scratchBytes = 4096;
  let actorBytes = 4096;
  let freeNs = -PAUSE_NS;
  calls.forEach((call, place) => {
    let ask = 0;
    if (call.before.length > 0) {
      ask |= ASK_BEFORE;
      deliveries.push({ place, afterNs: -1, actions: renamed(call.before, indexOf) });
    }
    if (call.during.length > 0) {
      ask |= ASK_DURING;
      deliveries.push({ place, afterNs: patience(call), actions: renamed(call.during, indexOf) });
    }
    for (const action of [...call.before, ...call.during]) {
      if ('bytes' in action) actorBytes = Math.max(actorBytes, action.bytes + 64);
    }
    const { timeNs, endNs } = call.record;
    const startNs = call.held ? (endNs ?? timeNs) : timeNs;
    const after = (ordered.after[call.index] ?? []).map((value, at) =>
      at % 2 === 0 ? (indexOf.get(value) ?? 0) : value,
    );
    const { thread, ...extra } = call.extra;
    steps.push({
      kind: call.kind,
      index: call.index,
      name: call.name,
      args: call.args.map((argument) =>
        typeof argument === 'object' && 'thread' in argument ? { thread: indexOf.get(argument.thread) ?? 0 } : argument,
      ),
      after,
      startNs: startNs - freeNs >= PAUSE_NS ? startNs : -1,
      ask,
      announce: ordered.announce[call.index] ?? 0,
      ...extra,
      ...(call.closes.length > 0 ? { closes: call.closes } : {}),
      ...(call.names === undefined ? {} : { names: call.names }),
      ...lasting(call, indexOf),
      ...(thread === undefined ? {} : { thread: indexOf.get(thread) ?? 0 }),
    });
    freeNs = endNs ?? timeNs;
    scratchBytes = Math.max(scratchBytes, scratchOf(call.args));
  });
  const last = calls.at(-1);
  const endsWaiting =
    last !== undefined && last.kind === 'call' && last.end === Number.POSITIVE_INFINITY && !isExit(last);
  return {
    ...where,
    steps,
    deliveries,
    scratchBytes,
    actorBytes: Math.min(actorBytes, BUFFER_MAX),
    endsWaiting: endsWaiting ? 1 : 0,
  };
}

/** How long a wait must last that a design may end too early: one by edge. */
function lasting(call: PlannedCall, indexOf: ReadonlyMap<number, number>): Pick<ScriptStep, 'lasts'> {
  if (call.file?.hasEdges !== true || call.extra.report !== 'events' || !call.mayWait) return {};
  const after = call.makers.flatMap((maker) => [indexOf.get(maker.thread) ?? 0, progressOf(maker.place, false)]);
  const waitsForTime = call.slow && call.during.length === 0 && after.length === 0 && call.before.length === 0;
  return { lasts: { after, ns: waitsForTime ? patience(call) * LASTING_SHARE : 0 } };
}
/** Of its recorded time, so much must be over when a wait ends by itself. */
const LASTING_SHARE = 0.8;

function isExit(call: PlannedCall): boolean {
  return call.record.call === 'exit' || call.record.call === 'exit_group';
}

function renamed(actions: readonly ScriptAction[], indexOf: ReadonlyMap<number, number>): ScriptAction[] {
  return actions.map((action) =>
    action.do === 'signal' ? { ...action, thread: indexOf.get(action.thread) ?? 0 } : action,
  );
}

/** How long the outside lets a call wait: as long as it did in the trace, but not so long that it might time out. */
function patience(call: PlannedCall): number {
  const { record } = call;
  const tookNs = (record.endNs ?? record.timeNs) - record.timeNs;
  const place = record.call === 'poll' || record.call === 'ppoll' ? 2 : record.call.startsWith('epoll') ? 3 : -1;
  const timeoutMs = place < 0 ? -1 : (numberIn(record.args[place]?.value) ?? -1);
  if (timeoutMs <= 0) return tookNs;
  return Math.min(tookNs, Math.max(timeoutMs * 0.5e6, timeoutMs * 1e6 - 20e6));
}

/** The busiest threads get a CPU first; the machine takes the numbers modulo its CPUs. */
function spread(calls: readonly number[]): number[] {
  const cpus = calls.map(() => 0);
  const byLoad = calls.map((load, index) => ({ load, index })).sort((a, b) => b.load - a.load);
  byLoad.forEach(({ index }, rank) => {
    cpus[index] = rank;
  });
  return cpus;
}

/** Room for what waits report: a count, and three words for each event. */
function logBytes(calls: readonly PlannedCall[]): number {
  let words = 16;
  for (const call of calls) {
    if (call.kind !== 'call' || call.extra.report === undefined) continue;
    const { expected } = call;
    const events = expected.kind === 'events' || expected.kind === 'polled' ? expected.count : 0;
    words += 2 + 3 * (events + SPARE_EVENTS) + (call.spurious.length > 0 ? 2 + 3 * call.spurious.length : 0);
  }
  return words * 4;
}

function signalsOf(resolved: Resolved): Pick<Script, 'handled' | 'blocked' | 'ignored'> {
  const handled = new Set<number>([INTERRUPTION]);
  const fatal = new Set([
    SIGKILL,
    SIGSTOP,
    ...resolved.threads.map((thread) => straceSignal(thread.exit?.signal ?? '')),
  ]);
  for (const call of resolved.calls) {
    for (const action of call.during) {
      if (action.do === 'signal') handled.add(action.signal);
    }
    // One that the program sends itself and survives has a handler, or is blocked, whether or not the trace shows it.
    const sent =
      call.kind === 'call' && kills.has(call.record.call) ? signalIn(call.record.args.at(-1)?.value) : undefined;
    if (sent !== undefined && sent > 0 && !fatal.has(sent)) handled.add(sent);
  }
  const blocked = new Set(resolved.files.flatMap((file) => file.signals));
  return { handled: [...handled].filter((one) => !blocked.has(one)), blocked: [...blocked], ignored: [SIGPIPE] };
}
const SIGKILL = 9;
const SIGPIPE = 13;
const SIGSTOP = 19;
const kills: ReadonlySet<string> = new Set(['kill', 'tgkill', 'tkill']);
