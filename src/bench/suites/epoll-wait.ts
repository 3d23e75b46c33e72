/**
 * `bench epoll wait` and `bench epoll ctl`: what the number of watched descriptors costs those who ask and those who change.
 *
 * Of n eventfds one is ready, and stays so: a design that keeps a list of what is ready answers in the same time whatever
 * n is, one that looks at everything in a time that grows with n. The row `epoll_wait_flat` says by how much: the largest
 * n beside the smallest, each in its fastest sample, for a busy host makes some dearer and none cheaper. `epoll ctl` adds, changes and removes 64 descriptors beside n others.
 */

import { measure } from '../measure.ts';
import { countedRow, type Parameters, type Row, rounded, timedRow } from '../rows.ts';
import type { MachineSampler } from '../sampler.ts';
import { type BenchContext, oversubscribedNotes, type Suite, withMachine } from '../suite.ts';

const FDS = [1, 10, 100, 1000, 10_000, 100_000];
const QUICK_FDS = [1, 100, 10_000];
const OTHERS = [0, 1000, 100_000];
const QUICK_OTHERS = [0, 10_000];
/** The host may not open as many. */
const HOST_FDS_MAX = 16_384;
const SPARE_FILES = 192;

async function timed(
  context: BenchContext,
  machine: MachineSampler,
  place: { readonly design: string; readonly cpus: number },
  name: string,
  params: Parameters,
): Promise<{ readonly row: Row; readonly fastestNs: number }> {
  const host = Number(params['fds']) > HOST_FDS_MAX ? null : context.host;
  const measured = await measure({ name, params, machine, host }, context.plan);
  const notes = [...measured.notes, ...oversubscribedNotes(context, place.cpus)];
  // Level triggering is what is measured, and WASIX has none.
  if (name === 'epoll_wait' && place.design === 'wasix') notes.push('with a write before each wait, for it tells once');
  const { iterations, totalsNs } = measured.machine;
  return {
    row: timedRow({ ...place, name, params }, measured.machine, measured.host, notes),
    fastestNs: Math.min(...totalsNs) / iterations,
  };
}

async function* waitRows(
  context: BenchContext,
  machine: MachineSampler,
  place: { readonly design: string; readonly cpus: number },
  sizes: readonly number[],
): AsyncIterable<Row> {
  const found: number[] = [];
  for (const fds of sizes) {
    context.progress(`epoll wait: one of ${fds} descriptors ready, on ${place.design}`);
    const { row, fastestNs } = await timed(context, machine, place, 'epoll_wait', { fds, ready: 1 });
    found.push(fastestNs);
    yield row;
  }
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  if (least === most) return;
  const ratio = found[sizes.indexOf(most)]! / found[sizes.indexOf(least)]!;
  yield countedRow({ ...place, name: 'epoll_wait_flat', params: { from: least, to: most } }, 'times', [
    rounded(ratio, 3),
  ]);
}

async function* controlRows(
  context: BenchContext,
  machine: MachineSampler,
  place: { readonly design: string; readonly cpus: number },
  sizes: readonly number[],
): AsyncIterable<Row> {
  for (const fds of sizes) {
    for (const op of ['add', 'mod', 'del']) {
      context.progress(`epoll ctl: ${op} beside ${fds} others, on ${place.design}`);
      yield (await timed(context, machine, place, 'epoll_ctl', { op, fds })).row;
    }
  }
}

export const epollWait: Suite = {
  collection: 'epoll',
  name: 'wait',
  about: 'one ready descriptor among many that are not: what a wait costs, and what those cost it',
  async *run(context: BenchContext): AsyncIterable<Row> {
    const sizes = context.fds ?? (context.quick ? QUICK_FDS : FDS);
    for (const design of context.designs) {
      for (const cpus of context.cpus ?? [1]) {
        const shape = { design, cpus, files: Math.max(...sizes) + SPARE_FILES };
        yield* withMachine(context, shape, (machine) => waitRows(context, machine, { design, cpus }, sizes));
      }
    }
  },
};

export const epollCtl: Suite = {
  collection: 'epoll',
  name: 'ctl',
  about: 'adding, changing and removing what an instance watches, beside many others that it watches',
  async *run(context: BenchContext): AsyncIterable<Row> {
    const sizes = context.fds ?? (context.quick ? QUICK_OTHERS : OTHERS);
    for (const design of context.designs) {
      for (const cpus of context.cpus ?? [1]) {
        const shape = { design, cpus, files: Math.max(...sizes) + SPARE_FILES };
        yield* withMachine(context, shape, (machine) => controlRows(context, machine, { design, cpus }, sizes));
      }
    }
  },
};
