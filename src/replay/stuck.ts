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
    const { progress, alive } = memory.thread(index);
    // Odd while a step is being made; even between two.
    const at = Math.floor(progress / 2);
    if (at >= thread.steps.length) return;
    const who = plan.tids[index] === 0 ? 'the outside' : `thread ${plan.tids[index]}`;
    const isOwn = thread.process < 0;
    const isLast = at === thread.steps.length - 1 && progress % 2 === 1;
    if (alive || isOwn) {
      const what = waitText(plan, memory, index);
      if (what !== undefined) lines.push(`${who}: ${stepText(plan, index, at)}, ${what}`);
    } else if (!(isLast && thread.endsWaiting === 1)) {
      const what = progress === 0 ? 'was not begun' : `ended at ${stepText(plan, index, at)}`;
      lines.push(`${who}: ${what}`);
    }
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
  return `line ${call.record.line}, ${text.length > CALL_LENGTH ? `${text.slice(0, CALL_LENGTH)}...` : text}`;
}

function stepText(plan: Plan, thread: number, place: number): string {
  const call = callAt(plan, thread, place);
  if (call !== undefined) return callText(call);
  return place < (plan.steps[thread]?.length ?? 0) ? 'its end' : 'behind its last call';
}

function waitText(plan: Plan, memory: ReplayMemory, index: number): string | undefined {
  const { waits, on } = memory.thread(index);
  switch (waits) {
    case WAITS_CALL:
      return 'waits in its call';
    case WAITS_ACTOR:
      return 'waits for what comes from outside before it';
    case WAITS_CLOCK:
      return 'waits for its time';
    case WAITS_THREAD: {
      const { progress } = memory.thread(on);
      const at = Math.floor(progress / 2);
      const who = plan.tids[on] === 0 ? 'the outside' : `thread ${plan.tids[on]}`;
      return `waits for ${who}, which is at ${stepText(plan, on, at)}`;
    }
    default:
      return undefined;
  }
}
