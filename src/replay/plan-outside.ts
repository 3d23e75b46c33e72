// What the outside brings for an observation, and how much of it: all that the trace shows to be taken before the
// program looks again, so that a level-triggered wait reports what it did and a short read stays short.

import { EPOLLERR, EPOLLHUP, EPOLLRDHUP } from '../kernel/abi/flags-event.ts';
import { end, putFor } from './plan-channel.ts';
import { lend } from './plan-lend.ts';
import { signalIn } from './meaning.ts';
import type { Resolved } from './plan-resolved.ts';
import type { Channel, Observation, PlanFile, PlannedCall } from './plan-types.ts';
import type { ScriptAction } from './script.program.ts';
import { fieldIn, itemsIn } from './value.ts';

/** More than this does not lie in a unix socket at once. */
const BYTES_AT_ONCE = 100_000;

/** A wait reports the channel, and nothing explains it: at least one thing comes, and what is taken before the next wait. */
export function bringSome(resolved: Resolved, o: Observation, isHangUp: boolean): ScriptAction[] {
  const { channel } = o;
  const { taken, ends, resets } = lookAhead(o);
  if (channel.unit === 'connections') {
    const next = channel.observations.slice(o.place + 1).find((one) => one.kind === 'took');
    return bringListed(resolved, channel, taken.length > 0 || next === undefined ? taken : [next], o);
  }
  const from = isHangUp ? channel.observations.slice(o.place + 1).filter((one) => one.kind === 'took') : taken;
  let amount = from.reduce((sum, next) => sum + next.amount, 0) - channel.available;
  let isOver = ends;
  if (amount <= 0 && !ends && !resets && !isHangUp) {
    isOver = nothingComes(o);
    amount = isOver ? 0 : 1;
  }
  const actions: ScriptAction[] = [];
  const now = Math.min(amount, BYTES_AT_ONCE);
  if (now > 0) actions.push(...bring(resolved, channel, now, o));
  if (isHangUp || resets) actions.push(...bringReset(channel, o.call.end, resets || (o.bits & EPOLLERR) !== 0));
  else if (isOver && now >= amount) actions.push(...bringEnd(channel, o.call.end));
  return actions;
}

interface Ahead {
  readonly taken: readonly Observation[];
  readonly ends: boolean;
  readonly resets: boolean;
}

/** What is taken after a report and before the next wait that could report; by edge, before the next report. */
function lookAhead(o: Observation): Ahead {
  const { channel } = o;
  const { observations } = channel;
  const taken: Observation[] = [];
  for (let place = o.place + 1; place < observations.length; place++) {
    const next = observations[place];
    if (next === undefined || (!o.edge && next.round !== o.round)) break;
    // By edge all of it came at once, or there would have been another report.
    if (o.edge && next.kind === 'ready' && next.item !== o.item) continue;
    if (next.kind === 'ready') break;
    if (next.kind !== 'took') return { taken, ends: next.kind === 'ended', resets: next.kind === 'reset' };
    taken.push(next);
    // It would have taken more, so the rest came later; but what is reported to end has ended.
    const isShort = channel.unit === 'bytes' && next.amount < next.limit;
    if (isShort && (o.bits & (EPOLLRDHUP | EPOLLHUP)) === 0) break;
  }
  return { taken, ends: false, resets: false };
}

/** Whether the channel was reported for its end alone. */
function nothingComes(o: Observation): boolean {
  const { observations } = o.channel;
  for (let place = o.place + 1; place < observations.length; place++) {
    const kind = observations[place]?.kind;
    if (kind === 'took') return false;
    if (kind === 'ended' || kind === 'reset') return true;
  }
  return (o.bits & (EPOLLRDHUP | EPOLLHUP)) !== 0;
}

/** The rest of what a call takes. */
export function bringMore(resolved: Resolved, o: Observation): ScriptAction[] {
  return bring(resolved, o.channel, o.amount - o.channel.available, o);
}

export function bringConnections(resolved: Resolved, o: Observation): ScriptAction[] {
  return bringListed(resolved, o.channel, [o], o);
}

/** Connections that the trace shows to be taken, as many as the backlog holds; one at least. */
function bringListed(
  resolved: Resolved,
  channel: Channel,
  taken: readonly Observation[],
  o: Observation,
): ScriptAction[] {
  const { file } = channel;
  if (file.name === undefined) return [];
  const actions: ScriptAction[] = [];
  for (const { endpoint } of taken) {
    if (endpoint < 0 || channel.brought.has(endpoint) || channel.available > file.backlog) continue;
    channel.brought.add(endpoint);
    actions.push({ do: 'connect', endpoint, address: file.name });
    putFor(channel, 1, o.call);
  }
  if (actions.length > 0 || channel.available > 0) {
    if (actions.length > 0) keepOrder(channel, o.call);
    return actions;
  }
  keepOrder(channel, o.call);
  // One that the program never took.
  const endpoint = resolved.endpoints.push({ kind: 'socket' }) - 1;
  putFor(channel, 1, o.call);
  return [{ do: 'connect', endpoint, address: file.name }];
}

/** Connections are taken in the order in which they come, so those for another thread's call come first. */
function keepOrder(channel: Channel, call: PlannedCall): void {
  const { lastBringer } = channel;
  if (lastBringer !== undefined && lastBringer.thread !== call.thread) {
    call.after.push({ call: lastBringer, ended: lastBringer.during.length > 0 });
  }
  channel.lastBringer = call;
}

function bring(resolved: Resolved, channel: Channel, amount: number, o: Observation): ScriptAction[] {
  const { file } = channel;
  putFor(channel, amount, o.call);
  if (channel.unit === 'signals') {
    return signalsOf(o, amount).map((signal) => ({ do: 'signal', thread: o.call.thread, signal, whole: true }));
  }
  if (file.endpoint >= 0) return [{ do: 'send', endpoint: file.endpoint, bytes: amount }];
  const counts = channel.unit === 'count' || channel.unit === 'semaphore';
  // Both ends are the program's, but who wrote is not in the trace: a child process, or a call that was not recorded.
  const endpoint = lend(resolved, counts ? file : (file.writer ?? file.outbox?.file ?? file), o.call);
  if (endpoint < 0) return [];
  return [
    { do: 'receive', endpoint, alone: false },
    { do: 'feed', endpoint, bytes: amount, counts },
    { do: 'close', endpoint },
  ];
}

/** Which signals a signalfd gave: strace prints them in what was read. */
function signalsOf(o: Observation, amount: number): readonly number[] {
  const taken = o.kind === 'took' ? o : o.channel.observations.slice(o.place + 1).find((one) => one.kind === 'took');
  const printed = itemsIn(taken?.call.record.args[1]?.value)
    .map((item) => signalIn(fieldIn(item, 'ssi_signo')))
    .filter((signal) => signal !== undefined);
  return (printed.length > 0 ? printed : o.channel.file.signals).slice(0, amount);
}

export function bringEnd(channel: Channel, at: number): ScriptAction[] {
  if (channel.ended) return [];
  end(channel, undefined, at);
  const { endpoint } = channel.file;
  return endpoint < 0 ? [] : [{ do: 'finish', endpoint }];
}

/** A peer has gone before a call: what the program takes later must have come from it before. */
export function leaveBefore(call: PlannedCall, file: PlanFile): ScriptAction[] {
  const { inbox, endpoint } = file;
  const actions: ScriptAction[] = [];
  if (inbox !== undefined && inbox.unit === 'bytes' && !inbox.ended) {
    const later = inbox.observations.filter((one) => one.kind === 'took' && one.call.begin > call.begin);
    const bytes = Math.min(later.reduce((sum, { amount }) => sum + amount, 0) - inbox.available, BYTES_AT_ONCE);
    if (bytes > 0) {
      putFor(inbox, bytes, call);
      actions.push({ do: 'send', endpoint, bytes });
    }
    const resets = inbox.observations.some((one) => one.kind === 'reset' && one.call.begin > call.begin);
    return [...actions, ...bringReset(inbox, call.begin, resets)];
  }
  return [
    { do: 'drain', endpoint },
    { do: 'close', endpoint },
  ];
}

/** The peer is gone in both directions. What it has not read makes its close a reset, so without one it reads all. */
export function bringReset(channel: Channel, at: number, resets: boolean): ScriptAction[] {
  end(channel, undefined, at);
  const { endpoint } = channel.file;
  if (endpoint < 0) return [];
  return resets
    ? [{ do: 'close', endpoint }]
    : [
        { do: 'drain', endpoint },
        { do: 'close', endpoint },
      ];
}
