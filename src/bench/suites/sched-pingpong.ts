/**
 * `bench sched pingpong`: two tasks on two CPUs hand one message back and forth; one operation is one round trip. What
 * it costs is decided by how an idle CPU waits, so each object is measured with the machine's own idle spin and with
 * none, and beside a host that sleeps in blocking reads and one that polls. `sleepShare` tells which of the two the
 * machine really did: CPU sleeps over blocking reads.
 */

import { measure } from '../measure.ts';
import { type Parameters, type Row, rounded, timedRow } from '../rows.ts';
import { countOver, type MachineSampler, type Sampler } from '../sampler.ts';
import { type BenchContext, oversubscribedNotes, type Suite, withMachine } from '../suite.ts';

const OBJECTS = ['pipe_pingpong', 'eventfd_pingpong'];

/** A round trip blocks once on each of the two CPUs. */
const BLOCKING_READS_PER_TRIP = 2;

interface Pairing {
  /** Absent: the machine's own. */
  readonly idleSpinNs?: 0;
  readonly host: 'sleeping' | 'polling';
}

/** A machine that never spins is like a sleeping host only. */
const PAIRINGS: readonly Pairing[] = [{ host: 'sleeping' }, { host: 'polling' }, { idleSpinNs: 0, host: 'sleeping' }];

/** Counts the operations asked for, calibration included: the machine's counters see those too. */
class CountingSampler implements Sampler {
  operations = 0;
  readonly #inner: Sampler;

  constructor(inner: Sampler) {
    this.#inner = inner;
  }

  sample(name: string, iterations: number, params: Parameters): Promise<number> {
    this.operations += iterations;
    return this.#inner.sample(name, iterations, params);
  }
}

async function pingpongRow(
  context: BenchContext,
  machine: MachineSampler,
  design: string,
  cpus: number,
  name: string,
  pairing: Pairing,
): Promise<Row> {
  const counting = new CountingSampler(machine);
  const params = { idleSpin: pairing.idleSpinNs ?? 'default', against: pairing.host };
  const before = await machine.counters();
  const measured = await measure(
    {
      name,
      params,
      machine: counting,
      host: context.host,
      hostParams: { spin: pairing.host === 'polling' },
    },
    context.plan,
  );
  const after = await machine.counters();
  const sleeps = countOver(after, 'idleSleeps') - countOver(before, 'idleSleeps');
  const reads = counting.operations * BLOCKING_READS_PER_TRIP;
  const notes = [...measured.notes, ...oversubscribedNotes(context, cpus)];
  const row = timedRow({ name, design, cpus, params }, measured.machine, measured.host, notes);
  return { ...row, counts: { sleepShare: rounded(sleeps / reads, 4), idleSleeps: sleeps } };
}

async function* runPairing(
  context: BenchContext,
  machine: MachineSampler,
  design: string,
  cpus: number,
  pairing: Pairing,
): AsyncIterable<Row> {
  for (const name of OBJECTS) {
    context.progress(`sched pingpong: ${name} on ${design}, host ${pairing.host}`);
    yield await pingpongRow(context, machine, design, cpus, name, pairing);
  }
}

export const schedPingpong: Suite = {
  collection: 'sched',
  name: 'pingpong',
  about: 'a round trip between two tasks on two CPUs, spinning and sleeping',
  async *run(context: BenchContext): AsyncIterable<Row> {
    for (const design of context.designs) {
      for (const cpus of context.cpus ?? [2]) {
        // One CPU has no second one to play with.
        if (cpus < 2) continue;
        for (const pairing of PAIRINGS) {
          const spin = pairing.idleSpinNs === undefined ? {} : { idleSpinNs: pairing.idleSpinNs };
          const shape = { design, cpus, ...spin };
          yield* withMachine(context, shape, (machine) => runPairing(context, machine, design, cpus, pairing));
        }
      }
    }
  },
};
