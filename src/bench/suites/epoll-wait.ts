/**
 * `bench epoll wait` and `bench epoll ctl`: what the number of watched descriptors costs those who ask and those who change.
 *
 * Of n eventfds one is ready, and stays so: a design that keeps a list of what is ready answers in the same time whatever
 * n is, one that looks at everything in a time that grows with n. The row `epoll_wait_flat` says by how much: the largest
 * n beside the smallest, each in its fastest sample, for a busy host makes some dearer and none cheaper. `epoll ctl` adds,
 * changes and removes 64 descriptors beside n - 64 others, each operation by itself and all three one after the other.
 *
 * Beside the time rows have the locks that one operation takes, counted on a second machine, with checks.
 */

import { locksPerOperation } from '../lock-counter.ts';
import { measure } from '../measure.ts';
import { countedRow, type Parameters, type Row, rounded, timedRow } from '../rows.ts';
import type { MachineSampler, MachineShape } from '../sampler.ts';
import { type BenchContext, oversubscribedNotes, type Suite, withMachine } from '../suite.ts';
import { sizesHeldBy } from './limits.ts';

const FDS = [1, 10, 100, 1000, 10_000, 100_000];
const QUICK_FDS = [1, 100, 10_000];
const CONTROLLED_FDS = 64;
const WATCHED = [CONTROLLED_FDS, 1000, 100_000];
const QUICK_WATCHED = [CONTROLLED_FDS, 10_000];
const SPARE_FILES = 192;
const CONTROLS = ['add', 'mod', 'del', 'add+mod+del'];
/** What undoes these is not in their time, but would be among their locks. */
const UNDONE: ReadonlySet<unknown> = new Set(['add', 'del']);

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
  /** More rows, once all cases of one machine are measured; `fastestNs` are those of the rows, in their order. */
  readonly summary: (place: Place, rows: readonly Row[], fastestNs: readonly number[]) => readonly Row[];
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
  const fastestNs: number[] = [];
  for (const params of sizes.flatMap((fds) => sweep.cases(place.design, fds))) {
    const described = Object.entries(params).map(([key, value]) => `${key}=${value}`);
    context.progress(`epoll ${sweep.name}: ${described.join(' ')} on ${place.design}`);
    const locks = UNDONE.has(params['op']) ? undefined : await locksPerOperation(machines.counting, name, params);
    const measured = await measure({ name, params, machine: machines.timed, host: context.host }, context.plan);
    const notes = [...measured.notes, ...oversubscribedNotes(context, place.cpus)];
    if (params['edge'] === true) notes.push('it tells once, so machine and host write before each wait, in the time');
    const row = timedRow({ ...place, name, params }, measured.machine, measured.host, notes);
    rows.push(locks === undefined ? row : { ...row, counts: { locks } });
    const { iterations, totalsNs } = measured.machine;
    fastestNs.push(Math.min(...totalsNs) / iterations);
    yield rows.at(-1)!;
  }
  yield* sweep.summary(place, rows, fastestNs);
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

function flatness(place: Place, rows: readonly Row[], fastestNs: readonly number[]): readonly Row[] {
  const sizes = rows.map(({ params }) => Number(params['fds']));
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  if (least === most) return [];
  const ratio = fastestNs[sizes.indexOf(most)]! / fastestNs[sizes.indexOf(least)]!;
  const identity = { ...place, name: 'epoll_wait_flat', params: { from: least, to: most } };
  return [countedRow(identity, 'times', [rounded(ratio, 3)])];
}

export const epollWait: Suite = suiteOf({
  name: 'wait',
  about: 'one ready descriptor among many that are not: what a wait costs, and what those cost it',
  sizes: FDS,
  quickSizes: QUICK_FDS,
  benchmark: 'epoll_wait',
  // Level triggering is what is measured, and WASIX has none.
  cases: (design, fds) => [{ fds, ready: 1, ...(design === 'wasix' ? { edge: true } : {}) }],
  summary: flatness,
});

export const epollCtl: Suite = suiteOf({
  name: 'ctl',
  about: 'adding, changing and removing what an instance watches, beside many others that it watches',
  sizes: WATCHED,
  quickSizes: QUICK_WATCHED,
  benchmark: 'epoll_ctl',
  cases: (_design, fds) => CONTROLS.map((op) => ({ op, fds })),
  summary: () => [],
});
