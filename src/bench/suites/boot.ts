/**
 * `bench boot`: how long until every CPU is ready to run a task, and how much shared memory a machine asks for. The
 * first boot of a process also compiles the kernel's code; it is one of the samples, and named.
 */

import { countedRow, type Row, rounded } from '../rows.ts';
import type { MachineFacts, MachineShape } from '../sampler.ts';
import { type BenchContext, oversubscribedNotes, type Suite } from '../suite.ts';

const CPUS = 4;
const BOOTS = 15;
const QUICK_BOOTS = 5;

/** The machine that the memory row describes. */
const MEMORY_TASKS = 1024;
const MEMORY_FILES = 65_536;

async function bootOnce(context: BenchContext, shape: MachineShape): Promise<MachineFacts> {
  const machine = await context.boot(shape);
  const { facts } = machine;
  await machine.close();
  return facts;
}

async function timeRow(context: BenchContext, design: string, cpus: number): Promise<Row> {
  const boots: MachineFacts[] = [];
  for (let boot = 0; boot < (context.quick ? QUICK_BOOTS : BOOTS); boot++) {
    boots.push(await bootOnce(context, { design, cpus }));
  }
  const milliseconds = boots.map(({ bootNs }) => bootNs / 1e6);
  const notes = [`the first was ${milliseconds[0]!.toFixed(0)} ms`, ...oversubscribedNotes(context, cpus)];
  return countedRow({ name: 'boot', design, cpus, params: {} }, 'ms', milliseconds, notes);
}

async function memoryRow(context: BenchContext, design: string, cpus: number): Promise<Row> {
  const shape = { design, cpus, tasks: MEMORY_TASKS, files: MEMORY_FILES };
  const { sharedBytes } = await bootOnce(context, shape);
  const identity = { name: 'shared_memory', design, cpus, params: { tasks: MEMORY_TASKS, files: MEMORY_FILES } };
  return countedRow(identity, 'MiB', [rounded(sharedBytes / 2 ** 20)]);
}

export const bootTime: Suite = {
  collection: 'boot',
  name: 'time',
  about: 'from the call to the moment every CPU is ready',
  async *run(context: BenchContext): AsyncIterable<Row> {
    for (const design of context.designs) {
      for (const cpus of context.cpus ?? [CPUS]) {
        context.progress(`boot time: ${cpus} CPUs`);
        yield await timeRow(context, design, cpus);
      }
    }
  },
};

export const bootMemory: Suite = {
  collection: 'boot',
  name: 'memory',
  about: 'shared memory of a machine, by its limits',
  async *run(context: BenchContext): AsyncIterable<Row> {
    for (const design of context.designs) {
      for (const cpus of context.cpus ?? [CPUS]) {
        context.progress(`boot memory: ${cpus} CPUs`);
        yield await memoryRow(context, design, cpus);
      }
    }
  },
};
