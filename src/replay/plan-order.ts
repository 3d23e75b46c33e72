// Whom each call must wait for: the order of the trace, and the gates that its results show.
//
// The trace's order is: a call starts only after every call of another thread that had ended before it started. Most of
// that follows from what the threads waited for already, so each thread keeps a clock of how far it knows every other
// to be, and only what the clock does not cover becomes a dependency.

import { ANNOUNCE_BEGIN, ANNOUNCE_END, progressOf } from './script.program.ts';
import type { Resolved } from './plan-resolved.ts';
import type { Gate, PlannedCall } from './plan-types.ts';

export interface Ordered {
  /** Pairs (thread, progress). */
  readonly after: ReadonlyMap<PlannedCall, readonly number[]>;
  /** ANNOUNCE_* bits. */
  readonly announce: ReadonlyMap<PlannedCall, number>;
  /** Gates that contradicted each other: left out, and told. */
  readonly dropped: number;
}

/** The latest call of a thread that has ended, and what was known when it began. */
interface Ended {
  readonly call: PlannedCall;
  readonly clock: Int32Array;
}

export function orderTrace(resolved: Resolved): Ordered {
  const gates = consistentGates(resolved);
  const threads = resolved.byThread.length;
  const known = resolved.byThread.map(() => new Int32Array(threads));
  const latest: (Ended | undefined)[] = [];
  /** Every end, latest last. */
  const ends: Ended[] = [];
  const after = new Map<PlannedCall, number[]>();
  const announce = new Map<PlannedCall, number>();
  const clocks = new Map<PlannedCall, Int32Array>();

  /** @returns whether that is new */
  const depend = (call: PlannedCall, on: PlannedCall, isEnd: boolean, clock: Int32Array | undefined): boolean => {
    const mine = known[call.thread];
    const need = progressOf(on.place, isEnd);
    if (mine === undefined || on.thread === call.thread || (mine[on.thread] ?? 0) >= need) return false;
    const pairs = after.get(call) ?? [];
    pairs.push(on.thread, need);
    after.set(call, pairs);
    announce.set(on, (announce.get(on) ?? 0) | (isEnd ? ANNOUNCE_END : ANNOUNCE_BEGIN));
    mine[on.thread] = need;
    for (let thread = 0; clock !== undefined && thread < threads; thread++) {
      if ((clock[thread] ?? 0) > (mine[thread] ?? 0)) mine[thread] = clock[thread] ?? 0;
    }
    return true;
  };

  /** What ended before a call of the same thread, or of one that it came after, began is known to have. */
  const comeAfterEnds = (call: PlannedCall): void => {
    let covered = resolved.byThread[call.thread]?.[call.place - 1]?.begin ?? -1;
    for (let at = ends.length - 1; at >= 0; at--) {
      const one = ends[at];
      if (one === undefined || one.call.end < covered) return;
      if (one.call.thread === call.thread || latest[one.call.thread] !== one) continue;
      if (depend(call, one.call, true, one.clock)) covered = Math.max(covered, one.call.begin);
    }
  };

  for (const { call, ends: isEnd } of moments(resolved.calls)) {
    if (isEnd) {
      const one = { call, clock: clocks.get(call) ?? new Int32Array(threads) };
      latest[call.thread] = one;
      ends.push(one);
      clocks.delete(call);
      continue;
    }
    comeAfterEnds(call);
    // A gate may name a call that begins later in the trace: its own clock is not known yet, and not needed.
    for (const { call: other, ended } of gates.get(call) ?? []) depend(call, other, ended, undefined);
    for (const { call: other, ended } of call.awaits) {
      announce.set(other, (announce.get(other) ?? 0) | (ended ? ANNOUNCE_END : ANNOUNCE_BEGIN));
    }
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
  const awaited = new Map<PlannedCall, PlannedCall[]>();
  for (const call of resolved.calls) {
    for (const maker of call.makers) made.set(maker, [...(made.get(maker) ?? []), call]);
    for (const { call: other } of call.awaits) awaited.set(other, [...(awaited.get(other) ?? []), call]);
  }
  const search = new GateSearch(resolved, users, made, awaited);
  for (const call of resolved.calls) {
    for (const gate of call.after) {
      const never = gate.ended && gate.call.end === Number.POSITIVE_INFINITY;
      if (never || search.leads(call, gate)) continue;
      kept.set(call, [...(kept.get(call) ?? []), gate]);
      users.set(gate.call, [...(users.get(gate.call) ?? []), call]);
    }
  }
  return kept;
}

/** Looks for a way from one call's begin to another's begin or end, over what must happen before what. */
class GateSearch {
  private readonly byBegin: readonly PlannedCall[];
  private readonly users: ReadonlyMap<PlannedCall, readonly PlannedCall[]>;
  private readonly made: ReadonlyMap<PlannedCall, readonly PlannedCall[]>;
  private readonly awaited: ReadonlyMap<PlannedCall, readonly PlannedCall[]>;

  constructor(
    resolved: Resolved,
    users: ReadonlyMap<PlannedCall, readonly PlannedCall[]>,
    made: ReadonlyMap<PlannedCall, readonly PlannedCall[]>,
    awaited: ReadonlyMap<PlannedCall, readonly PlannedCall[]>,
  ) {
    this.byBegin = [...resolved.calls].sort((a, b) => a.begin - b.begin);
    this.users = users;
    this.made = made;
    this.awaited = awaited;
  }

  /** Whether `gate` can only open after `call` has begun. */
  leads(call: PlannedCall, gate: Gate): boolean {
    // Whatever begins after this event cannot be on the way; all that begins after `reached` is.
    const limit = gate.ended ? gate.call.end : gate.call.begin;
    let reached = limit;
    const begun = new Set<PlannedCall>();
    const ended = new Set<PlannedCall>();
    const stack: { call: PlannedCall; ended: boolean }[] = [{ call, ended: false }];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      const seen = node.ended ? ended : begun;
      if (seen.has(node.call)) continue;
      seen.add(node.call);
      if (node.call === gate.call && node.ended === gate.ended) return true;
      for (const user of this.users.get(node.call) ?? []) stack.push({ call: user, ended: false });
      if (!node.ended) {
        stack.push({ call: node.call, ended: true });
        for (const user of this.made.get(node.call) ?? []) stack.push({ call: user, ended: true });
        continue;
      }
      for (const user of this.awaited.get(node.call) ?? []) stack.push({ call: user, ended: true });
      if (node.call.end < reached) {
        for (const next of this.between(node.call.end, reached)) stack.push({ call: next, ended: false });
        reached = node.call.end;
      }
    }
    return false;
  }

  /** Calls that begin after one event and up to another. */
  private between(from: number, to: number): readonly PlannedCall[] {
    return this.byBegin.slice(firstAfter(this.byBegin, from), firstAfter(this.byBegin, to));
  }
}

/** Where those begin that begin after an event. */
function firstAfter(calls: readonly PlannedCall[], event: number): number {
  let low = 0;
  let high = calls.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((calls[middle]?.begin ?? 0) > event) high = middle;
    else low = middle + 1;
  }
  return low;
}
