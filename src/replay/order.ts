// The global order of a trace: what began and what ended, as strace saw it, over all threads.
// strace prints a line when a call begins and, if anything came between, another when it ends; so the order of lines is
// an order in which the program's threads can have run. A replay holds itself to it; time stamps only say how far apart.

import type { CallRecord, ExitRecord, SignalRecord, Trace } from './record.ts';

export type TraceEvent =
  | { readonly kind: 'begin'; readonly line: number; readonly timeNs: number; readonly record: CallRecord }
  | { readonly kind: 'end'; readonly line: number; readonly timeNs: number; readonly record: CallRecord }
  | { readonly kind: 'signal'; readonly line: number; readonly timeNs: number; readonly record: SignalRecord }
  | { readonly kind: 'exit'; readonly line: number; readonly timeNs: number; readonly record: ExitRecord };

/** Every begin, end, signal and exit, by line. A call that never ended has no end. */
export function eventsInOrder(trace: Trace): TraceEvent[] {
  const events: TraceEvent[] = [];
  for (const thread of trace.threads) {
    for (const record of thread.records) {
      if (record.kind === 'signal') events.push({ kind: 'signal', line: record.line, timeNs: record.timeNs, record });
      else if (record.kind === 'exit') events.push({ kind: 'exit', line: record.line, timeNs: record.timeNs, record });
      else {
        events.push({ kind: 'begin', line: record.line, timeNs: record.timeNs, record });
        if (record.endNs !== undefined) {
          events.push({ kind: 'end', line: record.endLine, timeNs: record.endNs, record });
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
