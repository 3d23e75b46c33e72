// A thread ends, and with the last one its process: descriptors close, the parent is told. What the trace does not tell by
// a call is made up for: a thread that did nothing any more waits for its end, an exit that strace was told to leave out
// is made, and a process that nobody in the trace killed kills itself, or if all its threads are in calls the outside does.

import { SIGPIPE } from '../kernel/abi/flags-signal.ts';
import { type Death, exits } from './plan-deaths.ts';
import { closeSlot } from './plan-open.ts';
import { sends, wasInterrupted } from './plan-signals.ts';
import type { ResolveState } from './plan-state.ts';
import type { PlanProcess } from './plan-resolved.ts';
import type { PlannedCall } from './plan-types.ts';
import { waitNeverEnds } from './plan-waits.ts';
import type { CallRecord, ExitRecord } from './record.ts';

/** How far before its death a made up call begins. */
const BEFORE = 0.05;

/** A call that is not in the trace. @returns it, in its place */
export type Append = (made: Pick<PlannedCall, 'record' | 'thread' | 'begin' | 'end' | 'dies'>) => PlannedCall;

export function threadDies(state: ResolveState, death: Death, append: Append): void {
  const { thread } = death;
  const process = state.processes[thread];
  // Its birth is not replayed.
  if (process === undefined || state.dead.has(thread)) return;
  const last = state.lastCall[thread];
  const dying = last?.dies === true ? last : untold(state, death, last, append);
  if (dying === last && !exits.has(last.record.call)) process.brokenAt = Math.min(process.brokenAt, death.at);
  // Others wait for its end, so it must not come before its time.
  if (dying.kind === 'pass') dying.kind = 'park';
  waitNeverEnds(dying);
  state.lastCall[thread] = dying;
  state.dead.add(thread);
  state.focus(thread);
  if (process.threads.every((one) => state.dead.has(one))) processDies(state, process, death, dying, append);
  const table = state.tableOf(thread);
  table.users--;
  if (table.users > 0) return;
  for (const slot of table.openSlots()) closeSlot(state, dying, slot);
}

/** The end of a thread that was between two calls. */
function untold(state: ResolveState, death: Death, last: PlannedCall | undefined, append: Append): PlannedCall {
  const { thread, at } = death;
  const process = state.processOf(thread);
  // Who ends others by its own end did so before they were seen to.
  const ends = death.signal === 0 && !isEndedByCall(state, process) && thread === process.index;
  const before = Math.min(at, ends ? process.brokenAt : at) - BEFORE;
  const begin = Math.max(before, last === undefined ? 0 : Math.min(last.end + BEFORE, (last.end + at) / 2));
  const call = append({ record: madeUp(state, thread, death), thread, begin, end: at, dies: true });
  if (death.signal !== 0) {
    const others = process.threads.map((one) => state.lastCall[one]);
    if (killerOf(state, process, death) !== undefined) {
      call.kind = 'park';
      if (last !== undefined) interruptedByDeath(state, process, death, last);
    } else if (others.some((one) => one?.kind === 'die')) call.kind = 'park';
    else {
      call.kind = 'die';
      call.args = [death.signal];
    }
  } else if (isEndedByCall(state, process) || (!ends && process.brokenAt < at)) call.kind = 'park';
  else {
    call.name = thread === process.index ? 'exit_group' : 'exit';
    call.args = [exitOf(state, thread)?.status ?? 0];
  }
  return call;
}

/** Another thread of the process executes another program, or the trace has the call that ends all. */
function isEndedByCall(state: ResolveState, process: PlanProcess): boolean {
  for (const call of state.executing) if (state.processes[call.thread] === process) return true;
  return state.groupExits.has(process.index);
}

function processDies(
  state: ResolveState,
  process: PlanProcess,
  death: Death,
  dying: PlannedCall,
  append: Append,
): void {
  process.endedAt = death.at;
  process.endedBy = dying;
  const last = process.threads.flatMap((thread) => state.lastCall[thread] ?? []);
  const cause = death.signal === 0 ? last.find(endsAll) : killing(state, process, death, last, append);
  // Whoever ends the process does so when each thread is where the end found it.
  for (const call of last) {
    if (cause === undefined || call === cause || !call.dies) continue;
    const isOwn = exits.has(call.record.call);
    if (!isOwn || call.begin < cause.begin) cause.after.push({ call, ended: false });
    if (!isOwn) call.makers.push(cause);
  }
  const { parent, exitSignal } = process;
  if (parent !== undefined && exitSignal > 0) sends(state, dying, exitSignal, new Set([parent.index]));
}

function endsAll(call: PlannedCall): boolean {
  return call.name === 'exit_group' && call.kind === 'call';
}

/** The call that kills the process. */
function killing(
  state: ResolveState,
  process: PlanProcess,
  death: Death,
  last: readonly PlannedCall[],
  append: Append,
): PlannedCall {
  const known = last.find(({ kind }) => kind === 'die') ?? killerOf(state, process, death);
  if (known !== undefined) {
    // strace prints a result, and then the thread dies of what it did.
    const { expected } = known;
    if (expected.kind === 'value' && state.processes[known.thread] === process) {
      known.expected = { ...expected, mayVanish: true };
    }
    return known;
  }
  const thread = state.trace.threads.length;
  const { at } = death;
  const call = append({
    record: madeUp(state, thread, death),
    thread,
    begin: at - BEFORE,
    end: at - BEFORE / 2,
    dies: false,
  });
  call.kind = 'kill';
  call.args = [{ thread: process.index }, death.signal];
  return call;
}

/** What kills a process interrupts the call that it is in: strace sees that call end, the machine need not. */
function interruptedByDeath(state: ResolveState, process: PlanProcess, death: Death, last: PlannedCall): void {
  const { expected } = last;
  const killers = state.sent.filter(({ call, signal, to }) => {
    const isIt = signal === death.signal && to.has(process.index);
    return isIt && call.thread !== last.thread && call.begin > last.begin && call.begin < last.end;
  });
  if (killers.length === 0 || expected.kind !== 'value' || !wasInterrupted(last.record)) return;
  last.expected = { ...expected, mayVanish: true };
  last.fatal = true;
  for (const { call } of killers) call.after.push({ call: last, ended: false });
}

/** The call by which a traced process killed it. */
function killerOf(state: ResolveState, process: PlanProcess, death: Death): PlannedCall | undefined {
  // The signal of a write that nobody will read is sent by the write itself.
  if (death.signal === SIGPIPE) return undefined;
  return state.sent.findLast(
    ({ call, signal, to }) => signal === death.signal && to.has(process.index) && call.begin < death.at,
  )?.call;
}

function exitOf(state: ResolveState, thread: number): ExitRecord | undefined {
  return state.trace.threads[thread]?.exit;
}

function madeUp(state: ResolveState, thread: number, death: Death): CallRecord {
  const exit = exitOf(state, death.thread);
  const last = state.lastCall[death.thread]?.record;
  const line = exit?.line ?? last?.endLine ?? 0;
  const timeNs = exit?.timeNs ?? last?.endNs ?? 0;
  return {
    kind: 'call',
    line,
    endLine: line,
    tid: state.trace.threads[death.thread]?.tid ?? 0,
    thread,
    timeNs,
    endNs: timeNs,
    call: death.signal === 0 ? 'exited' : 'killed',
    args: [],
    outcome: 'vanished',
    result: { value: Number.NaN, text: '?', details: [] },
  };
}
