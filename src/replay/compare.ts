// What the machine answered against what the trace says. Pure: it is given the answers as they lay in memory.

import { errnoName } from '../kernel/abi/errno.ts';
import { formatFlags } from '../kernel/abi/flag-groups.ts';
import { signalName } from '../kernel/abi/flags-signal.ts';
import { REPLAY_ABI } from './plan-arguments.ts';
import type { Expected, ExpectedEvent, PlanCall } from './plan.ts';
import { printCall } from './value-print.ts';

/** What became of a call: never made, made and not come back, or answered. */
export type Answer =
  | { readonly kind: 'none' }
  | { readonly kind: 'open' }
  | {
      readonly kind: 'value';
      readonly value: number;
      readonly events?: readonly ExpectedEvent[] | undefined;
      /** Of a wait for children: whether it is the one that the trace shows, and its status word. */
      readonly isChild?: boolean | undefined;
      readonly status?: number | undefined;
      /** What was reported when the wait ended too early, and was made again. */
      readonly early?: readonly (readonly ExpectedEvent[])[] | undefined;
    };

/** What a design may answer instead: these events, and any of those besides. */
export interface Alternative {
  readonly events: readonly ExpectedEvent[];
  /** An event of these may have any bits of those named. */
  readonly besides: readonly ExpectedEvent[];
  /** What may be missing of the events, by data. */
  readonly missing?: readonly bigint[];
  /** Of these, by data, some of the bits will do. */
  readonly partial?: readonly bigint[];
  /** It may answer one of these numbers instead, with nothing reported. */
  readonly values?: readonly number[];
}

/** Where a design answers otherwise, foretold from the call and its expected result alone. */
export interface ReplayDivergence {
  readonly rule: string;
  readonly reason: string;
  readonly instead: (call: PlanCall) => Alternative | undefined;
}

export interface Mismatch {
  /** Of the trace. */
  readonly line: number;
  readonly tid: number;
  /** As strace printed it. */
  readonly call: string;
  readonly expected: string;
  readonly got: string;
}

export interface Comparison {
  readonly compared: number;
  readonly mismatches: readonly Mismatch[];
  readonly declared: readonly { readonly rule: string; readonly calls: number }[];
}

/** Compares every call that is to be compared. */
export function compareCalls(
  calls: readonly PlanCall[],
  answerOf: (call: PlanCall) => Answer,
  divergences: readonly ReplayDivergence[],
): Comparison {
  const mismatches: Mismatch[] = [];
  const declared = new Map<string, number>();
  let compared = 0;
  for (const call of calls) {
    if (call.verdict !== 'compared') continue;
    compared++;
    const answer = answerOf(call);
    const early = answer.kind === 'value' ? (answer.early ?? []) : [];
    if (agrees(call.expected, answer) && early.length === 0) continue;
    const rule = divergences.find(({ instead }) => {
      const other = instead(call);
      return other !== undefined && agreesWith(call, other, answer);
    })?.rule;
    if (rule !== undefined) declared.set(rule, (declared.get(rule) ?? 0) + 1);
    else mismatches.push(mismatchOf(call, answer));
  }
  return { compared, mismatches, declared: [...declared].map(([rule, count]) => ({ rule, calls: count })) };
}

export function agrees(expected: Expected, answer: Answer): boolean {
  if (expected.kind === 'silence') return answer.kind === 'open';
  if (expected.kind === 'value' && expected.mayVanish === true && answer.kind === 'open') return true;
  if (answer.kind !== 'value') return false;
  switch (expected.kind) {
    case 'value':
      return answer.value === expected.value;
    case 'child':
      return answer.isChild === true && (expected.status === undefined || isStatus(answer.status, expected.status));
    case 'success':
      return answer.value >= 0;
    case 'events':
    case 'polled':
      return answer.value === expected.count && sameEvents(expected, answer.events ?? []);
  }
}

/** Whether it left a core is nobody's business. */
function isStatus(got: number | undefined, expected: number): boolean {
  return got !== undefined && (got & ~CORE_DUMPED) === expected;
}
const CORE_DUMPED = 0x80;

function agreesWith({ expected }: PlanCall, other: Alternative, answer: Answer): boolean {
  if (answer.kind !== 'value') return false;
  if (other.values?.includes(answer.value) === true) return true;
  const events = answer.events ?? [];
  if (answer.value !== events.length) return false;
  const isEarly = (answer.early ?? []).every((one) => isWithin(one, other, false));
  return isEarly && (agrees(expected, answer) || isWithin(events, other, true));
}

/** Whether a report has all the events of an alternative, if it must, and nothing but what may stand besides. */
function isWithin(report: readonly ExpectedEvent[], other: Alternative, mustBeWhole: boolean): boolean {
  const missing = new Set(other.events.map(keyOf));
  for (const event of report) {
    if (missing.delete(keyOf(event))) continue;
    const whole = other.events.find(({ data }) => other.partial?.includes(data) === true && data === event.data);
    const isPart = whole !== undefined && event.events !== 0 && (event.events & ~whole.events) === 0;
    if (isPart && missing.delete(keyOf(whole))) continue;
    const allowed = other.besides.find(({ data }) => data === event.data);
    if (allowed === undefined || event.events === 0 || (event.events & ~allowed.events) !== 0) return false;
  }
  const mayMiss = new Set(other.events.filter(({ data }) => other.missing?.includes(data) === true).map(keyOf));
  return !mustBeWhole || [...missing].every((key) => mayMiss.has(key));
}

/** As sets; of a list that strace cut, what it printed must be among what was reported. */
function sameEvents(expected: Expected & { kind: 'events' | 'polled' }, got: readonly ExpectedEvent[]): boolean {
  const left = new Map<string, number>();
  for (const event of got) left.set(keyOf(event), (left.get(keyOf(event)) ?? 0) + 1);
  for (const event of expected.events) {
    const count = left.get(keyOf(event)) ?? 0;
    if (count === 0) return false;
    left.set(keyOf(event), count - 1);
  }
  return expected.cut || got.length === expected.events.length;
}

function keyOf({ data, events }: ExpectedEvent): string {
  return `${data} ${events >>> 0}`;
}

function mismatchOf(call: PlanCall, answer: Answer): Mismatch {
  const { record, expected } = call;
  return {
    line: record.line,
    tid: record.tid,
    call: shortened(printCall(record)),
    expected: expectedText(expected),
    got: answerText(answer, expected),
  };
}

const CALL_LENGTH = 160;
function shortened(text: string): string {
  return text.length <= CALL_LENGTH ? text : `${text.slice(0, CALL_LENGTH - 40)} ... ${text.slice(-35)}`;
}

export function expectedText(expected: Expected): string {
  switch (expected.kind) {
    case 'silence':
      return 'no return';
    case 'success':
      return 'success';
    case 'value':
      return valueText(expected.value);
    case 'child':
      return expected.status === undefined ? 'the child' : `the child, ${statusText(expected.status)}`;
    case 'events':
    case 'polled':
      return `${expected.count} ${eventsText(expected.events, expected)}${expected.cut ? ' and others' : ''}`;
  }
}

function answerText(answer: Answer, expected: Expected): string {
  if (answer.kind === 'none') return 'never made';
  if (answer.kind === 'open') return 'no return';
  if (expected.kind === 'child' && answer.value > 0) {
    const which = answer.isChild === true ? 'the child' : 'another process';
    return answer.status === undefined ? which : `${which}, ${statusText(answer.status)}`;
  }
  const isWait = expected.kind === 'events' || expected.kind === 'polled';
  if (!isWait || answer.value < 0) return valueText(answer.value);
  return `${answer.value} ${eventsText(answer.events ?? [], expected)}`;
}

function statusText(status: number): string {
  const signal = status & 0x7f;
  return signal === 0 ? `exited with ${status >> 8}` : `killed by ${signalName(signal)}`;
}

function valueText(value: number): string {
  return value < 0 && value > -4096 ? `-${errnoName(-value) ?? -value}` : String(value);
}

const EVENTS_SHOWN = 8;
function eventsText(events: readonly ExpectedEvent[], { kind }: Expected): string {
  const group = kind === 'polled' ? 'pollEvents' : 'epollEvents';
  const sorted = [...events].sort((a, b) => (a.data < b.data ? -1 : a.data > b.data ? 1 : a.events - b.events));
  const shown = sorted
    .slice(0, EVENTS_SHOWN)
    .map((event) => `${formatFlags(REPLAY_ABI, group, event.events)} ${event.data}`);
  return `[${shown.join(', ')}${events.length > EVENTS_SHOWN ? ', ...' : ''}]`;
}
