// When threads end, and by whom. A trace tells it by lines of their own, by a parent's SIGCHLD and by what a wait
// returns; whichever comes first is when the thread was gone for all to see.

import { straceSignal } from './meaning.ts';
import { childNewsIn, endOfStatus, waitStatusIn } from './meaning-process.ts';
import type { TraceEvent } from './order.ts';
import type { CallRecord, Trace, TraceThread } from './record.ts';
import type { Value } from './value.ts';

export interface Death {
  readonly thread: number;
  /** In the order of events; between two of them. */
  at: number;
  /** That killed its process; 0: it exited, or another thread of its process did. */
  signal: number;
}

export const exits: ReadonlySet<string> = new Set(['exit', 'exit_group']);
const ENDED_CODES = ['CLD_EXITED', 'CLD_KILLED', 'CLD_DUMPED'];

/** By thread. */
export function deathsOf(trace: Trace, events: readonly TraceEvent[]): Map<number, Death> {
  const deaths = new Map<number, Death>();
  const born = trace.threads.map(() => Number.POSITIVE_INFINITY);
  const last = trace.threads.map(() => 0);
  const childOf = new Map(trace.threads.map((thread) => [thread.bornBy, thread.index]));
  events.forEach((event, at) => {
    const { thread } = event.record;
    const isOwn = event.kind !== 'exit' && !(event.kind === 'end' && event.record.outcome === 'vanished');
    if (isOwn) last[thread] = at;
    born[thread] = Math.min(born[thread] ?? at, at);
    if (event.kind === 'begin') {
      const child = childOf.get(event.record);
      if (child !== undefined) born[child] = at;
      hiddenExit(trace, deaths, event.record, at);
    } else if (event.kind === 'exit') {
      const signal = event.record.signal === undefined ? 0 : (straceSignal(event.record.signal) ?? 0);
      note(deaths, thread, at, signal);
    } else {
      const ended = event.kind === 'signal' ? endedChild(event.record.info) : waitedFor(event.record);
      if (ended !== undefined) hurry(trace, deaths, ended, at - 0.5, born);
    }
  });
  together(trace, deaths);
  for (const death of deaths.values()) death.at = Math.max(death.at, (last[death.thread] ?? 0) + 0.1);
  return deaths;
}

function note(deaths: Map<number, Death>, thread: number, at: number, signal: number): void {
  const known = deaths.get(thread);
  if (known === undefined) deaths.set(thread, { thread, at, signal });
  else known.signal = signal;
}

/** Where strace was told to say nothing of exits, the call is all that there is. */
function hiddenExit(trace: Trace, deaths: Map<number, Death>, record: CallRecord, at: number): void {
  if (!exits.has(record.call) || record.outcome === 'returned') return;
  const threads = record.call === 'exit' ? [trace.threads[record.thread]] : mates(trace, record.thread);
  for (const thread of threads) {
    if (thread === undefined || thread.exit !== undefined || deaths.has(thread.index)) continue;
    deaths.set(thread.index, { thread: thread.index, at: at + 0.4, signal: 0 });
  }
}

function mates(trace: Trace, thread: number): readonly TraceThread[] {
  const process = trace.threads[thread]?.process;
  return trace.threads.filter((one) => one.process === process);
}

interface Ended {
  readonly pid: number;
  readonly signal: number;
}

/** The child that a SIGCHLD, or the siginfo of a wait, is about. */
function endedChild(info: Value | undefined): Ended | undefined {
  const news = childNewsIn(info);
  if (news === undefined || !ENDED_CODES.includes(news.code)) return undefined;
  return { pid: news.pid, signal: news.code === 'CLD_EXITED' ? 0 : (news.status ?? 0) };
}

/** The child that a call has waited for. */
function waitedFor(record: CallRecord): Ended | undefined {
  if (record.outcome !== 'returned') return undefined;
  if (record.call === 'waitid') return endedChild(record.args[2]?.value);
  if (record.call !== 'wait4' || record.result.value <= 0) return undefined;
  const end = endOfStatus(waitStatusIn(record.args[1]?.value) ?? 0);
  return end.exited === undefined && end.signal === undefined
    ? undefined
    : { pid: record.result.value, signal: end.signal ?? 0 };
}

/** The process was gone at this event, whatever the lines of its threads say. */
function hurry(
  trace: Trace,
  deaths: Map<number, Death>,
  { pid, signal }: Ended,
  at: number,
  born: readonly number[],
): void {
  let process = -1;
  for (const thread of trace.threads) {
    if (thread.tid === pid && thread.process === thread.index && (born[thread.index] ?? at) < at)
      process = thread.index;
  }
  for (const thread of trace.threads) {
    if (thread.process !== process || (born[thread.index] ?? at) >= at) continue;
    const death = deaths.get(thread.index);
    if (death === undefined) deaths.set(thread.index, { thread: thread.index, at, signal });
    else death.at = Math.min(death.at, at);
  }
}

/** A signal ends all threads of a process at once. */
function together(trace: Trace, deaths: ReadonlyMap<number, Death>): void {
  const first = new Map<number, number>();
  const killed = [...deaths.values()].filter((death) => death.signal !== 0);
  const processOf = (death: Death): number => trace.threads[death.thread]?.process ?? 0;
  for (const death of killed) {
    first.set(processOf(death), Math.min(first.get(processOf(death)) ?? death.at, death.at));
  }
  for (const death of killed) death.at = first.get(processOf(death)) ?? death.at;
}
