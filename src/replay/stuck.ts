// A replay that does not get on: which call of which thread waits for what, by the trace's lines.

import type { Plan, PlanCall } from './plan.ts';
import type { ReplayMemory } from './memory.ts';
import { WAITS_ACTOR, WAITS_CALL, WAITS_CLOCK, WAITS_THREAD } from './script.program.ts';
import { errnoName } from '../kernel/abi/errno.ts';
import { printCall } from './value-print.ts';

/** The replay could not be ended: the machine died under it, or nothing moved any more. */
export class ReplayStuck extends Error {
  override readonly name = 'ReplayStuck';
  readonly exitCode = 3;
  /** What every thread waits for, and the machine's own report where there is one. */
  readonly report: string;

  constructor(message: string, report: string) {
    super(message);
    this.report = report;
  }
}

const CALL_LENGTH = 120;

/** A line for each thread that has not ended. */
export function stuckLines(plan: Plan, memory: ReplayMemory): string[] {
  if (!memory.isThere()) return ['the replay has not begun: the outside is still being set up'];
  const lines: string[] = [];
  plan.script.threads.forEach((thread, index) => {
    const { progress, waits, on } = memory.thread(index);
    // Odd while a step is being made; even between two.
    const at = Math.floor(progress / 2);
    const call = callAt(plan, index, at);
    if (call === undefined || at >= thread.steps.length) return;
    const what = waitText(plan, memory, waits, on);
    if (what !== undefined) lines.push(`thread ${plan.tids[index]}: ${callText(call)} ${what}`);
  });
  const failure = memory.failure();
  if (failure !== undefined) {
    const call = callAt(plan, failure.thread, failure.place);
    const errno = errnoName(-failure.result) ?? String(failure.result);
    if (call !== undefined) lines.push(`what came from outside for ${callText(call)} failed with ${errno}`);
  }
  return lines;
}

function callAt(plan: Plan, thread: number, place: number): PlanCall | undefined {
  const index = plan.steps[thread]?.[place];
  return index === undefined ? undefined : plan.calls[index];
}

function callText(call: PlanCall): string {
  const text = printCall(call.record);
  return `line ${call.record.line}, ${text.length > CALL_LENGTH ? `${text.slice(0, CALL_LENGTH)}...` : text},`;
}

function waitText(plan: Plan, memory: ReplayMemory, waits: number, on: number): string | undefined {
  switch (waits) {
    case WAITS_CALL:
      return 'waits in its call';
    case WAITS_ACTOR:
      return 'waits for what comes from outside before it';
    case WAITS_CLOCK:
      return 'waits for its time';
    case WAITS_THREAD: {
      const { progress } = memory.thread(on);
      const other = callAt(plan, on, Math.floor(progress / 2));
      const where = other === undefined ? '' : `, which is at ${callText(other).slice(0, -1)}`;
      return `waits for thread ${plan.tids[on]}${where}`;
    }
    default:
      return undefined;
  }
}
