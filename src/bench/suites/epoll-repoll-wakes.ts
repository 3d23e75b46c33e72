/**
 * The wakeups of `bench epoll repoll`: tasks blocked in epoll_wait while nothing is ever ready. A machine with one global
 * queue wakes each of them at every tick of every CPU; each then looks at all its descriptors and sleeps again.
 *
 * The cost of one wakeup is what the machine's waiters take away, over the wakeups counted: idle, the process's CPU time
 * beyond that of the same machine without waiters; busy, the traps that the busy tasks no longer make, at the price that
 * a trap had without waiters. The cells vary one thing at a time around a middle one.
 */

import { countedRow, type Row, rounded } from '../rows.ts';
import { countOver, type MachineShape, type Observation } from '../sampler.ts';
import { type BenchContext, oversubscribedNotes } from '../suite.ts';

interface Cell {
  readonly cpus: number;
  readonly waiters: number;
  readonly fds: number;
  readonly hz: number;
  readonly busy: boolean;
  readonly pollCache: boolean;
  readonly waiterCountFastPath: boolean;
}

const MIDDLE: Cell = {
  cpus: 2,
  waiters: 4,
  fds: 100,
  hz: 100,
  busy: false,
  pollCache: true,
  waiterCountFastPath: true,
};

const WAITERS = [1, 16];
const HZ = [1000];
const FDS = [1, 1000];
const CPUS = [1, 4];

const DURATION_MS = 500;
const QUICK_DURATION_MS = 300;
const REPEATS = 3;
const QUICK_REPEATS = 1;

/** Half the lines of the cross are idle, half busy: what waiters cost differs when somebody else wants the CPU. */
function cells(context: BenchContext): Cell[] {
  const cpus = context.cpus ?? [MIDDLE.cpus, ...(context.quick ? [] : CPUS)];
  const middle = { ...MIDDLE, cpus: cpus.includes(MIDDLE.cpus) ? MIDDLE.cpus : (cpus[0] ?? MIDDLE.cpus) };
  const fds = context.fds?.filter((count) => count !== middle.fds) ?? FDS;
  const idle: Cell[] = [
    middle,
    ...cpus.filter((count) => count !== middle.cpus).map((count) => ({ ...middle, cpus: count })),
    ...(context.quick ? [] : WAITERS.map((waiters) => ({ ...middle, waiters }))),
    ...(context.quick ? [] : fds.map((count) => ({ ...middle, fds: count }))),
    ...(context.quick ? [] : HZ.map((hz) => ({ ...middle, hz }))),
    { ...middle, pollCache: false },
    { ...middle, waiterCountFastPath: false },
  ];
  return idle.flatMap((cell) => [cell, { ...cell, busy: true }]);
}

function shapeOf(design: string, cell: Cell): MachineShape {
  const { cpus, hz, pollCache, waiterCountFastPath, waiters, fds } = cell;
  // An idle spin would be counted as the wakeup's own cost, although it only postpones a sleep.
  const limits = { tasks: waiters + cpus + 8, files: waiters * (fds + 1) + 64 };
  return { design, cpus, hz, idleSpinNs: 0, pollCache, waiterCountFastPath, ...limits };
}

/** Every observation has a machine of its own: the waiters of the last one would still be waiting. */
async function observeOnce(
  context: BenchContext,
  design: string,
  cell: Cell,
  waiters: number,
  durationMs: number,
): Promise<Observation> {
  const machine = await context.boot(shapeOf(design, cell));
  try {
    return await machine.observe({ waiters, fds: cell.fds, busy: cell.busy }, durationMs);
  } finally {
    await machine.close();
  }
}

/** CPU time that the waiters cost during the observation. */
function takenNs(cell: Cell, without: Observation, watched: Observation): number {
  if (cell.busy) {
    const trapNs = (without.wallNs * cell.cpus) / without.busyOperations;
    return watched.wallNs * cell.cpus - watched.busyOperations * trapNs;
  }
  return watched.cpuNs - (without.cpuNs * watched.wallNs) / without.wallNs;
}

/** Observations without waiters, by what they depend on: cells share them, else half the run would measure nothing new. */
type Baselines = Map<string, Observation>;

async function baseline(
  context: BenchContext,
  design: string,
  cell: Cell,
  repeat: number,
  durationMs: number,
  known: Baselines,
): Promise<Observation> {
  const key = [repeat, cell.cpus, cell.hz, cell.busy, cell.waiterCountFastPath].join();
  const found = known.get(key) ?? (await observeOnce(context, design, cell, 0, durationMs));
  known.set(key, found);
  return found;
}

async function wakeRow(context: BenchContext, design: string, cell: Cell, known: Baselines): Promise<Row> {
  const durationMs = context.quick ? QUICK_DURATION_MS : DURATION_MS;
  const costs: number[] = [];
  let wakeups = 0;
  let repolls = 0;
  let seconds = 0;
  for (let repeat = 0; repeat < (context.quick ? QUICK_REPEATS : REPEATS); repeat++) {
    const without = await baseline(context, design, cell, repeat, durationMs, known);
    const watched = await observeOnce(context, design, cell, cell.waiters, durationMs);
    const woken = countOver(watched.perCpu, 'wakeups');
    if (woken > 0) costs.push(takenNs(cell, without, watched) / woken);
    wakeups += woken;
    repolls += countOver(watched.perCpu, 'repolls');
    seconds += watched.wallNs / 1e9;
  }
  const { cpus, ...params } = cell;
  const identity = { name: 'repoll_wake', design, cpus, params };
  const counts = {
    wakesPerSecond: rounded(wakeups / seconds, 1),
    wakesExpectedPerSecond: cpus * cell.hz * cell.waiters,
    repollsPerSecond: rounded(repolls / seconds, 1),
    repollsPerWake: wakeups === 0 ? 0 : rounded(repolls / wakeups),
  };
  const notes = oversubscribedNotes(context, cpus);
  if (costs.length === 0) {
    const quiet = countedRow(identity, 'wakes/s', [0], [...notes, 'nobody was woken while nothing was ready']);
    return { ...quiet, counts };
  }
  return { ...countedRow(identity, 'ns/wakeup', costs, notes, 0), counts };
}

export async function* wakeRows(context: BenchContext, design: string): AsyncIterable<Row> {
  const known: Baselines = new Map();
  for (const cell of cells(context)) {
    const load = `${cell.waiters} waiters x ${cell.fds} descriptors, HZ ${cell.hz}, ${cell.cpus} CPUs`;
    context.progress(`epoll repoll: wakeups of ${load}, ${cell.busy ? 'busy' : 'idle'}`);
    yield await wakeRow(context, design, cell, known);
  }
}
