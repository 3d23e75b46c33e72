// Descriptors of the program that the outside needs, to write where a call would have written that the replay does not
// make. A thread that has such a descriptor sends it over before one of its calls.

import type { Resolved } from './plan-resolved.ts';
import type { PlanFile, PlannedCall, Slot } from './plan-types.ts';

/** Has a file lent to the outside in time for a call. @returns the endpoint that it becomes, or -1 */
export function lend(resolved: Resolved, file: PlanFile, call: PlannedCall): number {
  const own = file.everySlot.find((slot) => slot.table === call.table && isOpenAt(slot, call.begin));
  const lender = own === undefined ? otherLender(resolved, file, call) : { slot: own, call };
  if (lender === undefined) return -1;
  const endpoint = resolved.endpoints.push({ kind: 'accepted' }) - 1;
  lender.call.lends.push(lender.slot.id, endpoint);
  return endpoint;
}

function isOpenAt(slot: Slot, event: number): boolean {
  return slot.since < event && slot.until > event;
}

/** The latest call before that one of a thread that has a descriptor of the file. */
function otherLender(
  resolved: Resolved,
  file: PlanFile,
  { begin }: PlannedCall,
): { readonly slot: Slot; readonly call: PlannedCall } | undefined {
  for (const slot of file.everySlot) {
    if (!isOpenAt(slot, begin)) continue;
    for (const calls of resolved.byThread) {
      const call = calls.findLast(
        (one) => one.table === slot.table && one.begin < begin && one.begin > slot.since && !one.synthetic,
      );
      if (call !== undefined) return { slot, call };
    }
  }
  return undefined;
}
