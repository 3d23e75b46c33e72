// Signals between the processes of a trace: who sends them, what becomes of them, and which calls they interrupt. The
// machine delivers what traced calls and ends send; what comes from elsewhere, or what only strace makes a call return
// for, is the outside's.

import { SIG_DFL } from '../kernel/abi/flags-signal.ts';
import { signalIn, straceSignal } from './meaning.ts';
import type { ResolveState } from './plan-state.ts';
import type { Arrival, PlanProcess, Resolved } from './plan-resolved.ts';
import type { PlannedCall } from './plan-types.ts';
import type { CallRecord, SignalRecord } from './record.ts';
import { fieldIn, hasWord, numberIn, type Value } from './value.ts';

/** Calls that send a signal, and which argument says to whom and which signal. */
export const senders: Readonly<Record<string, readonly [target: number, signal: number]>> = {
  kill: [0, 1],
  tkill: [0, 1],
  tgkill: [1, 2],
  rt_sigqueueinfo: [0, 1],
  rt_tgsigqueueinfo: [1, 2],
};
/** A call that sends a signal begins: it may arrive before the call ends. */
export function sendBegins(state: ResolveState, call: PlannedCall): void {
  const { record } = call;
  const places = senders[record.call];
  if (places === undefined || call.kind !== 'call' || record.outcome === 'failed') return;
  const signal = signalIn(record.args[places[1]]?.value);
  const number = numberIn(record.args[places[0]]?.value);
  if (signal === undefined || signal <= 0 || number === undefined) return;
  sends(state, call, signal, targets(state, call.thread, number));
}

function targets(state: ResolveState, thread: number, number: number): ReadonlySet<number> {
  if (number > 0) {
    const target = state.threadOf(number);
    return new Set(target === undefined ? [] : [state.processOf(target).index]);
  }
  const group = number === 0 ? state.processOf(thread).group : -number;
  const members = state.processes.filter((process) => process.group === group || number === -1);
  return new Set(members.map(({ index }) => index));
}

/** From the begin of `call` on, a signal is on its way to processes. Those that block it may read it. */
export function sends(state: ResolveState, call: PlannedCall, signal: number, to: ReadonlySet<number>): void {
  if (to.size === 0) return;
  state.sent.push({ call, signal, to });
  for (const file of state.files.files) {
    if (file.kind !== 'signalfd' || file.inbox === undefined || !file.signals.includes(signal)) continue;
    const isReader = [...file.slots].some((slot) => isTableOf(state, slot.table, to));
    if (isReader) call.outputs.push({ channel: file.inbox, amount: 1, ends: false, signal });
  }
}

function isTableOf(state: ResolveState, table: number, processes: ReadonlySet<number>): boolean {
  for (const index of processes) {
    const threads = state.processes[index]?.threads ?? [];
    if (threads.some((thread) => state.tables[thread]?.id === table)) return true;
  }
  return false;
}

/** What the program asks for: rt_sigaction has succeeded. */
export function actionEnds(state: ResolveState, call: PlannedCall): void {
  const { record } = call;
  const signal = signalIn(record.args[0]?.value);
  const act = record.args[1]?.value;
  const handler = fieldIn(act, 'sa_handler') ?? fieldIn(act, 'sa_sigaction');
  if (signal === undefined || handler === undefined) return;
  const { actions } = state.processOf(call.thread);
  if (hasWord(handler, 'SIG_IGN')) actions.set(signal, 'ignored');
  else if (hasWord(handler, 'SIG_DFL') || numberIn(handler) === SIG_DFL) actions.delete(signal);
  else actions.set(signal, 'handled');
}

/** setpgid and setsid have succeeded. */
export function groupEnds(state: ResolveState, call: PlannedCall): void {
  const { record } = call;
  const own = state.processOf(call.thread);
  if (record.call === 'setsid') {
    own.group = record.result.value;
    return;
  }
  const [pid = 0, group = 0] = record.args.map((field) => numberIn(field.value) ?? 0);
  const thread = pid === 0 ? own.index : state.threadOf(pid);
  const process = thread === undefined ? undefined : state.processOf(thread);
  if (process !== undefined) process.group = group === 0 ? state.trace.threads[process.index]?.tid : group;
}

/** A line of the trace says that a signal was delivered. */
export function arrives(state: ResolveState, record: SignalRecord, at: number): void {
  const process = state.processes[record.thread];
  const signal = straceSignal(record.signal);
  if (process === undefined || signal === undefined || record.stopped) return;
  const maker = makerOf(state, process, signal, record.info, at);
  state.arrivals.push({ at, record, signal, maker, handled: process.actions.get(signal) === 'handled' });
}

/** The call of the trace that sent what a siginfo tells of. */
export function makerOf(
  state: ResolveState,
  process: PlanProcess,
  signal: number,
  info: Value | undefined,
  at: number,
): PlannedCall | undefined {
  const pid = numberIn(fieldIn(info, 'si_pid'));
  const code = fieldIn(info, 'si_code');
  if (code?.kind === 'flags' && code.words.some((word) => word.startsWith('CLD_'))) {
    const child = process.children.findLast(
      ({ index, endedAt }) => state.trace.threads[index]?.tid === pid && endedAt < at,
    );
    return child?.endedBy;
  }
  if (code === undefined || !['SI_USER', 'SI_TKILL', 'SI_QUEUE'].some((name) => hasWord(code, name))) return undefined;
  return state.sent.findLast(({ call, signal: sent, to }) => {
    const sender = state.trace.threads[state.processOf(call.thread).index];
    return sent === signal && to.has(process.index) && call.begin < at && (pid === undefined || sender?.tid === pid);
  })?.call;
}

/** A signal that a thread waited for: sent by the trace, or else by the outside. */
export function signalTaken(state: ResolveState, call: PlannedCall, signal: number): void {
  const maker = makerOf(state, state.processOf(call.thread), signal, call.record.args[1]?.value, call.end);
  if (maker === undefined) {
    const when = call.slow ? call.during : call.before;
    when.push({ do: 'signal', thread: call.thread, signal, whole: true });
  } else if (maker.begin > call.begin) call.makers.push(maker);
  else call.after.push({ call: maker, ended: true });
}

/** The order that arrivals show: a call that one interrupted had begun, one that it did not was over. */
export function gateArrivals(resolved: Resolved): Map<PlannedCall, Arrival> {
  const interrupted = new Map<PlannedCall, Arrival>();
  for (const arrival of resolved.arrivals) {
    const { maker, handled, record } = arrival;
    const calls = resolved.byThread[record.thread] ?? [];
    const next = calls.findIndex((call) => call.begin > arrival.at);
    const before = calls[(next < 0 ? calls.length : next) - 1];
    const after = next < 0 ? undefined : calls[next];
    const isCut = before !== undefined && wasInterrupted(before.record) && !interrupted.has(before);
    if (isCut) interrupted.set(before, arrival);
    if (maker === undefined || !handled) continue;
    if (before !== undefined && before.thread !== maker.thread) {
      if (isCut && maker.end > before.begin) maker.after.push({ call: before, ended: false });
      else if (isCut) continue;
      else if (maker.begin < before.end) maker.after.push({ call: before, ended: true });
    }
    if (after !== undefined && after.thread !== maker.thread) after.after.push({ call: maker, ended: true });
  }
  return interrupted;
}

export function wasInterrupted(record: CallRecord): boolean {
  // What a handler returns to says what became of the call that it interrupted.
  if (record.call === 'rt_sigreturn') return false;
  return record.outcome === 'restarted' || record.result.errno === 'EINTR';
}
