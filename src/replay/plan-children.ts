// wait4 and waitid: which child was waited for, and which had not ended yet when a wait looked.

import { childNewsIn, waitStatusIn } from './meaning-process.ts';
import type { Death } from './plan-deaths.ts';
import type { ResolveState } from './plan-state.ts';
import type { PlanProcess } from './plan-resolved.ts';
import type { PlannedCall } from './plan-types.ts';
import * as verdict from './plan-verdict.ts';
import type { CallRecord } from './record.ts';
import { hasWord, numberIn } from './value.ts';
import { printField } from './value-print.ts';

export const childWaits: ReadonlySet<string> = new Set(['wait4', 'waitid']);

/** Without what untraced children do, a wait of their parent cannot be made again. @returns whether it was imposed */
export function waitsForStrangers(state: ResolveState, call: PlannedCall): boolean {
  const isStopped = call.record.args.some((field) =>
    /WIFSTOPPED|WIFCONTINUED|CLD_STOPPED|CLD_CONT/.test(printField(field)),
  );
  const { hasStrangers, children } = state.processOf(call.thread);
  // It found a child, or one to wait for, where the trace shows none.
  const isUnknown = call.record.outcome === 'returned' && children.every(({ reaped }) => reaped);
  if (!isStopped && !hasStrangers && !isUnknown) return false;
  verdict.impose(call, isStopped ? verdict.STOPS : verdict.STRANGERS);
  return true;
}

/** @param deaths by thread */
export function childWaitEnds(state: ResolveState, call: PlannedCall, deaths: ReadonlyMap<number, Death>): void {
  const { record } = call;
  const process = state.processOf(call.thread);
  if (call.kind !== 'call' || record.outcome === 'restarted' || call.dies) return;
  const waited = childOf(state, process, record);
  if (waited !== undefined) {
    if (record.call === 'wait4') {
      call.expected = { kind: 'child', thread: waited.index, status: waitStatusIn(record.args[1]?.value) };
      call.extra = { report: 'status', reportAt: 1 };
    }
    if (!keepsChild(record)) waited.reaped = true;
    // One that does not wait finds it only if it is there.
    const { endedBy } = waited;
    if (endedBy !== undefined && endedBy.end > call.begin) {
      if (call.mayWait) call.makers.push(endedBy);
      else call.after.push({ call: endedBy, ended: true });
    }
  }
  if (record.outcome !== 'returned') return;
  if (waited === undefined && process.children.some((child) => isDying(state, deaths, child, call))) {
    verdict.impose(call, verdict.ENDING);
    return;
  }
  // Those whose end overlapped, and which it did not take, had not ended.
  for (const child of process.children) {
    if (child === waited || child.reaped || child.endedAt < call.begin || !isMeant(state, record, child)) continue;
    for (const thread of child.threads) {
      const last = state.lastCall[thread];
      if (last !== undefined && isExit(last) && last.begin < call.end) last.after.push({ call, ended: true });
    }
  }
}

/** What kills a child of this trace has happened, and yet a wait did not find it dead: in the machine death is at once. */
function isDying(
  state: ResolveState,
  deaths: ReadonlyMap<number, Death>,
  child: PlanProcess,
  { begin, record }: PlannedCall,
): boolean {
  const death = deaths.get(child.index);
  if (child.reaped || child.endedAt < begin || death === undefined || death.signal === 0) return false;
  return (
    isMeant(state, record, child) &&
    state.sent.some((one) => one.signal === death.signal && one.to.has(child.index) && one.call.begin < begin)
  );
}

/** Whether a wait would have taken this child. */
function isMeant(state: ResolveState, record: CallRecord, { index }: PlanProcess): boolean {
  const isNamed = record.call === 'wait4' || hasWord(record.args[0]?.value, 'P_PID');
  const number = numberIn(record.args[record.call === 'wait4' ? 0 : 1]?.value) ?? -1;
  return !isNamed || number <= 0 || state.trace.threads[index]?.tid === number;
}

function isExit(call: PlannedCall): boolean {
  return call.name === 'exit_group' || call.name === 'exit' || call.kind === 'die' || call.kind === 'kill';
}

function keepsChild(record: CallRecord): boolean {
  return hasWord(record.args[3]?.value, 'WNOWAIT');
}

/** The child that a wait returned. */
function childOf(state: ResolveState, process: PlanProcess, record: CallRecord): PlanProcess | undefined {
  if (record.outcome !== 'returned') return undefined;
  const pid = record.call === 'wait4' ? record.result.value : childNewsIn(record.args[2]?.value)?.pid;
  if (pid === undefined || pid <= 0) return undefined;
  const isIt = ({ index }: PlanProcess): boolean => state.trace.threads[index]?.tid === pid;
  // An orphan has another parent than the one that made it.
  return process.children.findLast((child) => isIt(child) && !child.reaped) ?? state.processes.findLast(isIt);
}
