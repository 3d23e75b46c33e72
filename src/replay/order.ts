// The global order of a trace: what began and what ended, as strace saw it, over all threads.
// strace prints a line when a call begins and, if anything came between, another when it ends; so the order of lines is
// an order in which the program's threads can have run. A replay holds itself to it; time stamps only say how far apart.

import type { CallRecord, ExitRecord, SignalRecord, Trace, TraceRecord } from './record.ts';

export type TraceEvent =
  | { readonly kind: 'begin'; readonly line: number; readonly timeNs: number; readonly record: CallRecord }
  | { readonly kind: 'end'; readonly line: number; readonly timeNs: number; readonly record: CallRecord }
  | { readonly kind: 'signal'; readonly line: number; readonly timeNs: number; readonly record: SignalRecord }
  | { readonly kind: 'exit'; readonly line: number; readonly timeNs: number; readonly record: ExitRecord };

/**
 * `strace -ff` writes a file for each thread, and merged they are in the order of begins, each call with its result on one
 * line. There a call ends behind the lines that came before its time was over.
 */
function endLines(trace: Trace): (record: CallRecord) => number {
  const records = trace.threads.flatMap((thread) => thread.records).sort((a, b) => a.line - b.line);
  const isOverrun = (record: TraceRecord, place: number): record is CallRecord => {
    const next = records[place + 1];
    const endNs = record.kind === 'call' && record.line === record.endLine ? record.endNs : undefined;
    return endNs !== undefined && next !== undefined && endNs > next.timeNs + MERGED_NS;
  };
  if (!records.some(isOverrun)) return (record) => record.endLine;
  const ends = new Map<CallRecord, number>();
  const own = new Map<number, number>();
  // Not behind the next line of the same thread.
  for (const record of records.toReversed()) {
    if (record.kind === 'call') ends.set(record, own.get(record.thread) ?? Number.POSITIVE_INFINITY);
    own.set(record.thread, record.line);
  }
  return (record) => {
    const { endNs = 0, line, endLine } = record;
    if (line !== endLine) return endLine;
    let last = line;
    for (let at = firstBehind(records, line); at < records.length && records[at]!.timeNs < endNs; at++) {
      last = records[at]!.line;
    }
    return Math.max(line, Math.min(last + 0.5, (ends.get(record) ?? 0) - 0.25));
  };
}
const MERGED_NS = 100_000;

/** Where the records of later lines begin. */
function firstBehind(records: readonly TraceRecord[], line: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (records[middle]!.line > line) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Every begin, end, signal and exit, by line. A call that never ended has no end. */
export function eventsInOrder(trace: Trace): TraceEvent[] {
  const events: TraceEvent[] = [];
  const endLineOf = endLines(trace);
  for (const thread of trace.threads) {
    for (const record of thread.records) {
      if (record.kind === 'signal') events.push({ kind: 'signal', line: record.line, timeNs: record.timeNs, record });
      else if (record.kind === 'exit') events.push({ kind: 'exit', line: record.line, timeNs: record.timeNs, record });
      else {
        events.push({ kind: 'begin', line: record.line, timeNs: record.timeNs, record });
        if (record.endNs !== undefined) {
          events.push({ kind: 'end', line: endLineOf(record), timeNs: record.endNs, record });
        }
      }
    }
  }
  // Sorting is stable: a begin stays before the end on its own line.
  return events.sort((a, b) => a.line - b.line);
}

/** All calls by the line on which they began. */
export function callsInOrder(trace: Trace): CallRecord[] {
  return trace.threads
    .flatMap((thread) => thread.records.filter((record) => record.kind === 'call'))
    .sort((a, b) => a.line - b.line);
}
