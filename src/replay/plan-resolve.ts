// First pass over a trace: which descriptor each call means, what file is behind it, what the call does to it and what it
// tells about it. The events are taken in the order of the trace; what a call changes, it changes when it ends.

import { ResolveState } from './plan-state.ts';
import { beginCall } from './plan-begin.ts';
import { endCall } from './plan-effects.ts';
import { findHidden } from './plan-hidden.ts';
import { eventsInOrder } from './order.ts';
import type { PlanOptions } from './plan-options.ts';
import type { PlannedCall, Resolved } from './plan-types.ts';
import type { CallRecord, Trace } from './record.ts';

/** Below this no call is taken to have waited, whatever the trace's own overhead. */
const SLOW_NS = 50_000;
/** Calls that never wait: what they take is the cost of tracing. */
const neverWait = new Set(['epoll_ctl', 'close', 'fcntl', 'eventfd2', 'pipe2', 'socket', 'bind', 'listen', 'dup']);

export function resolveTrace(trace: Trace, options: PlanOptions): Resolved {
  const state = new ResolveState(trace, new Set(options.implemented));
  const slowNs = slowness(trace);
  const byRecord = new Map<CallRecord, PlannedCall>();
  const places = trace.threads.map(() => 0);
  const calls: PlannedCall[] = [];
  const byThread: PlannedCall[][] = trace.threads.map(() => []);
  const events = eventsInOrder(trace);
  const ends = new Map<CallRecord, number>();
  events.forEach((event, at) => {
    if (event.kind === 'end' && event.record.outcome !== 'vanished') ends.set(event.record, at);
  });
  events.forEach((event, at) => {
    if (event.kind === 'begin') {
      const { record } = event;
      const call: PlannedCall = {
        record,
        thread: record.thread,
        place: places[record.thread]!++,
        index: calls.length,
        begin: at,
        end: ends.get(record) ?? Number.POSITIVE_INFINITY,
        slow: (record.durationNs ?? (record.endNs ?? record.timeNs) - record.timeNs) > slowNs,
        verdict: 'compared',
        reason: '',
        kind: 'call',
        name: 'getpid',
        args: [],
        extra: {},
        closes: [],
        names: undefined,
        expected: { kind: 'silence' },
        file: undefined,
        output: undefined,
        observations: [],
        reports: [],
        silent: [],
        spurious: [],
        hidden: 0,
        mayWait: false,
        before: [],
        during: [],
        held: false,
        after: [],
        makers: [],
      };
      calls.push(call);
      byThread[record.thread]!.push(call);
      byRecord.set(record, call);
      beginCall(state, call);
    } else if (event.kind === 'end') {
      const call = byRecord.get(event.record);
      if (call !== undefined && call.end === at) endCall(state, call);
    }
  });
  findHidden(byThread);
  for (const file of state.descriptors.files) {
    file.inbox?.observations.sort((a, b) => a.call.end - b.call.end);
    file.inbox?.observations.forEach((observation, place) => {
      observation.place = place;
    });
  }
  return {
    calls,
    byThread,
    threads: trace.threads,
    slots: state.descriptors.slots,
    files: state.descriptors.files,
    endpoints: state.endpoints,
  };
}

/** Longer than nearly all calls that cannot wait: a call that took longer did wait. */
function slowness(trace: Trace): number {
  const durations: number[] = [];
  for (const thread of trace.threads) {
    for (const record of thread.records) {
      if (record.kind === 'call' && neverWait.has(record.call)) durations.push(record.durationNs ?? 0);
    }
  }
  durations.sort((a, b) => a - b);
  return Math.max(SLOW_NS, 2 * (durations[Math.floor(durations.length * 0.95)] ?? 0));
}
