// Where a design answers a recorded program otherwise than Linux, as it is meant to. The rules have the names of
// linux-semantics; what is given instead follows from the expected result alone.

import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from '../kernel/abi/flags-event.ts';
import type { ReplayDivergence } from './compare.ts';
import type { Expected } from './plan.ts';

/** All that Kevlar's epoll ever reports. */
const KEVLAR_REPORTS = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP;

function withoutUnreported(expected: Expected): Expected | undefined {
  if (expected.kind !== 'events' || expected.cut) return undefined;
  const events = expected.events
    .map(({ data, events: bits }) => ({ data, events: bits & KEVLAR_REPORTS }))
    .filter((event) => event.events !== 0);
  return { kind: 'events', count: events.length, events, cut: false };
}

const kevlar: readonly ReplayDivergence[] = [
  { rule: 'M4', reason: 'of all readiness only IN, OUT, ERR and HUP are reported', instead: withoutUnreported },
];

/** What a design declares; nothing for linux. */
export function replayDivergences(design: string): readonly ReplayDivergence[] {
  return design === 'kevlar' ? kevlar : [];
}
