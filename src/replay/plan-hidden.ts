// strace prints the first events of a long list only. Which the others were shows in what the program does next: it
// takes from the files that it was told of, before it waits again.

import { EPOLLIN } from '../kernel/abi/flags-event.ts';
import type { Item, Observation, PlannedCall } from './plan-types.ts';
import { waits } from './plan-record.ts';
import { note } from './plan-waits.ts';

export function findHidden(byThread: readonly (readonly PlannedCall[])[]): void {
  for (const calls of byThread) {
    calls.forEach((call, place) => {
      if (call.hidden > 0) findTaken(calls, place, call);
    });
  }
}

/** Items that the thread's next calls take from, in that order, up to its next wait on the same instance. */
function findTaken(calls: readonly PlannedCall[], place: number, wait: PlannedCall): void {
  const known = new Set(wait.reports.map((report) => report.item));
  for (let next = place + 1; next < calls.length && wait.hidden > 0; next++) {
    const call = calls[next];
    if (call === undefined || (waits.has(call.record.call) && call.file === wait.file)) return;
    const taken = call.observations[0];
    const item = taken === undefined ? undefined : watchedThen(wait, taken);
    if (item === undefined || taken === undefined || known.has(item)) continue;
    known.add(item);
    note(wait, item.file, EPOLLIN, item, taken.round);
    wait.hidden--;
  }
}

/** The item by which a wait watched what was taken later. */
function watchedThen(wait: PlannedCall, taken: Observation): Item | undefined {
  return taken.channel.file.watched.find(
    (item) => item.epoll === wait.file && item.since < wait.end && item.until > wait.end,
  );
}
