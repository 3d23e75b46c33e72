/**
 * `bench syscall basic`: what one system call costs, beside the same call of the host. Every row is one task on an
 * otherwise idle machine; nothing in it sleeps.
 */

import { measure } from '../measure.ts';
import { type Parameters, type Row, timedRow } from '../rows.ts';
import type { MachineSampler } from '../sampler.ts';
import { type BenchContext, oversubscribedNotes, type Suite, withMachine } from '../suite.ts';
import { waitNotes, waitParameters } from './design-facts.ts';

interface Case {
  readonly name: string;
  readonly params: Parameters;
}

const POLLED_FDS = [1, 64, 1024];
const QUICK_POLLED_FDS = [1, 64];

const TRAPS: readonly Case[] = [
  { name: 'getpid', params: {} },
  { name: 'getppid', params: {} },
  { name: 'gettid', params: {} },
  { name: 'eventfd write+read', params: {} },
  { name: 'pipe write+read', params: { bytes: 1 } },
  { name: 'pipe write+read', params: { bytes: 4096 } },
];

const CONTROLS: readonly Case[] = [
  { name: 'epoll_ctl', params: { op: 'add' } },
  { name: 'epoll_ctl', params: { op: 'mod' } },
  { name: 'epoll_ctl', params: { op: 'del' } },
  { name: 'sched_yield', params: {} },
  { name: 'signal_delivery', params: {} },
];

function cases(context: BenchContext, design: string): readonly Case[] {
  const polled = context.fds ?? (context.quick ? QUICK_POLLED_FDS : POLLED_FDS);
  const wait = { name: 'epoll_wait', params: waitParameters(design, 1) };
  return [...TRAPS, wait, ...polled.map((fds) => ({ name: 'poll', params: { fds, ready: 0 } })), ...CONTROLS];
}

async function* runOn(
  context: BenchContext,
  design: string,
  cpus: number,
  machine: MachineSampler,
): AsyncIterable<Row> {
  for (const { name, params } of cases(context, design)) {
    context.progress(`syscall basic: ${name} on ${design}`);
    const measured = await measure({ name, params, machine, host: context.host }, context.plan);
    const notes = [...measured.notes, ...oversubscribedNotes(context, cpus), ...waitNotes(params)];
    yield timedRow({ name, design, cpus, params }, measured.machine, measured.host, notes);
  }
}

export const syscallBasic: Suite = {
  collection: 'syscall',
  name: 'basic',
  about: 'what one system call costs that never sleeps, beside the same call of the host',
  async *run(context: BenchContext): AsyncIterable<Row> {
    const filesMax = Math.max(1, ...(context.fds ?? POLLED_FDS));
    for (const design of context.designs) {
      for (const cpus of context.cpus ?? [1]) {
        const shape = { design, cpus, files: filesMax + 64 };
        yield* withMachine(context, shape, (machine) => runOn(context, design, cpus, machine));
      }
    }
  },
};
