// A replay: boots a machine for each design, plays the plan of a trace on it, and compares.
//
// It always comes to an end. A machine that dies, and a replay in which nothing moves any more, end with a ReplayStuck
// that says which call of which thread waits for what.

import { implementedCalls } from '../kernel/syscall/ops-table.ts';
import { DESIGN_NAMES } from '../kernel/epoll/source-ops.ts';
import type { BootOptions } from '../machine/config.ts';
import { MachineDied } from '../machine/errors.ts';
import { Machine } from '../machine/machine.ts';
import type { MachineStats, Wakeups } from '../machine/stats.ts';
import { guestProgram } from '../machine/worker-file.ts';
import { compareCalls, type Mismatch } from './compare.ts';
import { keepsClosed, replayDivergences, tellsOnce } from './divergences.ts';
import { countEventCalls, type EventCalls } from './event-calls.ts';
import { ReplayMemory } from './memory.ts';
import { type Plan, planReplay } from './plan.ts';
import type { Trace } from './record.ts';
import { readTrace } from './read-trace.ts';
import { tableLayout } from './script.program.ts';
import { ReplayStuck, stuckLines } from './stuck.ts';

export interface ReplayOptions {
  /** Designs, in this order; all that can be booted by default. */
  readonly designs?: readonly string[];
  readonly cpus?: number;
  /** max: the clock jumps to the next deadline when every CPU idles. 1: real time. */
  readonly speed?: '1' | 'max';
  /** A line of the trace that is not understood is an error. */
  readonly strict?: boolean;
  /** Further boot options; what the replay needs room for is seen to. */
  readonly boot?: BootOptions;
  /** Told now and then how many of how many steps were played. */
  readonly progress?: (design: string, done: number, of: number) => void;
  /** Ends the replay when it is aborted. */
  readonly signal?: AbortSignal;
  /** Without any progress for so long, the replay is taken to be stuck. */
  readonly patienceMs?: number;
}

export interface DesignReplay {
  readonly epoll: string;
  readonly compared: number;
  readonly mismatches: number;
  readonly declared: number;
  /** Calls of epoll_wait and its like that answered, and the events that they delivered. */
  readonly epollWaits: number;
  readonly eventsDelivered: number;
  readonly repolls: number;
  readonly repollsPerEvent: number;
  readonly wakeups: Wakeups;
  readonly latency: MachineStats['latency'];
  /** ns */
  readonly wall: number;
  readonly firstMismatches: readonly Mismatch[];
  readonly divergences: readonly { readonly rule: string; readonly calls: number }[];
  /** Interests that the replay took out before their files were closed, because the design would have kept them. */
  readonly takenOut: number;
  /** Events that Linux repeats by level, and that the replay had told again (rule D2). */
  readonly toldAgain: number;
}

export interface ReplaySummary {
  readonly program: string;
  /** Of the trace. */
  readonly processes: number;
  readonly threads: number;
  readonly calls: number;
  readonly compared: number;
  /** On epoll, eventfd, timerfd, signalfd, pipes and sockets. */
  readonly eventCalls: EventCalls;
  readonly imposed: Readonly<Record<string, number>>;
  readonly unsupported: Readonly<Record<string, number>>;
  readonly designs: readonly DesignReplay[];
  /** Lines of the trace that were not understood. */
  readonly skippedLines: readonly { readonly line: number; readonly reason: string }[];
}

const MISMATCHES_KEPT = 20;
const LOOK_MS = 100;
const PATIENCE_MS = 8000;
/** By how much the machine's clock may go on without anything moving, beyond the longest pause of the trace. */
const SPARE_NS = 10e9;
/** While the clock goes on, patience lasts so many times as long. */
const PATIENCES_MAX = 10;

/** @throws the file system's errors, StraceError (strict), ReplayStuck */
export function replayFile(path: string, options: ReplayOptions = {}): Promise<ReplaySummary> {
  return replayTrace(readTrace(path, options.strict === true ? { strict: true } : {}), options);
}

/** @throws ReplayStuck */
export async function replayTrace(trace: Trace, options: ReplayOptions = {}): Promise<ReplaySummary> {
  const plan = planReplay(trace, { implemented: implementedCalls, cpus: options.cpus ?? 2 });
  const designs: DesignReplay[] = [];
  for (const design of options.designs ?? DESIGN_NAMES) designs.push(await replayPlan(plan, design, options));
  return {
    program: plan.program,
    processes: plan.processes,
    threads: trace.threads.length,
    calls: plan.calls.length,
    compared: plan.compared,
    eventCalls: countEventCalls(plan.calls),
    imposed: plan.imposed,
    unsupported: plan.unsupported,
    designs,
    skippedLines: trace.problems.map(({ line, reason }) => ({ line, reason })),
  };
}

/** Plays a plan on one design. @throws ReplayStuck */
export async function replayPlan(plan: Plan, design: string, options: ReplayOptions): Promise<DesignReplay> {
  const machine = await Machine.boot(bootOptionsFor(plan, design, options));
  try {
    const memory = new ReplayMemory(machine, plan);
    const startedNs = process.hrtime.bigint();
    const script = { ...plan.script, keepsClosed: keepsClosed(design) ? 1 : 0, tellsOnce: tellsOnce(design) ? 1 : 0 };
    const pid = await machine.spawn(guestProgram('replayer'), { argv: script, cpu: 0 });
    await played(machine, memory, plan, pid, design, options);
    const wall = Number(process.hrtime.bigint() - startedNs);
    return measure(plan, memory, design, machine.stats(), wall);
  } finally {
    await machine.shutdown();
  }
}

const NEVER_MS = 1e9;
/** What a thread of the replay and its actor take besides. */
const THREAD_BYTES = 2048;

/** Room for all that the trace opens. */
function bootOptionsFor(plan: Plan, design: string, options: ReplayOptions): BootOptions {
  const { needs, script } = plan;
  const scratch = script.threads.reduce((sum, thread) => sum + thread.scratchBytes + THREAD_BYTES, 0);
  const warp = (options.speed ?? 'max') === 'max';
  const userBytes = tableLayout(script).words * 4 + scratch + script.sinkBytes + 65_536;
  return {
    ...options.boot,
    epoll: design as NonNullable<BootOptions['epoll']>,
    cpus: options.cpus ?? 2,
    checks: options.boot?.checks ?? false,
    profile: true,
    warp,
    // Where time jumps, a task may seem to have waited long for its CPU.
    ...(warp ? { starvationMs: NEVER_MS } : {}),
    processes: needs.processes,
    // They all share the memory in which the replay's table lies.
    addressSpaces: 1,
    tasks: Math.max(64, needs.tasks),
    files: Math.max(512, needs.files),
    nofile: script.outsideFds + script.endpoints.length * 2 + 64,
    epolls: Math.max(64, needs.epolls),
    interests: Math.max(1024, needs.items),
    pipes: Math.max(64, needs.pipes),
    sockets: Math.max(256, needs.sockets),
    pages: Math.max(2048, needs.sockets * 2 + needs.pipes * 16),
    userBytes: Math.ceil(userBytes / 4096) * 4096,
  };
}

/** Waits for the end of the replay, as long as something moves. */
async function played(
  machine: Machine,
  memory: ReplayMemory,
  plan: Plan,
  pid: number,
  design: string,
  options: ReplayOptions,
): Promise<void> {
  const exit = machine.exited(pid).then(() => 'ended' as const);
  exit.catch(() => {});
  const patienceMs = options.patienceMs ?? PATIENCE_MS + (options.speed === '1' ? plan.longestNs / 1e6 : 0);
  const steps = plan.script.threads.reduce((sum, thread) => sum + thread.steps.length, 0);
  let seen = -1;
  let movedMs = performance.now();
  let moved = clockOf(machine);
  let ticked = { ns: moved, ms: movedMs };
  for (;;) {
    const end = await Promise.race([exit, pause(LOOK_MS)]).catch((error: unknown) => {
      if (!(error instanceof MachineDied)) throw error;
      throw stuck(plan, memory, error.message, error.report);
    });
    if (end === 'ended') return;
    if (options.signal?.aborted === true) throw stuck(plan, memory, 'the replay was interrupted', '');
    const progress = memory.progress();
    if (progress !== seen) {
      seen = progress;
      movedMs = performance.now();
      moved = clockOf(machine);
      ticked = { ns: moved, ms: movedMs };
      options.progress?.(design, Math.floor(Math.max(0, progress) / 2), steps);
      continue;
    }
    // On a busy host a long pause of the trace takes long, tick by tick; the machine's clock tells that it passes.
    const ns = clockOf(machine);
    if (ns > ticked.ns && ns - moved < plan.longestNs + SPARE_NS) ticked = { ns, ms: performance.now() };
    const nowMs = performance.now();
    if (nowMs - ticked.ms > patienceMs || nowMs - movedMs > patienceMs * PATIENCES_MAX) {
      const quiet = `nothing has moved for ${Math.round((nowMs - movedMs) / 1000)} s`;
      throw stuck(plan, memory, quiet, machine.report(quiet));
    }
  }
}

/** How far the machine's clock has come, by the ticks that it took or skipped. */
function clockOf(machine: Machine): number {
  const ticks = machine.stats().cpus.map(({ ticksTaken, ticksCoalesced }) => ticksTaken + ticksCoalesced);
  return Math.max(...ticks) * (1e9 / machine.config.hz);
}

function pause(ms: number): Promise<'look'> {
  return new Promise((resolve) => setTimeout(() => resolve('look'), ms));
}

function stuck(plan: Plan, memory: ReplayMemory, cause: string, report: string): ReplayStuck {
  const lines = stuckLines(plan, memory);
  const first = lines[0] === undefined ? '' : `; ${lines[0]}`;
  return new ReplayStuck(`the replay cannot go on: ${cause}${first}`, [...lines, '', report].join('\n'));
}

function measure(plan: Plan, memory: ReplayMemory, design: string, stats: MachineStats, wall: number): DesignReplay {
  const comparison = compareCalls(plan.calls, (call) => memory.answer(call), replayDivergences(design));
  let epollWaits = 0;
  let eventsDelivered = 0;
  for (const call of plan.calls) {
    if (!call.made || call.on !== 'epoll' || !call.record.call.includes('wait')) continue;
    const answer = memory.answer(call);
    if (answer.kind !== 'value') continue;
    epollWaits++;
    eventsDelivered += Math.max(0, answer.value);
  }
  return {
    epoll: design,
    compared: comparison.compared,
    mismatches: comparison.mismatches.length,
    declared: comparison.declared.reduce((sum, { calls }) => sum + calls, 0),
    epollWaits,
    eventsDelivered,
    repolls: stats.repolls,
    repollsPerEvent: eventsDelivered === 0 ? 0 : Number((stats.repolls / eventsDelivered).toFixed(2)),
    wakeups: stats.wakeups,
    latency: stats.latency,
    wall,
    firstMismatches: comparison.mismatches.slice(0, MISMATCHES_KEPT),
    divergences: comparison.declared,
    takenOut: keepsClosed(design) ? plan.closedWatched : 0,
    toldAgain: tellsOnce(design) ? plan.repeated : 0,
  };
}
