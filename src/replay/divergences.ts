// Where a design answers a recorded program otherwise than Linux, as it is meant to. The rules have the names of the
// conformance divergences; what is given instead follows from the call and its expected result alone.

import { EEXIST, EINTR } from '../kernel/abi/errno.ts';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from '../kernel/abi/flags-event.ts';
import type { Alternative, ReplayDivergence } from './compare.ts';
import type { FileKind } from './plan-words.ts';
import type { PlanCall } from './plan.ts';

/** All that the epolls of Kevlar, WASIX and VeridianOS ever report. */
const FOUR_BITS = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP;

function reported(call: PlanCall): Alternative['events'] | undefined {
  const { expected } = call;
  if (expected.kind !== 'events' || expected.cut) return undefined;
  return expected.events
    .map(({ data, events }) => ({ data, events: events & FOUR_BITS }))
    .filter((event) => event.events !== 0);
}

function anyBits({ events: asked }: { readonly events: number }): number {
  return (asked | EPOLLERR | EPOLLHUP) & FOUR_BITS;
}

/** An edge is any change of a source: what the program itself does to it is one, too. */
function besides(kinds: readonly FileKind[]): (call: PlanCall) => Alternative | undefined {
  return (call) => {
    const events = reported(call);
    const edges = call.spurious.filter(({ kind }) => kinds.includes(kind));
    if (events === undefined || edges.length === 0) return undefined;
    // Who was told of such an edge too early is not told of it again.
    const told = new Set(edges.map(({ data }) => data));
    const missing = events.filter((event) => event.events === EPOLLOUT && told.has(event.data)).map(({ data }) => data);
    return { events, missing, besides: call.spurious.map((edge) => ({ data: edge.data, events: anyBits(edge) })) };
  };
}

const kevlar: readonly ReplayDivergence[] = [
  {
    rule: 'M4',
    reason: 'of all readiness only IN, OUT, ERR and HUP are reported',
    instead: (call) => {
      const events = reported(call);
      return events === undefined ? undefined : { events, besides: [] };
    },
  },
  {
    rule: 'M5',
    reason: 'an edge is any change of the source: what a socket does itself is one',
    instead: besides(['stream']),
  },
  {
    rule: 'K12',
    reason: 'an edge is any change of the source: any read of a pipe is one for its write end',
    instead: besides(['pipe']),
  },
  {
    rule: 'B18',
    reason: 'MOD keeps the generation last seen, so what was reported before is no edge',
    instead: (call) => {
      const events = reported(call);
      if (events === undefined || call.modified.length === 0) return undefined;
      // A wait with nothing else to report does not come back: the replay interrupts it.
      const isAll = events.every(({ data }) => call.modified.includes(data));
      const besides = call.spurious.map((edge) => ({ data: edge.data, events: anyBits(edge) }));
      return { events, besides, missing: call.modified, ...(isAll ? { values: [0, -EINTR] } : {}) };
    },
  },
  {
    rule: 'G4',
    reason: 'entries are keyed by descriptor alone, so a reused number is taken; the replay then removes the old entry',
    instead: (call) => (call.retakes ? { events: [], besides: [], values: [-EEXIST] } : undefined),
  },
  {
    rule: 'D6',
    reason: 'an edge is any change of the source: a partial read is one',
    instead: besides(['eventfd', 'timerfd', 'signalfd', 'epoll']),
  },
];

/** What was told stays so until it is handed out, whatever the program did to the file since. */
function staleEvents(call: PlanCall): Alternative | undefined {
  const events = reported(call);
  const watched = [...call.spurious, ...call.levels];
  if (events === undefined || watched.length === 0) return undefined;
  return { events, besides: watched.map((item) => ({ data: item.data, events: anyBits(item) })) };
}

const wasix: readonly ReplayDivergence[] = [
  {
    rule: 'M4',
    reason: 'of all readiness only IN, OUT, ERR and HUP are told',
    instead: (call) => {
      const events = reported(call);
      return events === undefined ? undefined : { events, besides: [] };
    },
  },
  {
    rule: 'D8',
    reason: 'an event says what was told since the last one, and not all that holds',
    instead: (call) => {
      const events = reported(call);
      return events && { events, besides: [], partial: call.spurious.map(({ data }) => data) };
    },
  },
  {
    rule: 'D7',
    reason: 'what was told is handed out without a look at the file, though it holds no more',
    instead: staleEvents,
  },
  {
    rule: 'E16',
    reason: 'a wait without room for all took the first that were told, so that another finds the rest',
    instead: (call) => {
      const stale = call.afterFull ? staleEvents(call) : undefined;
      return stale && { ...stale, missing: stale.events.map(({ data }) => data) };
    },
  },
  {
    rule: 'G4',
    reason: 'subscriptions are keyed by descriptor alone; the replay then removes the old one',
    instead: (call) => (call.retakes ? { events: [], besides: [], values: [-EEXIST] } : undefined),
  },
];

/**
 * Rule D2 of the conformance divergences: readiness is handed out once for each time it is told, by level too. A recorded
 * program could wait for ever for the rest, so before a wait that Linux ended by a level the replay makes the interest
 * anew, which tells it again.
 */
export function tellsOnce(design: string): boolean {
  return design === 'wasix';
}

const veridian: readonly ReplayDivergence[] = [
  {
    rule: 'B16',
    reason: 'ERR and HUP are reported only if they are asked for',
    instead: (call) => {
      const events = askedFor(call);
      if (events === undefined || call.unasked.length === 0) return undefined;
      // A wait with nothing else to report goes on until its time is over.
      return { events, besides: [], ...(events.length === 0 ? { values: [0] } : {}) };
    },
  },
  {
    rule: 'M4',
    reason: 'of all readiness only IN, OUT, ERR and HUP are reported',
    instead: (call) => {
      const events = askedFor(call);
      return events === undefined ? undefined : { events, besides: [] };
    },
  },
  {
    rule: 'D3',
    reason: 'EPOLLET is stored and not read, so an edge is told as long as its level holds',
    instead: (call) => {
      const events = askedFor(call);
      if (events === undefined || call.spurious.length === 0) return undefined;
      return { events, besides: call.spurious.map(({ data, events: asked }) => ({ data, events: asked & FOUR_BITS })) };
    },
  },
  {
    rule: 'E10',
    reason: 'a wait does not look at signals',
    instead: ({ on, expected }) =>
      on === 'epoll' && expected.kind === 'value' && expected.value === -EINTR
        ? { events: [], besides: [], values: [0] }
        : undefined,
  },
  {
    rule: 'G4',
    reason: 'an entry is a number, so one that is reused is taken; the replay then removes the old entry',
    instead: (call) => (call.retakes ? { events: [], besides: [], values: [-EEXIST] } : undefined),
  },
];

/** What was reported, without ERR and HUP that nobody asked for. */
function askedFor(call: PlanCall): Alternative['events'] | undefined {
  return reported(call)
    ?.map(({ data, events }) => {
      const unasked = call.unasked.filter((one) => one.data === data).reduce((bits, one) => bits | one.events, 0);
      return { data, events: events & ~unasked };
    })
    .filter(({ events }) => events !== 0);
}

/**
 * Rule G1 of the conformance divergences: what is closed stays watched, under a number that the program gives to another
 * file. A recorded program could not go on, so before such a close the replay takes the descriptor out itself.
 */
export function keepsClosed(design: string): boolean {
  return design === 'kevlar' || design === 'veridian';
}

/** What a design declares; nothing for linux. */
export function replayDivergences(design: string): readonly ReplayDivergence[] {
  if (design === 'wasix') return wasix;
  if (design === 'veridian') return veridian;
  return design === 'kevlar' ? kevlar : [];
}
