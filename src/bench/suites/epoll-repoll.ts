/**
 * `bench epoll repoll`: what it costs to look at every watched descriptor again, which a design with one global queue
 * does at every wake of every waiter.
 *
 * Three questions: what one look costs for n descriptors, beside poll(2) of n descriptors on the host (rows `repoll`,
 * and `repoll_per_fd` with the line through them); what one such wakeup costs the machine while nothing is ready, and
 * how many there are in a second (rows `repoll_wake`); and what a wake costs that finds nobody (row `wake_no_waiters`).
 */

import { measure, type Measurement } from '../measure.ts';
import { countedRow, type HostFigures, type Row, rounded, timedRow } from '../rows.ts';
import type { MachineSampler } from '../sampler.ts';
import { linearFit, medianBounds } from '../statistics.ts';
import { type BenchContext, oversubscribedNotes, type Suite, withMachine } from '../suite.ts';
import { wakeRows } from './epoll-repoll-wakes.ts';

const FDS = [1, 10, 100, 1000, 10000];
const QUICK_FDS = [1, 10, 100, 1000];

interface Sweep {
  readonly fds: readonly number[];
  readonly measured: readonly Measurement[];
}

/** The cost of one descriptor in every round of samples: the slope of the line through that round's sizes. */
function slopes(
  fds: readonly number[],
  series: readonly { iterations: number; totalsNs: readonly number[] }[],
): number[] {
  const rounds = Math.min(...series.map(({ totalsNs }) => totalsNs.length));
  return Array.from(
    { length: rounds },
    (_, round) =>
      linearFit(
        fds,
        series.map(({ iterations, totalsNs }) => totalsNs[round]! / iterations),
      ).slope,
  );
}

function medians(series: readonly { iterations: number; totalsNs: readonly number[] }[]): number[] {
  return series.map(({ iterations, totalsNs }) => medianBounds(totalsNs).median / iterations);
}

function hostSlope(sweep: Sweep, machineSlope: number): HostFigures | null {
  const series = sweep.measured.flatMap(({ host }) => (host === null ? [] : [host]));
  if (series.length < sweep.fds.length) return null;
  const bounds = medianBounds(slopes(sweep.fds, series));
  return {
    median: rounded(bounds.median),
    low: rounded(bounds.low),
    high: rounded(bounds.high),
    ratio: rounded(machineSlope / bounds.median, 3),
  };
}

function slopeRow(design: string, cpus: number, pollCache: boolean, sweep: Sweep): Row {
  const machine = sweep.measured.map((measurement) => measurement.machine);
  const fit = linearFit(sweep.fds, medians(machine));
  const identity = { name: 'repoll_per_fd', design, cpus, params: { pollCache } };
  const row = countedRow(identity, 'ns/fd', slopes(sweep.fds, machine));
  return {
    ...row,
    host: hostSlope(sweep, medianBounds(slopes(sweep.fds, machine)).median),
    fit: { slope: rounded(fit.slope, 3), intercept: rounded(fit.intercept), r2: rounded(fit.r2, 5) },
    notes: ['host: poll(2) of as many eventfds, in turns with the machine'],
  };
}

async function* scanRows(
  context: BenchContext,
  machine: MachineSampler,
  design: string,
  cpus: number,
  pollCache: boolean,
): AsyncIterable<Row> {
  const fds = context.fds ?? (context.quick ? QUICK_FDS : FDS);
  const measured: Measurement[] = [];
  for (const count of fds) {
    context.progress(`epoll repoll: ${count} descriptors on ${design}, poll cache ${pollCache ? 'on' : 'off'}`);
    const measurement = await measure(
      {
        name: 'epoll_wait',
        params: { fds: count, ready: 0 },
        machine,
        host: context.host,
        hostName: 'poll',
      },
      context.plan,
    );
    measured.push(measurement);
    const identity = { name: 'repoll', design, cpus, params: { fds: count, pollCache } };
    const notes = [...measurement.notes, ...oversubscribedNotes(context, cpus)];
    yield timedRow(identity, measurement.machine, measurement.host, notes);
  }
  if (new Set(fds).size > 1) yield slopeRow(design, cpus, pollCache, { fds, measured });
}

async function* noWaiterRow(
  context: BenchContext,
  machine: MachineSampler,
  design: string,
  cpus: number,
  waiterCountFastPath: boolean,
): AsyncIterable<Row> {
  context.progress(`epoll repoll: a wake with nobody waiting, fast path ${waiterCountFastPath ? 'on' : 'off'}`);
  const name = 'wake_no_waiters';
  const measured = await measure({ name, params: {}, machine, host: null }, context.plan);
  yield timedRow({ name, design, cpus, params: { waiterCountFastPath } }, measured.machine, null);
}

export const epollRepoll: Suite = {
  collection: 'epoll',
  name: 'repoll',
  about: 'looking at every watched descriptor again: per descriptor, per wakeup, and how often',
  async *run(context: BenchContext): AsyncIterable<Row> {
    const files = Math.max(...(context.fds ?? FDS)) + 64;
    for (const design of context.designs) {
      for (const pollCache of [true, false]) {
        const shape = { design, cpus: 1, pollCache, files };
        yield* withMachine(context, shape, (machine) => scanRows(context, machine, design, 1, pollCache));
      }
      for (const waiterCountFastPath of [true, false]) {
        const shape = { design, cpus: 1, waiterCountFastPath };
        yield* withMachine(context, shape, (machine) => noWaiterRow(context, machine, design, 1, waiterCountFastPath));
      }
      yield* wakeRows(context, design);
    }
  },
};
