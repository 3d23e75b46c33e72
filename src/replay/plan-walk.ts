// Second pass: when does what must be there come? The events are walked once more, with the state of every channel.
//
// What a call took, or was told of, was there. If calls of the program put it there before, nothing is to be done. If one
// overlapped with it, the replay must keep the order that the result shows. What no call of the program explains came
// from outside, and the outside brings it as late as it can: just before the call, or while the call waits.

import { EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP } from '../kernel/abi/flags-event.ts';
import { SHUT_RD } from '../kernel/abi/flags-socket.ts';
import { flowIn, newestInflow, openProducer, settle, takeOut } from './plan-channel.ts';
import { bringConnections, bringEnd, bringMore, bringReset, bringSome } from './plan-outside.ts';
import { gives, isShort, lengthOf, SEND_MAX, SEND_ROOM, sendCost, wordOf } from './plan-record.ts';
import type { Channel, Item, Observation, PlannedCall, Report, Resolved } from './plan-types.ts';
import { kernelResult, straceSignal } from './meaning.ts';
import type { ScriptAction } from './script.program.ts';

const INPUT = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR;

/** What one call needs, found while its observations are walked. */
export interface Need {
  /** Of the outside. */
  readonly actions: ScriptAction[];
  /** Calls of the program that overlapped, and made ready what it saw. */
  readonly makers: Set<PlannedCall>;
  /** Something that it saw was there before it began: it cannot have waited. */
  wasReady: boolean;
  /** A timer expired for it. */
  timer: boolean;
}

export function walkTrace(resolved: Resolved): void {
  const moments: { at: number; call: PlannedCall; ends: boolean }[] = [];
  for (const call of resolved.calls) {
    moments.push({ at: call.begin, call, ends: false });
    if (call.end !== Number.POSITIVE_INFINITY) moments.push({ at: call.end, call, ends: true });
  }
  moments.sort((a, b) => a.at - b.at);
  for (const { call, ends } of moments) {
    if (!ends) begins(call);
    else walkEnd(resolved, call);
  }
}

function begins(call: PlannedCall): void {
  call.output?.channel.open.push(call);
  if (call.kind === 'call' && gives.has(call.record.call)) walkSend(call);
}

function walkEnd(resolved: Resolved, call: PlannedCall): void {
  const { output } = call;
  if (output?.channel.open.includes(call) === true) flowIn(output.channel, call, call.end);
  if (call.file !== undefined) {
    if (call.extra.empties !== undefined) call.file.standInReady = false;
    if (call.extra.fills !== undefined) call.file.full = true;
    if (call.record.call === 'shutdown' && wordOf(call.record, 1) !== SHUT_RD) call.file.finished = true;
  }
  if (call.kind === 'pass') return;
  const need: Need = { actions: [], makers: new Set(), wasReady: false, timer: false };
  for (const report of call.reports) walkReport(report, need);
  for (const observation of call.observations) walkObservation(resolved, observation, need);
  for (const item of call.silent) walkSilence(call, item);
  walkInterruption(resolved, call);
  decide(call, need);
}

/** What has no channel: room to write, timers, and files that stand-ins stand for. */
function walkReport({ file, item, bits }: Report, need: Need): void {
  const isEdge = item !== undefined && (item.events & EPOLLET) !== 0;
  if ((bits & EPOLLOUT) !== 0) {
    if (file.full && file.endpoint >= 0) {
      file.full = false;
      file.unread = 0;
      need.actions.push({ do: 'drain', endpoint: file.endpoint });
    } else if (!isEdge && (bits & INPUT) === 0) need.wasReady = true;
  }
  if (file.kind === 'timerfd') need.timer = true;
  if (file.reason !== '' && file.endpoint >= 0 && (bits & INPUT) !== 0) {
    if (file.standInReady && !isEdge) need.wasReady = true;
    else need.actions.push({ do: 'send', endpoint: file.endpoint, bytes: 1 });
    file.standInReady = true;
  }
}

function walkObservation(resolved: Resolved, o: Observation, need: Need): void {
  switch (o.kind) {
    case 'ready':
      if ((o.bits & INPUT) !== 0 || o.bits === 0) walkReady(resolved, o, need);
      return;
    case 'took':
      walkTaken(resolved, o, need);
      return;
    case 'empty':
      walkEmpty(o);
      return;
    case 'ended':
      walkEnded(o, need);
      return;
    case 'reset':
      need.actions.push(...bringReset(o.channel, o.call.end));
      return;
  }
}

function walkReady(resolved: Resolved, o: Observation, need: Need): void {
  const { channel, call } = o;
  const since = o.edge ? (channel.edges.get(o.item) ?? -1) : -1;
  if (o.edge) channel.edges.set(o.item, call.end);
  const isHangUp = (o.bits & (EPOLLHUP | EPOLLERR)) !== 0 && !channel.file.finished;
  const known = readyInflow(channel, since);
  if (known !== undefined && !(isHangUp && !channel.ended)) {
    if (known.at < call.begin) need.wasReady = true;
    else if (known.call !== undefined) need.makers.add(known.call);
    return;
  }
  const open = openProducer(channel, call);
  if (open !== undefined) {
    flowIn(channel, open, call.end);
    need.makers.add(open);
    return;
  }
  need.actions.push(...bringSome(resolved, o, isHangUp));
}

/** What makes a channel readable: the oldest thing in it, or for an edge the newest since the last report. */
function readyInflow(channel: Channel, since: number): { at: number; call: PlannedCall | undefined } | undefined {
  if (since >= 0) return newestInflow(channel, since);
  const [oldest] = channel.inflows;
  if (oldest !== undefined) return oldest;
  return channel.ended ? { at: channel.endedAt, call: channel.endedBy } : undefined;
}

function walkTaken(resolved: Resolved, o: Observation, need: Need): void {
  const { channel, call } = o;
  while (channel.available < o.amount) {
    const open = openProducer(channel, call);
    if (open === undefined) break;
    flowIn(channel, open, call.end);
    need.makers.add(open);
  }
  if (channel.available < o.amount) {
    need.actions.push(...(channel.unit === 'connections' ? bringConnections(resolved, o) : bringMore(o)));
  } else if (channel.inflows[0] !== undefined && channel.inflows[0].at < call.begin) need.wasReady = true;
  for (const inflow of takeOut(channel, o.amount)) {
    if (inflow.at > call.begin && inflow.call !== undefined) need.makers.add(inflow.call);
  }
  // It would have taken more: what is left came after it.
  if (o.amount < o.limit) keepBehind(channel, call);
  settle(channel);
}

/** Calls that put something in while this one ran, and that it did not see: they are made after it. */
function keepBehind(channel: Channel, call: PlannedCall): void {
  for (const inflow of channel.inflows) {
    if (inflow.at > call.begin && inflow.call !== undefined) gate(inflow.call, call, true);
  }
  for (const open of channel.open) gate(open, call, true);
}

function walkEmpty(o: Observation): void {
  keepBehind(o.channel, o.call);
}

function walkEnded(o: Observation, need: Need): void {
  const { channel, call } = o;
  if (!channel.ended) {
    const open = channel.open.find((one) => one.output?.ends === true);
    if (open !== undefined) {
      flowIn(channel, open, call.end);
      need.makers.add(open);
      return;
    }
    need.actions.push(...bringEnd(channel, call.end));
  } else if (channel.endedAt > call.begin && channel.endedBy !== undefined) need.makers.add(channel.endedBy);
  else need.wasReady = true;
}

/** A watched file that was not reported: if a call made it ready meanwhile, that call is made after the wait. */
function walkSilence(call: PlannedCall, item: Item): void {
  const channel = item.file.inbox;
  if (channel === undefined || (item.events & EPOLLIN) === 0) return;
  const isEdge = (item.events & EPOLLET) !== 0;
  const inflow = isEdge ? newestInflow(channel, channel.edges.get(item) ?? -1) : channel.inflows[0];
  if (inflow !== undefined && inflow.at > call.begin && inflow.call !== undefined) gate(inflow.call, call, true);
  if (inflow === undefined) for (const open of channel.open) gate(open, call, true);
}

/** A call that a signal interrupted: the outside sends it, unless the program did. */
function walkInterruption(resolved: Resolved, call: PlannedCall): void {
  const { record } = call;
  if (record.outcome !== 'restarted' && record.result.errno !== 'EINTR') return;
  const records = resolved.threads[call.thread]?.records ?? [];
  const next = records[records.indexOf(record) + 1];
  const signal = next?.kind === 'signal' ? straceSignal(next.signal) : undefined;
  call.during.push({ do: 'signal', thread: call.thread, signal: signal ?? INTERRUPTION, whole: false });
}
/** Sent where the trace does not say which signal it was: nobody handles it, and by default it is ignored. */
export const INTERRUPTION = 23;

/** The outside reads what the program sends before a unix socket would be full of it. */
function walkSend(call: PlannedCall): void {
  const { file, record } = call;
  if ((file?.kind !== 'stream' && file?.kind !== 'pipe') || file.endpoint < 0) return;
  const result = kernelResult(record);
  if (result === undefined) return;
  if (result < 0) {
    if (record.result.errno === 'EPIPE') call.before.push({ do: 'close', endpoint: file.endpoint });
    return;
  }
  if (isShort(record, result)) return;
  const bytes = lengthOf(record) ?? result;
  if (call.mayWait && bytes > SEND_MAX) {
    call.during.push({ do: 'pump', endpoint: file.endpoint, bytes: bytes + file.unread });
    file.unread = 0;
    return;
  }
  if (file.full || (file.unread > 0 && file.unread + sendCost(bytes) > SEND_ROOM)) {
    call.before.push({ do: 'drain', endpoint: file.endpoint });
    file.full = false;
    file.unread = 0;
  }
  file.unread += sendCost(bytes);
}

/**
 * Before the call or while it waits? What comes while it waits must come at once, or it would end with the first of it:
 * so either one call of the program makes all that it saw, or the outside brings all of it.
 */
function decide(call: PlannedCall, need: Need): void {
  const makers = [...need.makers].filter((maker) => maker.thread !== call.thread);
  const waited = call.mayWait && !need.wasReady;
  if (need.timer && (need.actions.length > 0 || makers.length > 0)) {
    call.held = true;
    call.before.push(...need.actions);
    for (const maker of makers) gate(call, maker, true);
    return;
  }
  if (need.actions.length > 0) {
    if (waited && call.slow && makers.length === 0) call.during.push(...need.actions);
    else call.before.push(...need.actions);
    for (const maker of makers) gate(call, maker, true);
    return;
  }
  const [only] = makers;
  if (only !== undefined && makers.length === 1 && waited) {
    call.makers.push(only);
    // The trace shows that it was waiting already.
    if (call.begin < only.begin) gate(only, call, false);
    return;
  }
  for (const maker of makers) gate(call, maker, true);
}

/** `call` is made only after `other` has begun or ended. */
function gate(call: PlannedCall, other: PlannedCall, ended: boolean): void {
  if (call.thread === other.thread) return;
  call.after.push({ call: other, ended });
}
