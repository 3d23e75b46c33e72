// execve, as far as a replay needs it: the descriptors that close, the handlers that go, the threads that end. The new
// program's calls stand in the trace like those of the old one, so the process simply goes on.

import type { Death } from './plan-deaths.ts';
import { handledBy } from './plan-births.ts';
import { closeSlot } from './plan-open.ts';
import type { ResolveState } from './plan-state.ts';
import type { PlannedCall } from './plan-types.ts';

export const executions: ReadonlySet<string> = new Set(['execve', 'execveat']);

/** It has succeeded. @param deaths by thread */
export function execEnds(state: ResolveState, call: PlannedCall, deaths: ReadonlyMap<number, Death>): void {
  const process = state.processOf(call.thread);
  const others = process.threads.filter(
    (thread) => thread !== call.thread && (deaths.get(thread)?.at ?? Number.POSITIVE_INFINITY) > call.begin,
  );
  const defaults = handledBy(process);
  const copies = ownTable(state, call, others);
  for (const slot of state.descriptors.openSlots()) {
    if (!slot.cloexec) continue;
    if (slot.file.reason === '') call.closes.push(slot.id);
    closeSlot(state, call, slot);
  }
  for (const signal of defaults) process.actions.delete(signal);
  if (others.length + defaults.length + copies.length + call.closes.length === 0) return;
  call.kind = 'exec';
  call.extra = { defaults, copies };
  call.ends = others;
}

/** A table that other processes use stays theirs. @returns pairs (slot there, slot here) */
function ownTable(state: ResolveState, call: PlannedCall, others: readonly number[]): number[] {
  const shared = state.tableOf(call.thread);
  const leaving = [call.thread, ...others].filter(
    (thread) => state.tables[thread] === shared && !state.dead.has(thread),
  );
  if (shared.users <= leaving.length) return [];
  const { table, copies } = shared.copy(call.end);
  shared.users--;
  state.tables[call.thread] = table;
  return copies;
}
