// The last of a plan: from calls with all that is known of them to the script that the machine plays.

import { SIGPIPE } from '../kernel/abi/flags-signal.ts';
import type { Ordered } from './plan-order.ts';
import { first, timeoutNs } from './plan-record.ts';
import { sinkOf, scratchOf } from './plan-scratch.ts';
import { wasInterrupted } from './plan-signals.ts';
import type { Resolved } from './plan-resolved.ts';
import type { Gate, PlannedCall } from './plan-types.ts';
import {
  ANNOUNCE_END,
  ASK_BEFORE,
  ASK_DURING,
  EARLY_REPORTS,
  progressOf,
  type Script,
  type ScriptAction,
  type ScriptDelivery,
  type ScriptStep,
  type ScriptThread,
} from './script.program.ts';

/** Shorter pauses than this are not kept: the replay's own cost is of that size. */
const PAUSE_NS = 20_000;
/** What is reported beyond what is expected, before a report is cut. */
const SPARE_EVENTS = 16;
/** The outside reads and writes so much at once. */
const SINK_BYTES = 16_384;
/** Numbers above this stand for no descriptor that a program has. */
const NUMBER_MAX = 1 << 16;

export function scriptOf(resolved: Resolved, ordered: Ordered, cpus: number): Script {
  const spreadOver = spread(resolved.byThread.map((calls) => calls.length));
  const births = new Map<number, PlannedCall>();
  for (const call of resolved.calls) if (call.kind === 'birth') births.set(call.extra.thread ?? -1, call);
  const numbers = descriptorNumbers(resolved);
  const threads = resolved.byThread.map((calls, index) =>
    scriptThread(resolved, calls, ordered, {
      cpu: spreadOver[index] ?? 0,
      atStart: births.has(index) || index === 0 ? 0 : 1,
      process: resolved.processes[index]?.index ?? -1,
      ...signalsOf(resolved, index, births.get(index)),
    }),
  );
  return {
    threads,
    endpoints: resolved.endpoints.map((endpoint, index) =>
      endpoint.kind === 'standIn' ? { ...endpoint, slots: standInSlots(resolved, index) } : endpoint,
    ),
    slots: resolved.slots.length,
    results: resolved.calls.filter((call) => !call.synthetic).length,
    logBytes: logBytes(resolved.calls),
    blocked: blockedAtStart(resolved),
    groups: resolved.calls.some(meansGroups) ? 1 : 0,
    sinkBytes: resolved.calls.reduce((bytes, call) => Math.max(bytes, sinkOf(call.args)), SINK_BYTES),
    ...numbers,
    cpus,
    keepsClosed: 0,
    tellsOnce: 0,
  };
}

function meansGroups({ record, kind }: PlannedCall): boolean {
  if (kind !== 'call') return false;
  return record.call === 'setpgid' || record.call === 'setsid' || (record.call === 'kill' && (first(record) ?? 1) <= 0);
}

/** Numbers that the program chose by itself lie above those that it is given, as far above as the trace has numbers. */
function descriptorNumbers(resolved: Resolved): Pick<Script, 'standInFds' | 'outsideFds'> {
  const highest = resolved.slots.reduce((top, { number }) => (number < NUMBER_MAX ? Math.max(top, number) : top), 0);
  const standInFds = resolved.chosenFds + highest + 64;
  const standIns = resolved.endpoints.filter(({ kind }) => kind === 'standIn').length;
  return { standInFds, outsideFds: standInFds + standIns + 16 };
}

/** Every descriptor of a file that something stands in for, in any process. */
function standInSlots(resolved: Resolved, endpoint: number): number[] {
  return resolved.files
    .filter((file) => file.reason !== '' && file.endpoint === endpoint)
    .flatMap((file) => file.everySlot.map((slot) => slot.id));
}

function scriptThread(
  resolved: Resolved,
  calls: readonly PlannedCall[],
  ordered: Ordered,
  where: Pick<ScriptThread, 'cpu' | 'atStart' | 'process' | 'handled' | 'defaults'>,
): ScriptThread {
  const steps: ScriptStep[] = [];
  const deliveries: ScriptDelivery[] = [];
  let scratchBytes = 512;
  let freeNs = -PAUSE_NS;
  const manySignalled = isSignalledAnywhere(resolved, where.process);
  calls.forEach((call, place) => {
    let ask = 0;
    if (call.before.length > 0) {
      ask |= ASK_BEFORE;
      deliveries.push({ place, afterNs: -1, actions: call.before });
    }
    const during = [...call.awaits.map(awaiting), ...call.during, ...rescue(call)];
    if (during.length > 0) {
      ask |= ASK_DURING;
      deliveries.push({ place, afterNs: call.during.length > 0 ? patience(call) : 0, actions: during });
    }
    const { timeNs, endNs } = call.record;
    const startNs = call.held ? (endNs ?? timeNs) : timeNs;
    steps.push({
      kind: call.kind,
      index: call.index,
      name: call.name,
      args: call.args,
      // What only waits for its end may be ended as soon as it has nothing else to do.
      after: call.kind === 'park' && call.synthetic ? [] : (ordered.after.get(call) ?? []),
      startNs: startNs - freeNs >= PAUSE_NS && !(call.kind === 'park' && call.synthetic) ? startNs : -1,
      ask,
      announce: ordered.announce.get(call) ?? 0,
      ...call.extra,
      ...(call.mayWait && manySignalled && !wasInterrupted(call.record) ? { resumes: true } : {}),
      ...(call.extra.copies === undefined ? {} : { copies: replayedCopies(resolved, call.extra.copies) }),
      ...(call.closes.length > 0 ? { closes: call.closes } : {}),
      ...(call.removes.length > 0 ? { removes: call.removes } : {}),
      ...(call.repeats.length > 0 ? { repeats: call.repeats } : {}),
      ...(call.retakes ? { retakes: true } : {}),
      ...(call.skims.length > 0 ? { skims: call.skims.map(({ slot }) => slot.id) } : {}),
      ...(call.lends.length > 0 ? { lends: call.lends } : {}),
      ...(call.ends.length > 0 ? { ends: call.ends } : {}),
      ...(call.names === undefined ? {} : { names: call.names }),
      ...lasting(call),
    });
    freeNs = endNs ?? timeNs;
    scratchBytes = Math.max(scratchBytes, scratchOf(call.args));
  });
  const last = calls.at(-1);
  const neverReturns = last !== undefined && (last.dies || last.end === Number.POSITIVE_INFINITY);
  return {
    ...where,
    steps,
    deliveries,
    scratchBytes,
    endsWaiting: neverReturns && last.kind !== 'pass' ? 1 : 0,
    watched: last?.dies === true && isWatched(calls, last, ordered) ? 1 : 0,
  };
}

/** Whether signals run handlers in a process of several threads: in which of them, each system decides for itself. */
function isSignalledAnywhere(resolved: Resolved, process: number): boolean {
  const threads = resolved.processes[process]?.threads ?? [];
  return (
    threads.length > 1 && resolved.arrivals.some(({ record, handled }) => handled && threads.includes(record.thread))
  );
}

/** Whether somebody must see the end of a thread: one that waits for it, or nobody knows in which call it comes. */
function isWatched(calls: readonly PlannedCall[], last: PlannedCall, { announce }: Ordered): boolean {
  return ((announce.get(last) ?? 0) & ANNOUNCE_END) !== 0 || calls.some(({ fatal }) => fatal);
}

/** What stands in for a file has the same number in every process, from the start. */
function replayedCopies(resolved: Resolved, copies: readonly number[]): number[] {
  const kept: number[] = [];
  for (let at = 0; at < copies.length; at += 2) {
    if (resolved.slots[copies[at]!]?.file.reason === '') kept.push(copies[at]!, copies[at + 1]!);
  }
  return kept;
}

/** How long a wait must last that a design may end too early: one by edge. */
function lasting(call: PlannedCall): Pick<ScriptStep, 'lasts'> {
  if ((call.file?.edges.length ?? 0) === 0 || call.extra.report !== 'events' || !call.mayWait) return {};
  const after = call.makers.flatMap((maker) => [maker.thread, progressOf(maker.place, false)]);
  const waitsForTime = call.slow && call.during.length === 0 && after.length === 0 && call.before.length === 0;
  return { lasts: { after, ns: waitsForTime ? patience(call) * LASTING_SHARE : 0 } };
}
/** Of its recorded time, so much must be over when a wait ends by itself. */
const LASTING_SHARE = 0.8;

function awaiting({ call, ended }: Gate): ScriptAction {
  return { do: 'await', thread: call.thread, progress: progressOf(call.place, ended) };
}

/** A wait that reports nothing but what a MOD made an edge again is one that some designs do not end. */
function rescue(call: PlannedCall): ScriptAction[] {
  const { expected, modified } = call;
  const mayHang =
    call.mayWait && expected.kind === 'events' && modified.length > 0 && modified.length >= expected.count;
  return mayHang ? [{ do: 'rescue', afterNs: patience(call) + RESCUE_NS }] : [];
}
const RESCUE_NS = 2e6;

/** How long the outside lets a call wait: as long as it did in the trace, but not so long that it might time out. */
function patience(call: PlannedCall): number {
  const { record } = call;
  const tookNs = (record.endNs ?? record.timeNs) - record.timeNs;
  const limitNs = timeoutNs(record) ?? -1;
  return limitNs <= 0 ? tookNs : Math.min(tookNs, Math.max(limitNs * 0.5, limitNs - 20e6));
}

/** The busiest threads get a CPU first; the machine takes the numbers modulo its CPUs. */
function spread(calls: readonly number[]): number[] {
  const cpus = calls.map(() => 0);
  const byLoad = calls.map((load, index) => ({ load, index })).sort((a, b) => b.load - a.load);
  byLoad.forEach(({ index }, rank) => {
    cpus[index] = rank;
  });
  return cpus;
}

/** Room for what waits report: a count, and three words for each event. */
function logBytes(calls: readonly PlannedCall[]): number {
  let words = 16;
  for (const call of calls) {
    if (call.kind !== 'call' || call.extra.report === undefined) continue;
    const { expected } = call;
    const events = expected.kind === 'events' || expected.kind === 'polled' ? expected.count : 0;
    words += 2 + 3 * (events + SPARE_EVENTS) + earlyWords(call);
  }
  return words * 4;
}

/** Room for what a wait by edge reports too early. */
function earlyWords({ file }: PlannedCall): number {
  const edges = Math.min(file?.edges.length ?? 0, EARLY_MAX);
  return edges === 0 ? 0 : EARLY_REPORTS * (2 + 3 * edges);
}
const EARLY_MAX = 128;

/** What becomes of signals in a process from its beginning on; nothing where the thread is not its first. */
function signalsOf(
  resolved: Resolved,
  thread: number,
  birth: PlannedCall | undefined,
): Pick<ScriptThread, 'handled' | 'defaults'> {
  const process = resolved.processes[thread];
  if (process?.index !== thread) return { handled: [], defaults: [] };
  const handled = [...(resolved.presets.get(thread) ?? [])].filter((signal) => signal !== SIGPIPE);
  return { handled, defaults: birth?.extra.defaults ?? [] };
}

/** What signalfds read must be blocked, which a trace without rt_sigprocmask does not show. */
function blockedAtStart(resolved: Resolved): number[] {
  if (resolved.calls.some(({ record }) => record.call === 'rt_sigprocmask')) return [];
  return [...new Set(resolved.files.flatMap((file) => file.signals))];
}
