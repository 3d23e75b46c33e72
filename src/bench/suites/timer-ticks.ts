/**
 * `bench timer ticks`: whether every CPU takes the timer interrupts it should, how late, and what an idle machine costs
 * its host. Interrupts are counted when they are taken; a tick that came due while an earlier one was still pending is
 * merged into it and counted apart.
 */

import { countedRow, type Row, rounded } from '../rows.ts';
import type { Observation } from '../sampler.ts';
import { type BenchContext, oversubscribedNotes, type Suite } from '../suite.ts';

const HZ = 100;
const DURATION_MS = 10_000;
const QUICK_DURATION_MS = 1_000;

function counter(observed: Observation, name: string): number[] {
  return observed.perCpu.map((cpu) => cpu[name] ?? 0);
}

async function observeTicks(context: BenchContext, design: string, cpus: number, busy: boolean): Promise<Observation> {
  const machine = await context.boot({ design, cpus, hz: HZ });
  try {
    return await machine.observe({ waiters: 0, fds: 0, busy }, context.quick ? QUICK_DURATION_MS : DURATION_MS);
  } finally {
    await machine.close();
  }
}

function* tickRows(
  context: BenchContext,
  design: string,
  cpus: number,
  busy: boolean,
  observed: Observation,
): Iterable<Row> {
  const params = { hz: HZ, seconds: rounded(observed.wallNs / 1e9, 3), load: busy ? 'busy' : 'idle' };
  const identity = (name: string) => ({ name, design, cpus, params });
  const notes = oversubscribedNotes(context, cpus);
  const expected = (observed.wallNs / 1e9) * HZ;
  const counts = { expectedPerCpu: rounded(expected, 1) };
  yield { ...countedRow(identity('ticks_taken'), 'interrupts/cpu', counter(observed, 'ticksTaken'), notes), counts };
  yield countedRow(identity('ticks_coalesced'), 'ticks/cpu', counter(observed, 'ticksCoalesced'), notes);
  yield countedRow(identity('tick_lateness_p50'), 'ns', [observed.tickLatenessNs.p50], notes, 0);
  yield countedRow(identity('tick_lateness_p99'), 'ns', [observed.tickLatenessNs.p99], notes, 0);
  yield countedRow(identity('cpu_use'), '% of a core', [(observed.cpuNs / observed.wallNs) * 100], notes);
}

export const timerTicks: Suite = {
  collection: 'timer',
  name: 'ticks',
  about: 'timer interrupts taken and merged, their lateness, and what an idle machine costs',
  async *run(context: BenchContext): AsyncIterable<Row> {
    for (const design of context.designs) {
      for (const cpus of context.cpus ?? [2]) {
        for (const busy of [true, false]) {
          context.progress(`timer ticks: ${cpus} CPUs, ${busy ? 'busy' : 'idle'}`);
          yield* tickRows(context, design, cpus, busy, await observeTicks(context, design, cpus, busy));
        }
      }
    }
  },
};
