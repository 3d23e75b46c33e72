// First pass over a trace: which descriptor each call means, what file is behind it, what the call does to it and what it
// tells about it. The events are taken in the order of the trace; what a call changes, it changes when it ends.

import { ResolveState } from './plan-state.ts';
import { beginCall } from './plan-begin.ts';
import { firstThreads } from './plan-births.ts';
import { type Death, deathsOf } from './plan-deaths.ts';
import { threadDies } from './plan-dying.ts';
import { endCall } from './plan-effects.ts';
import { findHidden } from './plan-hidden.ts';
import { eventsInOrder, type TraceEvent } from './order.ts';
import type { PlanOptions } from './plan-options.ts';
import { presetActions } from './plan-presets.ts';
import { arrives } from './plan-signals.ts';
import type { Resolved } from './plan-resolved.ts';
import type { PlannedCall } from './plan-types.ts';
import { waitNeverEnds } from './plan-waits.ts';
import type { CallRecord, Trace } from './record.ts';

/** Below this no call is taken to have waited, whatever the trace's own overhead. */
const SLOW_NS = 50_000;
/** Calls that never wait: what they take is the cost of tracing. */
const neverWait = new Set(['epoll_ctl', 'close', 'fcntl', 'eventfd2', 'pipe2', 'socket', 'bind', 'listen', 'dup']);

type Step = { readonly at: number } & ({ readonly event: TraceEvent } | { readonly death: Death });

export function resolveTrace(trace: Trace, options: PlanOptions): Resolved {
  const state = new ResolveState(trace, new Set(options.implemented), presetActions(trace));
  firstThreads(state);
  const events = eventsInOrder(trace);
  const deaths = deathsOf(trace, events);
  const calls = new Calls(trace, deaths, events);
  const steps: Step[] = events.map((event, at) => ({ at, event }));
  for (const death of deaths.values()) steps.push({ at: death.at, death });
  steps.sort((a, b) => a.at - b.at);
  for (const step of steps) {
    if ('death' in step) threadDies(state, step.death, (made) => calls.add(made, true));
    else take(state, calls, step.event, step.at, deaths);
  }
  for (const call of calls.all) if (call.end === Number.POSITIVE_INFINITY) waitNeverEnds(call);
  findHidden(calls.byThread);
  for (const file of state.files.files) {
    file.inbox?.observations.sort((a, b) => a.call.end - b.call.end);
    file.inbox?.observations.forEach((observation, place) => {
      observation.place = place;
    });
  }
  return {
    calls: calls.all,
    byThread: calls.byThread,
    threads: trace.threads,
    processes: state.processes,
    slots: state.files.slots,
    files: state.files.files,
    endpoints: state.endpoints,
    arrivals: state.arrivals,
    presets: state.presets,
    chosenFds: state.chosenFds,
  };
}

function take(
  state: ResolveState,
  calls: Calls,
  event: TraceEvent,
  at: number,
  deaths: ReadonlyMap<number, Death>,
): void {
  if (event.kind === 'signal') {
    arrives(state, event.record, at);
    return;
  }
  if (event.kind === 'exit') return;
  state.focus(event.record.thread);
  if (event.kind === 'begin') {
    const call = calls.begin(event.record, at);
    state.lastCall[call.thread] = call;
    call.table = state.descriptors.id;
    beginCall(state, call);
    return;
  }
  const call = calls.of(event.record);
  if (call !== undefined && call.end === at) endCall(state, call, deaths);
}

/** The calls of a trace as they are found, and those that are made up. */
class Calls {
  readonly all: PlannedCall[] = [];
  /** The last one is of the outside itself. */
  readonly byThread: PlannedCall[][];
  private readonly byRecord = new Map<CallRecord, PlannedCall>();
  private readonly ends = new Map<CallRecord, number>();
  private readonly dying = new Map<CallRecord, number>();
  private readonly slowNs: number;
  private counted = 0;

  constructor(trace: Trace, deaths: ReadonlyMap<number, Death>, events: readonly TraceEvent[]) {
    this.byThread = [...trace.threads.map(() => []), []];
    this.slowNs = slowness(trace);
    events.forEach((event, at) => {
      if (event.kind === 'end' && event.record.outcome !== 'vanished') this.ends.set(event.record, at);
    });
    for (const thread of trace.threads) {
      const last = thread.records.findLast((record) => record.kind === 'call');
      const death = deaths.get(thread.index);
      if (last === undefined || death === undefined) continue;
      if (last.outcome === 'vanished' || last.outcome === 'unfinished') this.dying.set(last, death.at);
    }
  }

  of(record: CallRecord): PlannedCall | undefined {
    return this.byRecord.get(record);
  }

  begin(record: CallRecord, at: number): PlannedCall {
    const dying = this.dying.get(record);
    const end = dying ?? this.ends.get(record) ?? Number.POSITIVE_INFINITY;
    const call = this.add({ record, thread: record.thread, begin: at, end, dies: dying !== undefined }, false);
    this.byRecord.set(record, call);
    return call;
  }

  add(made: Pick<PlannedCall, 'record' | 'thread' | 'begin' | 'end' | 'dies'>, synthetic: boolean): PlannedCall {
    const { record, thread } = made;
    const call: PlannedCall = {
      ...made,
      synthetic,
      fatal: false,
      table: -1,
      place: this.byThread[thread]!.length,
      index: synthetic ? -1 : this.counted++,
      slow: (record.durationNs ?? (record.endNs ?? record.timeNs) - record.timeNs) > this.slowNs,
      verdict: 'compared',
      reason: '',
      kind: 'call',
      name: 'getpid',
      args: [],
      extra: {},
      closes: [],
      lends: [],
      ends: [],
      names: undefined,
      expected: { kind: 'silence' },
      file: undefined,
      outputs: [],
      observations: [],
      reports: [],
      silent: [],
      modified: [],
      unasked: [],
      retakes: false,
      removes: [],
      skims: [],
      armed: [],
      repeats: [],
      afterFull: false,
      hidden: 0,
      full: false,
      mayWait: false,
      before: [],
      during: [],
      held: false,
      after: [],
      makers: [],
      awaits: [],
    };
    this.all.push(call);
    this.byThread[thread]!.push(call);
    return call;
  }
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
