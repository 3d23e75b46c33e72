// Handlers that a trace does not show being installed: strace was told to leave rt_sigaction out, or came later. A signal
// that was delivered and did not end its process had one.

import { SIGCHLD, SIGCONT, SIGKILL, SIGPIPE, SIGSTOP, SIGURG, SIGWINCH } from '../kernel/abi/flags-signal.ts';
import { signalIn, straceSignal } from './meaning.ts';
import { senders } from './plan-signals.ts';
import type { CallRecord, Trace, TraceThread } from './record.ts';
import { numberIn } from './value.ts';

/** They do nothing unless the program says so; only an interrupted call shows that it did. */
const harmless: ReadonlySet<number> = new Set([SIGCHLD, SIGCONT, SIGURG, SIGWINCH]);
/** Nobody handles them; a write into the void is the replay's own business. */
const unhandled: ReadonlySet<number> = new Set([SIGKILL, SIGSTOP, SIGPIPE]);

/** @returns by process: signals that are handled from its beginning on */
export function presetActions(trace: Trace): Map<number, Set<number>> {
  const presets = new Map<number, Set<number>>();
  const told = new Set<number>();
  for (const thread of trace.threads) {
    for (const record of thread.records) {
      if (record.kind === 'call' && record.call === 'rt_sigaction') told.add(signalIn(record.args[0]?.value) ?? 0);
    }
  }
  for (const thread of trace.threads) {
    for (const signal of survived(trace, thread)) {
      if (told.has(signal) || unhandled.has(signal) || isFatalTo(trace, thread.process, signal)) continue;
      const signals = presets.get(thread.process) ?? new Set<number>();
      presets.set(thread.process, signals.add(signal));
    }
  }
  return presets;
}

/** Signals that were delivered to a thread, or that it sent to its own process. */
function survived(trace: Trace, thread: TraceThread): Set<number> {
  const signals = new Set<number>();
  let before: CallRecord | undefined;
  for (const record of thread.records) {
    if (record.kind === 'call') {
      before = record;
      const sent = selfSent(trace, thread, record);
      if (sent > 0) signals.add(sent);
    } else if (record.kind === 'signal' && !record.stopped) {
      const signal = straceSignal(record.signal) ?? 0;
      if (!harmless.has(signal) || before?.result.errno === 'EINTR') signals.add(signal);
    }
  }
  signals.delete(0);
  return signals;
}

function selfSent(trace: Trace, thread: TraceThread, record: CallRecord): number {
  const places = senders[record.call];
  if (places === undefined || record.outcome !== 'returned') return 0;
  const target = numberIn(record.args[places[0]]?.value);
  const isOwn = trace.threads.some((one) => one.process === thread.process && one.tid === target);
  const signal = isOwn ? (signalIn(record.args[places[1]]?.value) ?? 0) : 0;
  return harmless.has(signal) ? 0 : signal;
}

function isFatalTo(trace: Trace, process: number, signal: number): boolean {
  return trace.threads.some(
    (one) => one.process === process && one.exit?.signal !== undefined && straceSignal(one.exit.signal) === signal,
  );
}
