// Whom each call must wait for: the order of the trace, and the gates that its results show.
//
// The trace's order is: a call starts only after every call of another thread that had ended before it started. Most of
// that follows from what the threads waited for already, so each thread keeps a clock of how far it knows every other
// to be, and only what the clock does not cover becomes a dependency.

import { progressOf } from './script.program.ts';
import type { Gate, PlannedCall, Resolved } from './plan-types.ts';

export interface Ordered {
  /** By call index: pairs (thread, progress). */
  readonly after: readonly (readonly number[])[];
  /** By call index: ANNOUNCE_* bits. */
  readonly announce: readonly number[];
  /** Gates that contradicted each other: left out, and told. */
  readonly dropped: number;
}

export function orderTrace(resolved: Resolved): Ordered {
  const gates = consistentGates(resolved);
  const threads = resolved.byThread.length;
  const known = resolved.byThread.map(() => new Int32Array(threads));
  /** The latest call of each thread that has ended, and what was known when it began. */
  const ended: { call: PlannedCall; clock: Int32Array }[] = [];
  const endless: PlannedCall[] = [];
  const after: number[][] = resolved.calls.map(() => []);
  const announce = resolved.calls.map(() => 0);
  const clocks = new Map<PlannedCall, Int32Array>();

  const depend = (call: PlannedCall, on: PlannedCall, isEnd: boolean, clock: Int32Array | undefined): void => {
    const mine = known[call.thread];
    const need = progressOf(on.place, isEnd);
    if (mine === undefined || on.thread === call.thread || (mine[on.thread] ?? 0) >= need) return;
    after[call.index]?.push(on.thread, need);
    announce[on.index] = (announce[on.index] ?? 0) | (isEnd ? 2 : 1);
    mine[on.thread] = need;
    for (let thread = 0; clock !== undefined && thread < threads; thread++) {
      mine[thread] = Math.max(mine[thread] ?? 0, clock[thread] ?? 0);
    }
  };

  for (const { call, ends } of moments(resolved.calls)) {
    if (ends) {
      ended[call.thread] = { call, clock: clocks.get(call) ?? new Int32Array(threads) };
      clocks.delete(call);
      continue;
    }
    const before = ended.filter((one) => one !== undefined && one.call.thread !== call.thread);
    before.sort((a, b) => b.call.end - a.call.end);
    for (const one of before) depend(call, one.call, true, one.clock);
    // What never came back was begun when the process ended.
    if (call.record.call === 'exit_group') for (const open of endless) depend(call, open, false, undefined);
    if (call.end === Number.POSITIVE_INFINITY) endless.push(call);
    // A gate may name a call that begins later in the trace: its own clock is not known yet, and not needed.
    for (const { call: other, ended: isEnd } of gates.get(call) ?? []) depend(call, other, isEnd, undefined);
    clocks.set(call, Int32Array.from(known[call.thread] ?? []));
  }
  let dropped = 0;
  for (const call of resolved.calls) dropped += call.after.length - (gates.get(call)?.length ?? 0);
  return { after, announce, dropped };
}

interface Moment {
  readonly at: number;
  readonly call: PlannedCall;
  readonly ends: boolean;
}

export function moments(calls: readonly PlannedCall[]): Moment[] {
  const all: Moment[] = [];
  for (const call of calls) {
    all.push({ at: call.begin, call, ends: false });
    if (call.end !== Number.POSITIVE_INFINITY) all.push({ at: call.end, call, ends: true });
  }
  return all.sort((a, b) => a.at - b.at);
}

/**
 * The gates, without those that would make the replay wait for itself. They come from overlapping calls, whose true
 * order the trace does not tell, and an inference may be wrong; a result that then differs is a mismatch, not a hang.
 */
function consistentGates(resolved: Resolved): Map<PlannedCall, Gate[]> {
  const kept = new Map<PlannedCall, Gate[]>();
  const users = new Map<PlannedCall, PlannedCall[]>();
  const made = new Map<PlannedCall, PlannedCall[]>();
  for (const call of resolved.calls) {
    for (const maker of call.makers) made.set(maker, [...(made.get(maker) ?? []), call]);
  }
  const search = new GateSearch(resolved, users, made);
  for (const call of resolved.calls) {
    for (const gate of call.after) {
      if (search.leads(call, gate)) continue;
      kept.set(call, [...(kept.get(call) ?? []), gate]);
      users.set(gate.call, [...(users.get(gate.call) ?? []), call]);
    }
  }
  return kept;
}

/** Looks for a way from one call's begin to another's begin or end, over what must happen before what. */
class GateSearch {
  private readonly resolved: Resolved;
  private readonly users: ReadonlyMap<PlannedCall, readonly PlannedCall[]>;
  private readonly made: ReadonlyMap<PlannedCall, readonly PlannedCall[]>;

  constructor(
    resolved: Resolved,
    users: ReadonlyMap<PlannedCall, readonly PlannedCall[]>,
    made: ReadonlyMap<PlannedCall, readonly PlannedCall[]>,
  ) {
    this.resolved = resolved;
    this.users = users;
    this.made = made;
  }

  /** Whether `gate` can only open after `call` has begun. */
  leads(call: PlannedCall, gate: Gate): boolean {
    // Whatever begins after this event cannot be on the way.
    const limit = gate.ended ? gate.call.end : gate.call.begin;
    const begun = new Set<PlannedCall>();
    const ended = new Set<PlannedCall>();
    const stack: { call: PlannedCall; ended: boolean }[] = [{ call, ended: false }];
    while (stack.length > 0) {
      const node = stack.pop();
      if (node === undefined) break;
      const seen = node.ended ? ended : begun;
      if (seen.has(node.call)) continue;
      seen.add(node.call);
      if (node.call === gate.call && node.ended === gate.ended) return true;
      if (!node.ended) {
        stack.push({ call: node.call, ended: true });
        for (const user of this.made.get(node.call) ?? []) stack.push({ call: user, ended: true });
      } else if (node.call.end < limit) {
        for (const thread of this.resolved.byThread) {
          const next = firstAfter(thread, node.call.end);
          if (next !== undefined && next.begin <= limit) stack.push({ call: next, ended: false });
        }
      }
      for (const user of this.users.get(node.call) ?? []) stack.push({ call: user, ended: false });
    }
    return false;
  }
}

/** The first call of a thread that begins after an event. */
function firstAfter(calls: readonly PlannedCall[], event: number): PlannedCall | undefined {
  let low = 0;
  let high = calls.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((calls[middle]?.begin ?? 0) > event) high = middle;
    else low = middle + 1;
  }
  return calls[low];
}
