/**
 * What a suite of benchmarks is, and what it is given. A suite yields its rows one at a time, as soon as each is known,
 * so that a caller can show progress and keep what was measured when somebody stops the run.
 */

import type { MeasurePlan } from './measure.ts';
import type { Row } from './rows.ts';
import type { BootSampler, MachineSampler, MachineShape, Sampler } from './sampler.ts';

export interface BenchContext {
  readonly designs: readonly string[];
  /** From `--cpus` and `--fds`; absent, every suite has its own. */
  readonly cpus?: readonly number[];
  readonly fds?: readonly number[];
  readonly quick: boolean;
  readonly plan: MeasurePlan;
  /** Cores that this process may use; more simulated CPUs than these is noted in the rows. */
  readonly hostCores: number;
  readonly host: Sampler | null;
  readonly boot: BootSampler;
  /** One line about what is being measured now. */
  progress(text: string): void;
  /** What a person should know, once. */
  complain(line: string): void;
}

export interface Suite {
  readonly collection: string;
  readonly name: string;
  readonly about: string;
  run(context: BenchContext): AsyncIterable<Row>;
}

/** The suites of one collection, one suite of it, or all; null where nothing has that name. */
export function selectSuites(
  suites: readonly Suite[],
  collection: string,
  name: string | undefined,
): readonly Suite[] | null {
  if (collection === 'all') return name === undefined ? suites : null;
  const chosen = suites.filter(
    (suite) => suite.collection === collection && (name === undefined || suite.name === name),
  );
  return chosen.length > 0 ? chosen : null;
}

/** Boots a machine for as long as `use` yields rows from it. A generator that is left early closes it too. */
export async function* withMachine(
  context: BenchContext,
  shape: MachineShape,
  use: (machine: MachineSampler) => AsyncIterable<Row>,
): AsyncIterable<Row> {
  const machine = await context.boot(shape);
  try {
    yield* use(machine);
  } finally {
    await machine.close();
  }
}

export function oversubscribedNotes(context: BenchContext, cpus: number): string[] {
  if (cpus <= context.hostCores) return [];
  return [`oversubscribed: ${cpus} CPUs on ${context.hostCores} host cores`];
}
