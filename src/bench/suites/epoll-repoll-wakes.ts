/**
 * The wakeups of `bench epoll repoll`: tasks blocked in epoll_wait while nothing that they watch ever becomes ready.
 *
 * `repoll_wake` is what one of them costs: on one CPU, a task writes to an eventfd that nobody watches and yields. A
 * machine with one global queue then wakes every waiter; each looks at all its descriptors and sleeps again. The time of
 * one such round over its waiters is the cost of a wakeup, switch and sleep included.
 *
 * `repoll_ticks` is how many there are with nobody writing at all, woken by the ticks of all CPUs alone, and what they
 * take: idle, in CPU time of the process; busy, the same machine with a task on every CPU that never stops trapping.
 */

import { CountingSampler } from '../counting.ts';
import { measure } from '../measure.ts';
import { countedRow, type Parameters, type Row, rounded, timedRow } from '../rows.ts';
import { countOver, type MachineSampler, type Observation } from '../sampler.ts';
import { type BenchContext, oversubscribedNotes, withMachine } from '../suite.ts';

interface WakeCell {
  readonly waiters: number;
  readonly fds: number;
  readonly pollCache: boolean;
  readonly waiterCountFastPath: boolean;
}

interface TickCell {
  readonly waiters: number;
  readonly fds: number;
  readonly hz: number;
  readonly busy: boolean;
}

/** Each cross varies one thing at a time around its middle: all together would run for an hour. */
const WAKE_MIDDLE: WakeCell = { waiters: 4, fds: 100, pollCache: true, waiterCountFastPath: true };
const TICK_MIDDLE: TickCell = { waiters: 4, fds: 100, hz: 100, busy: false };
const WAITERS = [1, 4, 16];
const HZ = [100, 1000];
const FDS = [1, 100, 1000];
const CPUS = [1, 2, 4];
const QUICK_CPUS = [2];

/** Rounds before anything is measured: the first wakeups run through code that is not compiled yet. */
const WARMUP_ROUNDS = 2000;

const DURATION_MS = 1000;
const QUICK_DURATION_MS = 300;

/** Memory for this many watched descriptors is what a cell may ask for. */
const WATCHED_MAX = 50_000;

function wakeCells(context: BenchContext): WakeCell[] {
  const middle = WAKE_MIDDLE;
  const cross = [
    middle,
    { ...middle, pollCache: false },
    { ...middle, waiterCountFastPath: false },
    ...WAITERS.filter((waiters) => waiters !== middle.waiters).map((waiters) => ({ ...middle, waiters })),
    ...(context.fds ?? FDS).filter((fds) => fds !== middle.fds).map((fds) => ({ ...middle, fds })),
  ];
  return (context.quick ? cross.slice(0, 3) : cross).filter(({ waiters, fds }) => waiters * fds <= WATCHED_MAX);
}

function tickCells(context: BenchContext): TickCell[] {
  const middle = TICK_MIDDLE;
  const idle = [
    { ...middle, waiters: 0 },
    middle,
    ...WAITERS.filter((waiters) => waiters !== middle.waiters).map((waiters) => ({ ...middle, waiters })),
    ...(context.fds ?? FDS).filter((fds) => fds !== middle.fds).map((fds) => ({ ...middle, fds })),
    ...HZ.filter((hz) => hz !== middle.hz).map((hz) => ({ ...middle, hz })),
  ];
  const chosen = (context.quick ? idle.slice(0, 2) : idle).filter(({ waiters, fds }) => waiters * fds <= WATCHED_MAX);
  return chosen.flatMap((cell) => [cell, { ...cell, busy: true }]);
}

function limitsOf(cpus: number, waiters: number, fds: number): { tasks: number; files: number } {
  return { tasks: Math.max(256, waiters + cpus + 8), files: Math.max(4096, waiters * (fds + 1) + 64) };
}

async function* wakeCost(
  context: BenchContext,
  design: string,
  cell: WakeCell,
  machine: MachineSampler,
): AsyncIterable<Row> {
  const name = 'repoll_wake';
  const params: Parameters = { ...cell };
  await machine.sample(name, WARMUP_ROUNDS, params);
  const counting = new CountingSampler(machine, ['wakeups']);
  const measured = await measure({ name, params, machine: counting, host: null }, context.plan);
  const wakesPerRound = counting.counted('wakeups') / counting.operations;
  // A design that wakes only whom a change concerns has no wakeups here: its row is the cost of one waiter's share.
  const notes = wakesPerRound < 0.5 ? ['no waiter was woken: nothing that it watches changed'] : [];
  const { iterations, totalsNs } = measured.machine;
  const timed = { iterations: iterations * cell.waiters, totalsNs };
  const row = timedRow({ name, design, cpus: 1, params }, timed, null, notes);
  const wakesPerSecond = (wakesPerRound * 1e9) / (row.median * cell.waiters);
  const counts = { wakesPerSecond: rounded(wakesPerSecond, 0), wakesPerRound: rounded(wakesPerRound) };
  yield { ...row, unit: 'ns/wakeup', counts };
}

function tickRow(context: BenchContext, design: string, cpus: number, cell: TickCell, observed: Observation): Row {
  const seconds = observed.wallNs / 1e9;
  const wakes = countOver(observed.perCpu, 'wakeups');
  const repolls = countOver(observed.perCpu, 'repolls');
  const identity = { name: 'repoll_ticks', design, cpus, params: { ...cell } };
  const counts = {
    // Who is woken again before he ran is one wakeup, not two: busy CPUs stay below this.
    wakesPerSecondAtMost: cpus * cell.hz * cell.waiters,
    repollsPerSecond: rounded(repolls / seconds, 0),
    repollsPerWake: wakes === 0 ? 0 : rounded(repolls / wakes),
    cpuPercent: rounded((observed.cpuNs / observed.wallNs) * 100),
    busyTrapsPerSecond: rounded((cell.busy ? observed.busyOperations : 0) / seconds, 0),
  };
  return { ...countedRow(identity, 'wakes/s', [wakes / seconds], oversubscribedNotes(context, cpus)), counts };
}

async function observeTicks(context: BenchContext, design: string, cpus: number, cell: TickCell): Promise<Row> {
  const limits = limitsOf(cpus, cell.waiters, cell.fds);
  // An idle spin would be counted as the wakeups' own cost, although it only postpones a sleep.
  const machine = await context.boot({ design, cpus, hz: cell.hz, idleSpinNs: 0, ...limits });
  try {
    const load = { waiters: cell.waiters, fds: cell.fds, busy: cell.busy };
    const observed = await machine.observe(load, context.quick ? QUICK_DURATION_MS : DURATION_MS);
    return tickRow(context, design, cpus, cell, observed);
  } finally {
    await machine.close();
  }
}

export async function* wakeRows(context: BenchContext, design: string): AsyncIterable<Row> {
  for (const cell of wakeCells(context)) {
    context.progress(`epoll repoll: the cost of a wakeup, ${cell.waiters} waiters x ${cell.fds} descriptors`);
    const { pollCache, waiterCountFastPath } = cell;
    const shape = { design, cpus: 1, pollCache, waiterCountFastPath, ...limitsOf(1, cell.waiters, cell.fds) };
    yield* withMachine(context, shape, (machine) => wakeCost(context, design, cell, machine));
  }
  for (const cpus of context.cpus ?? (context.quick ? QUICK_CPUS : CPUS)) {
    // The sweeps over waiters, descriptors and HZ are made on two CPUs; others show how wakeups grow with them.
    const cells = tickCells(context).filter((cell) => cpus === 2 || sameLoad(cell, TICK_MIDDLE));
    for (const cell of cells) {
      const load = `${cell.waiters} waiters x ${cell.fds} descriptors, HZ ${cell.hz}, ${cpus} CPUs`;
      context.progress(`epoll repoll: wakeups of ${load}, ${cell.busy ? 'busy' : 'idle'}`);
      yield await observeTicks(context, design, cpus, cell);
    }
  }
}

function sameLoad(cell: TickCell, other: TickCell): boolean {
  return cell.waiters === other.waiters && cell.fds === other.fds && cell.hz === other.hz;
}
