// Threads and processes come into the world: whose descriptors they share or copy, what becomes of signals in them.

import { CLONE_FILES, CLONE_PARENT, CLONE_THREAD } from '../kernel/abi/flags-task.ts';
import { straceSignal } from './meaning.ts';
import { exitSignalOf } from './meaning-process.ts';
import { DescriptorTable } from './plan-files.ts';
import type { ResolveState } from './plan-state.ts';
import type { PlanProcess } from './plan-resolved.ts';
import type { PlannedCall } from './plan-types.ts';
import { unsupport } from './plan-verdict.ts';
import type { TraceThread } from './record.ts';
import { birthFlagsOf } from './threads.ts';

/** Those who were there before the trace begins: all of one process, as far as anybody can tell. */
export function firstThreads(state: ResolveState): void {
  const table = new DescriptorTable(state.files);
  for (let number = 0; number <= 2; number++) table.known(number);
  const process = newProcess(state, state.trace.threads[0]?.process ?? 0, undefined, 0);
  table.users = 0;
  for (const thread of state.trace.threads) {
    if (thread.bornBy !== undefined) continue;
    state.processes[thread.index] = process;
    state.tables[thread.index] = table;
    process.threads.push(thread.index);
    table.users++;
    state.name(thread.tid, thread.index);
  }
}

function newProcess(
  state: ResolveState,
  index: number,
  parent: PlanProcess | undefined,
  exitSignal: number,
): PlanProcess {
  const process: PlanProcess = {
    index,
    parent,
    children: [],
    threads: [],
    actions: new Map(parent?.actions ?? []),
    exitSignal,
    group: parent?.group,
    hasStrangers: false,
    endedAt: Number.POSITIVE_INFINITY,
    endedBy: undefined,
    brokenAt: Number.POSITIVE_INFINITY,
    reaped: false,
  };
  for (const signal of state.presets.get(index) ?? []) process.actions.set(signal, 'handled');
  parent?.children.push(process);
  return process;
}

/** clone, fork, vfork: the child begins when the call does, for its first calls may stand before the call's result. */
export function beginBirth(state: ResolveState, call: PlannedCall): void {
  const { record } = call;
  const child = state.children.get(record);
  if (child === undefined) {
    // A thread that makes no call of the trace is no task; what a child does that is not in the trace, the outside does.
    unsupport(call);
    const isChild = record.outcome === 'returned' && !birthFlagsOf(record).includes('CLONE_THREAD');
    if (isChild) state.processOf(call.thread).hasStrangers = true;
    return;
  }
  call.kind = 'birth';
  call.name = 'clone';
  const isThread = child.birthFlags.includes('CLONE_THREAD');
  const shares = child.birthFlags.includes('CLONE_FILES');
  const exitSignal = isThread ? 0 : exitSignalOf(record);
  const creator = state.processOf(call.thread);
  const isSibling = child.birthFlags.includes('CLONE_PARENT') && creator.parent !== undefined;
  const process = isThread ? creator : newProcess(state, child.index, isSibling ? creator.parent : creator, exitSignal);
  process.threads.push(child.index);
  state.processes[child.index] = process;
  const flags =
    (isThread ? CLONE_THREAD : exitSignal) | (shares ? CLONE_FILES : 0) | (isSibling && !isThread ? CLONE_PARENT : 0);
  call.extra = { thread: child.index, birth: flags };
  const cleared = child.birthFlags.includes('CLONE_CLEAR_SIGHAND')
    ? handledBy(process)
    : fatalTo(state, child, process);
  if (!isThread && cleared.length > 0) {
    call.extra = { ...call.extra, defaults: cleared };
    for (const signal of cleared) process.actions.delete(signal);
  }
  giveDescriptors(state, call, child, shares);
  state.name(child.tid, child.index);
}

function giveDescriptors(state: ResolveState, call: PlannedCall, child: TraceThread, shares: boolean): void {
  const table = state.tableOf(call.thread);
  if (shares) {
    table.users++;
    state.tables[child.index] = table;
    return;
  }
  const { table: own, copies } = table.copy(call.begin);
  state.tables[child.index] = own;
  call.extra = { ...call.extra, copies };
  // What overlaps, and ends later than the copy is made, is not in it.
  for (const other of state.changing) {
    if (state.tables[other.thread] === table && !(other.mayWait && other.slow)) {
      other.after.push({ call, ended: true });
    }
  }
}

/** A signal that only its parent was taken to handle, and that ended the child, was not handled there. */
function fatalTo(state: ResolveState, child: TraceThread, process: PlanProcess): number[] {
  const signal = child.exit?.signal === undefined ? 0 : (straceSignal(child.exit.signal) ?? 0);
  const isGuessed = [...state.presets.values()].some((signals) => signals.has(signal));
  return isGuessed && process.actions.get(signal) === 'handled' ? [signal] : [];
}

/** Signals that run a handler in a process. */
export function handledBy(process: PlanProcess): number[] {
  return [...process.actions].filter(([, action]) => action === 'handled').map(([signal]) => signal);
}
