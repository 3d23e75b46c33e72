/**
 * `bench sched pingpong`: two tasks on two CPUs hand one message back and forth; one operation is one round trip. What
 * it costs is decided by how an idle CPU waits, so each object is measured with the machine's own idle spin and with
 * none, and beside a host that sleeps in blocking reads and one that polls. `sleepShare` tells which of the two the
 * machine really did: the share of idle phases that ended in a sleep and not in the spin before it.
 */

import { CountingSampler } from '../counting.ts';
import { measure } from '../measure.ts';
import { type Row, rounded, timedRow } from '../rows.ts';
import type { MachineSampler } from '../sampler.ts';
import { type BenchContext, oversubscribedNotes, type Suite, withMachine } from '../suite.ts';

const OBJECTS = ['pipe_pingpong', 'eventfd_pingpong'];

/**
 * Trips before anything is measured: a trip mostly waits, so that a whole sample runs too little code for the JavaScript
 * compiler to notice, and calibration alone would leave code that is not compiled yet to be measured.
 */
const WARMUP_TRIPS = 20_000;

interface Pairing {
  /** Absent: the machine's own. */
  readonly idleSpinNs?: 0;
  readonly host: 'sleeping' | 'polling';
}

/** A machine that never spins is like a sleeping host only. */
const PAIRINGS: readonly Pairing[] = [{ host: 'sleeping' }, { host: 'polling' }, { idleSpinNs: 0, host: 'sleeping' }];

async function pingpongRow(
  context: BenchContext,
  machine: MachineSampler,
  design: string,
  cpus: number,
  name: string,
  pairing: Pairing,
): Promise<Row> {
  const counting = new CountingSampler(machine, ['idleSleeps', 'idleSpins']);
  const params = { idleSpin: pairing.idleSpinNs ?? 'default', against: pairing.host };
  const hostParams = { spin: pairing.host === 'polling' };
  await machine.sample(name, WARMUP_TRIPS, params);
  const measured = await measure({ name, params, machine: counting, host: context.host, hostParams }, context.plan);
  const { notPinned } = machine.facts;
  const pinning = notPinned === undefined ? [] : [`not pinned to host cores: ${notPinned}`];
  const notes = [...measured.notes, ...pinning, ...oversubscribedNotes(context, cpus)];
  const row = timedRow({ name, design, cpus, params }, measured.machine, measured.host, notes);
  const sleeps = counting.counted('idleSleeps');
  const idlePhases = sleeps + counting.counted('idleSpins');
  const counts = {
    sleepShare: rounded(sleeps / Math.max(1, idlePhases), 4),
    sleepsPerTrip: rounded(sleeps / counting.operations, 3),
  };
  return { ...row, counts };
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
          const shape = { design, cpus, pinned: true, ...spin };
          yield* withMachine(context, shape, (machine) => runPairing(context, machine, design, cpus, pairing));
        }
      }
    }
  },
};
