// What lies in a channel, while the trace is walked: who put it there and when, oldest first.

import type { Channel, Inflow, PlannedCall } from './plan-types.ts';

/** A call's output arrives, at an event: its own end, or earlier where somebody saw it. */
export function flowIn(channel: Channel, call: PlannedCall, at: number): void {
  const place = channel.open.indexOf(call);
  if (place >= 0) channel.open.splice(place, 1);
  for (const output of call.outputs) {
    if (output.channel !== channel) continue;
    const { amount, signal = 0 } = output;
    // The same signal is pending once.
    const isPending = signal > 0 && channel.inflows.some((inflow) => inflow.signal === signal);
    if (amount > 0 && !isPending) put(channel, amount, call, at, signal);
    if (output.ends) end(channel, call, at);
  }
}

function put(channel: Channel, amount: number, call: PlannedCall, at: number, signal: number): void {
  channel.inflows.push({ at, call, signal, bringer: undefined, amount });
  channel.available += amount;
}

/** The outside puts something in, which a call shows to be there when it ends. */
export function putFor(channel: Channel, amount: number, bringer: PlannedCall): void {
  channel.inflows.push({ at: bringer.end, call: undefined, signal: 0, bringer, amount });
  channel.available += amount;
}

export function end(channel: Channel, call: PlannedCall | undefined, at: number): void {
  if (channel.ended) return;
  channel.ended = true;
  channel.endedAt = at;
  channel.endedBy = call;
}

/** A call that has begun to write here and not ended: it may have taken effect already. */
export function openProducer(channel: Channel, reader: PlannedCall): PlannedCall | undefined {
  return channel.open.find((call) => call.thread !== reader.thread && gives(call, channel));
}

/** A call that has begun to end what is sent here, and not ended itself. */
export function openEnder(channel: Channel, reader: PlannedCall): PlannedCall | undefined {
  const ends = (call: PlannedCall): boolean => call.outputs.some((output) => output.channel === channel && output.ends);
  return channel.open.find((call) => call.thread !== reader.thread && ends(call));
}

function gives(call: PlannedCall, channel: Channel): boolean {
  return call.outputs.some((output) => output.channel === channel && output.amount > 0);
}

/** Takes out the oldest. @returns what was taken from, as it was */
export function takeOut(channel: Channel, amount: number): readonly Inflow[] {
  const from: Inflow[] = [];
  let left = amount;
  while (left > 0) {
    const oldest = channel.inflows[0];
    if (oldest === undefined) break;
    from.push(oldest);
    const taken = Math.min(left, oldest.amount);
    left -= taken;
    channel.available -= taken;
    oldest.amount -= taken;
    if (oldest.amount === 0) channel.inflows.shift();
  }
  return from;
}

/** Keeps the sum exact where a count was taken that strace did not print whole. */
export function settle(channel: Channel): void {
  if (channel.inflows.length === 0) channel.available = 0;
}

/** What made a channel readable, and when. */
export type Cause = Pick<Inflow, 'at' | 'call' | 'bringer'>;

/** The last thing that came in after an event, the end included. */
export function newestInflow(channel: Channel, since: number): Cause | undefined {
  if (channel.ended && channel.endedAt > since) {
    return { at: channel.endedAt, call: channel.endedBy, bringer: undefined };
  }
  const newest = channel.inflows.at(-1);
  return newest !== undefined && newest.at > since ? newest : undefined;
}
