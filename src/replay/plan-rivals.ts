// Several threads at one source: workers that accept from one listener, processes that read one pipe, waits that watch what
// another one takes. Which of them gets what a machine decides anew each time, so a replay lets each see just what it saw
// in the trace: whoever did not see something is made to look before it comes, or after it was taken.

import { EPOLLERR, EPOLLHUP, EPOLLRDHUP } from '../kernel/abi/flags-event.ts';
import { openEnder } from './plan-channel.ts';
import type { Channel, Observation, PlannedCall, Silence } from './plan-types.ts';
import { accepts, takes } from './plan-record.ts';

/** So much of what was taken is remembered of a source. */
const TAKEN_MAX = 256;

/** `call` is made only after `other` has begun or ended. */
export function gate(call: PlannedCall, other: PlannedCall, ended: boolean): void {
  if (call.thread === other.thread) return;
  call.after.push({ call: other, ended });
}

/** A call that may take something begins. */
export function takerBegins(call: PlannedCall): void {
  if (takes.has(call.record.call) || accepts.has(call.record.call)) call.file?.inbox?.takers.add(call);
}

export function takerEnds(call: PlannedCall): void {
  call.file?.inbox?.takers.delete(call);
}

/** A call took something that had been there since an event: those that might have taken it instead come later. */
export function taken({ call, channel }: Observation, since: number): void {
  for (const rival of channel.takers) gate(rival, call, true);
  channel.taken.push({ call, since: Math.min(since, call.begin) });
  if (channel.taken.length > TAKEN_MAX * 2) channel.taken.splice(0, TAKEN_MAX);
}

/** A wait watched a source and did not report it: it begins when what came meanwhile was taken, or ends before it comes. */
export function keepSilent(call: PlannedCall, { file }: Silence): void {
  const channel = file.inbox;
  if (channel === undefined) return;
  const [oldest] = channel.inflows;
  const isLeft = oldest !== undefined && oldest.call === undefined && oldest.at > call.begin && oldest.at < call.end;
  if (isLeft && oldest.bringer !== undefined) gate(oldest.bringer, call, true);
  const last = channel.taken.findLast((one) => one.call.thread !== call.thread && one.since < call.end);
  if (last !== undefined && last.call.end > call.begin && last.call.end <= call.end) gate(call, last.call, true);
}

/** What the outside brings for a call comes after the calls of others that found nothing. */
export function comesAfterEmpty({ channel, call }: Observation): void {
  for (let at = channel.foundEmpty.length - 1; at >= 0; at--) {
    const empty = channel.foundEmpty[at];
    if (empty === undefined || empty.end < call.begin) return;
    gate(call, empty, true);
  }
}

/** A call looked and found nothing. */
export function foundEmpty(channel: Channel, call: PlannedCall): void {
  channel.foundEmpty.push(call);
  if (channel.foundEmpty.length > TAKEN_MAX * 2) channel.foundEmpty.splice(0, TAKEN_MAX);
}

/** A wait reported what is still there: calls that are taking it now look after the wait did. */
export function takersCameLater({ channel, call }: Observation): void {
  for (const taker of channel.takers) gate(taker, call, true);
}

/** Of a wait: what others took while it ran had not ended it, so it begins later. */
export function comesAfterTaken({ channel, call, edge, item }: Observation): void {
  const last = channel.taken.findLast((one) => one.call.thread !== call.thread);
  const from = Math.max(call.begin, item?.armedAt ?? 0);
  if (!edge && last !== undefined && last.call.end > from) gate(call, last.call, true);
}

/** A wait did not say that nothing more will come: who was just ending what is sent ends it later. */
export function comesBeforeEnd({ channel, call }: Observation): void {
  const ender = openEnder(channel, call);
  if (ender !== undefined && ender.outputs.length > 0 && isHungUp(channel)) gate(ender, call, true);
}

/** An end of a pipe, or of a pair or connection within the program, says so when the other one closes. */
function isHungUp({ file }: Channel): boolean {
  return file.kind === 'pipe' || (file.kind === 'stream' && file.outbox !== undefined);
}

/** A wait reported what another thread took before the wait came back. */
export function sawWhatWasTaken(o: Observation): boolean {
  const { channel, call } = o;
  const earlier = channel.taken.findLast((one) => one.call.thread !== call.thread);
  if (earlier === undefined || earlier.call.end < Math.max(call.begin, o.item?.armedAt ?? 0)) return false;
  // What was taken does not say that nothing more will come.
  if ((o.bits & (EPOLLHUP | EPOLLRDHUP | EPOLLERR)) !== 0) return false;
  const next = channel.observations.slice(o.place + 1).find((one) => one.call.thread === call.thread);
  if (next !== undefined && next.round === o.round && next.kind !== 'empty') return false;
  if (othersSee(o, earlier.call.end)) return false;
  gate(earlier.call, call, true);
  return true;
}

/** Whether a wait of another thread that began since then, and runs still, reports the same: then something new came. */
function othersSee({ channel, call, place }: Observation, since: number): boolean {
  const next = channel.observations.slice(place + 1, place + 1 + TAKERS_LOOKED_AT);
  return next.some(
    (one) =>
      one.kind === 'ready' && one.call.thread !== call.thread && one.call.begin > since && one.call.begin < call.end,
  );
}

/** A call found nothing: what others took before is gone when it looks. */
export function cameAfterAll({ channel, call }: Observation): void {
  const threads = new Set([call.thread]);
  for (let at = channel.taken.length - 1; at >= 0 && channel.taken.length - at <= TAKERS_LOOKED_AT; at--) {
    const earlier = channel.taken[at]?.call;
    if (earlier === undefined || threads.has(earlier.thread)) continue;
    threads.add(earlier.thread);
    gate(call, earlier, true);
  }
}
const TAKERS_LOOKED_AT = 16;

/** A call found nothing although something was there: those that took it had begun, and come first. */
export function cameTooLate(o: Observation): void {
  const { channel, call } = o;
  let left = channel.available;
  for (let place = o.place + 1; place < channel.observations.length && left > 0; place++) {
    const next = channel.observations[place];
    if (next === undefined || next.call.begin > call.end) return;
    if (next.kind !== 'took' || next.call.thread === call.thread) continue;
    gate(call, next.call, true);
    left -= next.amount;
  }
}
