// Second pass: when does what must be there come? The events are walked once more, with the state of every channel.
//
// What a call took, or was told of, was there. If calls of the program put it there before, nothing is to be done. If one
// overlapped with it, the replay must keep the order that the result shows. What no call of the program explains came
// from outside, and the outside brings it as late as it can: just before the call, or while the call waits.

import {
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLPRI,
  EPOLLRDHUP,
  EPOLLRDNORM,
  EPOLLWRNORM,
} from '../kernel/abi/flags-event.ts';
import { SHUT_RD } from '../kernel/abi/flags-socket.ts';
import { type Cause, flowIn, newestInflow, openEnder, openProducer, settle, takeOut } from './plan-channel.ts';
import { decide, interrupt, type Need } from './plan-decide.ts';
import { moments } from './plan-order.ts';
import { bringConnections, bringEnd, bringMore, bringReset, bringSome } from './plan-outside.ts';
import { gives, wordOf } from './plan-record.ts';
import {
  cameAfterAll,
  takersCameLater,
  cameTooLate,
  comesAfterEmpty,
  comesAfterTaken,
  comesBeforeEnd,
  foundEmpty,
  gate,
  keepSilent,
  sawWhatWasTaken,
  taken,
  takerBegins,
  takerEnds,
} from './plan-rivals.ts';
import { walkSend } from './plan-sends.ts';
import { impose, imposeAnswer, LACKING_KIND, RACES, ROOM } from './plan-verdict.ts';
import { gateArrivals, wasInterrupted } from './plan-signals.ts';
import type { Arrival, Resolved } from './plan-resolved.ts';
import type { Channel, Observation, PlannedCall, Report, Silence } from './plan-types.ts';

const GONE = EPOLLHUP | EPOLLERR;
const INPUT = EPOLLIN | EPOLLRDNORM | EPOLLPRI | EPOLLRDHUP | GONE;
const OUTPUT = EPOLLOUT | EPOLLWRNORM;

export function walkTrace(resolved: Resolved): void {
  const interrupted = gateArrivals(resolved);
  for (const { call, ends } of moments(resolved.calls)) {
    if (!ends) begins(call);
    else walkEnd(resolved, call, interrupted);
  }
  for (const call of resolved.calls) {
    if (call.end === Number.POSITIVE_INFINITY) for (const silence of call.silent) keepSilent(call, silence);
  }
}

function begins(call: PlannedCall): void {
  if (!diesWaiting(call)) for (const channel of channelsOf(call)) channel.open.push(call);
  if (call.kind !== 'call') return;
  if (gives.has(call.record.call)) walkSend(call);
  takerBegins(call);
}

function channelsOf(call: PlannedCall): Set<Channel> {
  return new Set(call.outputs.map(({ channel }) => channel));
}

/** What its end does to files it does then, however long ago the call began. */
function diesWaiting(call: PlannedCall): boolean {
  return call.dies && call.name !== 'exit' && call.name !== 'exit_group';
}

function walkEnd(resolved: Resolved, call: PlannedCall, interrupted: ReadonlyMap<PlannedCall, Arrival>): void {
  for (const channel of channelsOf(call)) {
    if (diesWaiting(call) || channel.open.includes(call)) flowIn(channel, call, call.end);
  }
  takerEnds(call);
  if (call.file !== undefined) {
    if (call.extra.empties !== undefined) call.file.standInReady = false;
    if (call.extra.fills !== undefined) call.file.full = true;
    if (call.record.call === 'shutdown' && wordOf(call.record, 1) !== SHUT_RD) call.file.finished = true;
  }
  if (call.kind !== 'call') return;
  const need: Need = { actions: [], makers: new Set(), wasReady: false, timer: false };
  for (const { file } of call.skims) {
    file.standInReady = false;
    if (file.inbox?.unit === 'bytes') takeOut(file.inbox, file.inbox.available);
  }
  for (const report of call.reports) walkReport(call, report, need);
  for (const observation of call.observations) walkObservation(resolved, observation, need);
  if (call.full) {
    if (call.silent.some(isReady)) imposeAnswer(call, ROOM);
  } else for (const silence of call.silent) walkSilence(call, silence);
  for (const item of call.armed) {
    if (item.armedBy !== undefined && isReady({ ...item, item })) gate(item.armedBy, call, true);
  }
  if (!call.full && sawHalf(call, need)) imposeAnswer(call, RACES);
  if (wasInterrupted(call.record)) interrupt(call, interrupted.get(call));
  decide(call, need);
}

/** Of a wait that could not report more: whether it could have reported this as well. */
function isReady({ file, events, item }: Silence): boolean {
  const isWritable = file.kind === 'stream' && file.connected && !file.full;
  const isStandIn = file.reason !== '' && file.endpoint >= 0;
  const isFresh = (events & EPOLLET) === 0 || (item !== undefined && item.reportedAt < item.armedAt);
  if ((events & EPOLLOUT) !== 0 && (isWritable || isStandIn) && isFresh) return true;
  const channel = file.inbox;
  if (channel === undefined || (events & EPOLLIN) === 0) return false;
  if ((events & EPOLLET) !== 0) return newestInflow(channel, channel.edges.get(item) ?? -1) !== undefined;
  return channel.inflows.length > 0 || channel.ended;
}

/** Of what one call made ready it reported a part: the rest came while it looked. */
function sawHalf({ silent }: PlannedCall, { makers }: Need): boolean {
  const makes = (maker: PlannedCall, channel: Channel): boolean => maker.outputs.some((one) => one.channel === channel);
  return silent.some(({ file: { inbox } }) => inbox !== undefined && [...makers].some((maker) => makes(maker, inbox)));
}

/** What has no channel: room to write, timers, and files that stand-ins stand for. */
function walkReport(call: PlannedCall, { file, item, bits, rearmed }: Report, need: Need): void {
  const isEdge = item !== undefined && (item.events & EPOLLET) !== 0;
  if (rearmed && item !== undefined && (bits & INPUT) === 0) call.modified.push(item.data);
  if ((bits & OUTPUT) !== 0) {
    if (!file.full || file.endpoint < 0) need.wasReady ||= !isEdge;
    // A connection that failed has not been taken by anybody.
    else if ((bits & GONE) === 0) {
      file.full = false;
      file.unread = 0;
      need.actions.push({ do: 'drain', endpoint: file.endpoint });
    }
  }
  if (file.kind === 'timerfd') need.timer = true;
  if (file.reason !== '' && file.endpoint >= 0 && (bits & INPUT) !== 0) {
    // Several threads: each may mean something else by the number, for nobody saw it opened.
    file.tellers.add(call.thread);
    if (file.tellers.size > 1 && item === undefined) {
      impose(call, file.reason);
      return;
    }
    if (file.standInReady && !isEdge) need.wasReady = true;
    else need.actions.push({ do: 'send', endpoint: file.endpoint, bytes: 1 });
    file.standInReady = true;
    if ((bits & ~(EPOLLIN | EPOLLRDNORM | OUTPUT)) !== 0) imposeAnswer(call, LACKING_KIND);
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
    case 'cut':
      keepBehind(o.channel, o.call);
      return;
    case 'ended':
      walkEnded(o, need);
      return;
    case 'reset':
      need.actions.push(...bringReset(o.channel, o.call.end, true));
      return;
  }
}

function walkReady(resolved: Resolved, o: Observation, need: Need): void {
  const { channel, call } = o;
  if (channel.unit === 'bytes' && (o.bits & (GONE | EPOLLRDHUP)) === 0) comesBeforeEnd(o);
  const since = o.edge ? (channel.edges.get(o.item) ?? -1) : -1;
  if (o.edge) channel.edges.set(o.item, call.end);
  const isHangUp = (o.bits & (EPOLLHUP | EPOLLERR)) !== 0 && !channel.file.finished;
  const fresh = readyInflow(channel, since);
  const known = fresh ?? (o.rearmed ? readyInflow(channel, -1) : undefined);
  if (fresh === undefined && known !== undefined && o.item !== undefined) call.modified.push(o.item.data);
  if (known !== undefined && !(isHangUp && !channel.ended)) {
    if (known.at < call.begin) need.wasReady = true;
    else {
      if (known.call !== undefined) need.makers.add(known.call);
      else if (known.bringer !== undefined) gate(call, known.bringer, true);
      comesAfterTaken(o);
    }
    takersCameLater(o);
    return;
  }
  const ender = openEnder(channel, call);
  const open = isHangUp ? ender : (openProducer(channel, call) ?? ender);
  if (open !== undefined) {
    flowIn(channel, open, call.end);
    need.makers.add(open);
    return;
  }
  if (sawWhatWasTaken(o)) return;
  comesAfterTaken(o);
  comesAfterEmpty(o);
  const actions = bringSome(resolved, o, isHangUp);
  need.actions.push(...actions);
  const watcher = o.item?.armedBy;
  // It came when somebody else had begun to watch for it.
  if (actions.length > 0 && watcher !== undefined && watcher.end > call.begin && watcher.thread !== call.thread) {
    call.awaits.push({ call: watcher, ended: true });
  }
}

/** What makes a channel readable: the oldest thing in it, or for an edge the newest since the last report. */
function readyInflow(channel: Channel, since: number): Cause | undefined {
  if (since >= 0) return newestInflow(channel, since);
  const [oldest] = channel.inflows;
  if (oldest !== undefined) return oldest;
  return channel.ended ? { at: channel.endedAt, call: channel.endedBy, bringer: undefined } : undefined;
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
    // What is there ends the call, so the rest must be there too.
    if (channel.available > 0) need.wasReady = true;
    else comesAfterEmpty(o);
    need.actions.push(...(channel.unit === 'connections' ? bringConnections(resolved, o) : bringMore(resolved, o)));
  } else if (channel.inflows[0] !== undefined && channel.inflows[0].at < call.begin) need.wasReady = true;
  const from = takeOut(channel, o.amount);
  for (const inflow of from) {
    if (inflow.at <= call.begin) continue;
    if (inflow.call !== undefined) need.makers.add(inflow.call);
    // The outside brought it for another thread, in time for that one only.
    else if (inflow.bringer !== undefined && inflow.bringer !== call) gate(call, inflow.bringer, true);
  }
  taken(o, from[0]?.at ?? call.end);
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
  cameAfterAll(o);
  foundEmpty(o.channel, o.call);
  if (o.channel.available > 0) cameTooLate(o);
}

function walkEnded(o: Observation, need: Need): void {
  const { channel, call } = o;
  if (!channel.ended) {
    const open = openEnder(channel, call);
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
function walkSilence(call: PlannedCall, silence: Silence): void {
  const { file, events, item } = silence;
  const channel = file.inbox;
  if (channel === undefined || (events & EPOLLIN) === 0) return;
  const isEdge = (events & EPOLLET) !== 0;
  const inflow = isEdge ? newestInflow(channel, channel.edges.get(item) ?? -1) : channel.inflows[0];
  if (inflow !== undefined && inflow.at > call.begin && inflow.call !== undefined) gate(inflow.call, call, true);
  if (inflow === undefined) for (const open of channel.open) gate(open, call, true);
  // It had been there before, so somebody was just taking it.
  if (inflow !== undefined && !isEdge && inflow.at <= call.begin)
    for (const taker of channel.takers) gate(call, taker, true);
  keepSilent(call, silence);
  if (inflow === undefined) foundEmpty(channel, call);
}
