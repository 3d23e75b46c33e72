/**
 * `bench epoll wait` and `bench epoll ctl`: what the number of watched descriptors costs those who ask and those who change.
 *
 * Of n eventfds one is ready, and stays so: a design that keeps a list of what is ready answers in the same time whatever
 * n is, one that looks at everything in a time that grows with n. The row `epoll_wait_flat` says by how much: the largest
 * n over the smallest, each in its fastest sample, for a busy host makes some dearer and none cheaper: those of their rows,
 * and as many more taken in turns. `epoll ctl` adds, changes and removes 64 descriptors beside n - 64 others, each operation
 * by itself and all three one after the other.
 *
 * Beside the time each row has the locks that one operation takes, counted on a second machine, with checks.
 */

import { locksPerOperation } from '../lock-counter.ts';
import { measure } from '../measure.ts';
import { countedRow, type Parameters, type Row, timedRow } from '../rows.ts';
import type { MachineSampler, MachineShape } from '../sampler.ts';
import { type BenchContext, oversubscribedNotes, type Suite, withMachine } from '../suite.ts';
import { sizesHeldBy, waitNotes, waitParameters } from './design-facts.ts';

const FDS = [1, 10, 100, 1000, 10_000, 100_000];
const QUICK_FDS = [1, 100, 10_000];
const CONTROLLED_FDS = 64;
const WATCHED = [CONTROLLED_FDS, 1000, 100_000];
const QUICK_WATCHED = [CONTROLLED_FDS, 10_000];
const SPARE_FILES = 192;
const CONTROLS = ['add', 'mod', 'del', 'add+mod+del'];

interface Place {
  readonly design: string;
  readonly cpus: number;
}

/** A sweep over numbers of descriptors, on every design and number of CPUs. */
interface Sweep {
  readonly name: string;
  readonly about: string;
  readonly sizes: readonly number[];
  readonly quickSizes: readonly number[];
  /** The benchmark's name, and with which parameters it is run for a size. */
  readonly benchmark: string;
  readonly cases: (design: string, fds: number) => readonly Parameters[];
  /** More rows, once all cases of one machine are measured. */
  readonly summary: (context: BenchContext, machine: MachineSampler, rows: readonly Row[]) => AsyncIterable<Row>;
}

async function* sweepRows(
  context: BenchContext,
  sweep: Sweep,
  place: Place,
  sizes: readonly number[],
  machines: { readonly timed: MachineSampler; readonly counting: MachineSampler },
): AsyncIterable<Row> {
  const name = sweep.benchmark;
  const rows: Row[] = [];
  for (const params of sizes.flatMap((fds) => sweep.cases(place.design, fds))) {
    const described = Object.entries(params).map(([key, value]) => `${key}=${value}`);
    context.progress(`epoll ${sweep.name}: ${described.join(' ')} on ${place.design}`);
    const locks = await locksPerOperation(machines.counting, name, params);
    const measured = await measure({ name, params, machine: machines.timed, host: context.host }, context.plan);
    const notes = [...measured.notes, ...oversubscribedNotes(context, place.cpus), ...waitNotes(params)];
    const row = timedRow({ ...place, name, params }, measured.machine, measured.host, notes);
    rows.push({ ...row, counts: { locks } });
    yield rows.at(-1)!;
  }
  yield* sweep.summary(context, machines.timed, rows);
}

function suiteOf(sweep: Sweep): Suite {
  return {
    collection: 'epoll',
    name: sweep.name,
    about: sweep.about,
    async *run(context: BenchContext): AsyncIterable<Row> {
      const asked = context.fds ?? (context.quick ? sweep.quickSizes : sweep.sizes);
      for (const design of context.designs) {
        const sizes = sizesHeldBy(design, asked, context.complain);
        if (sizes.length === 0) continue;
        for (const cpus of context.cpus ?? [1]) {
          const shape: MachineShape = { design, cpus, files: Math.max(...sizes) + SPARE_FILES };
          yield* withMachine(context, shape, (timed) =>
            withMachine(context, { ...shape, checks: true }, (counting) =>
              sweepRows(context, sweep, { design, cpus }, sizes, { timed, counting }),
            ),
          );
        }
      }
    },
  };
}

async function* flatness(context: BenchContext, machine: MachineSampler, rows: readonly Row[]): AsyncIterable<Row> {
  const bySize = rows.toSorted((a, b) => Number(a.params['fds']) - Number(b.params['fds']));
  const [least, most] = [bySize[0]!, bySize.at(-1)!];
  if (least.params['fds'] === most.params['fds']) return;
  const { name, design, cpus } = least;
  context.progress(`epoll wait: the most descriptors and the fewest in turns, on ${design}`);
  const fastestNs = new Map([least, most].map((row) => [row, Math.min(...row.samples)]));
  for (let round = 0; round < context.plan.samples; round++) {
    for (const [row, ns] of fastestNs) {
      const totalNs = await machine.sample(name, row.iterations!, row.params);
      fastestNs.set(row, Math.min(ns, totalNs / row.iterations!));
    }
  }
  const identity = { name: 'epoll_wait_flat', design, cpus };
  const params = { from: least.params['fds']!, to: most.params['fds']! };
  yield countedRow({ ...identity, params }, 'times', [fastestNs.get(most)! / fastestNs.get(least)!], [], 3);
}

export const epollWait: Suite = suiteOf({
  name: 'wait',
  about: 'one ready descriptor among many that are not: what a wait costs, and what those cost it',
  sizes: FDS,
  quickSizes: QUICK_FDS,
  benchmark: 'epoll_wait',
  cases: (design, fds) => [waitParameters(design, fds)],
  summary: flatness,
});

export const epollCtl: Suite = suiteOf({
  name: 'ctl',
  about: 'adding, changing and removing what an instance watches, beside many others that it watches',
  sizes: WATCHED,
  quickSizes: QUICK_WATCHED,
  benchmark: 'epoll_ctl',
  cases: (_design, fds) => CONTROLS.map((op) => ({ op, fds })),
  summary: async function* () {},
});
