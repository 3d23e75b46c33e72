/**
 * `bench scale`: how a machine bears very many tasks, each asleep in a pipe of its own while a token goes round, and very
 * many descriptors of one process. What one costs should not depend on how many others there are; where it does, that is
 * the design's doing.
 */
import { countedRow, type Parameters, type Row, rounded, timedRow } from '../rows.ts';
import type { MachineSampler, MachineShape } from '../sampler.ts';
import { type BenchContext, oversubscribedNotes, type Suite, withMachine } from '../suite.ts';

const CPUS = 2;
const TASKS = [1000, 10_000, 100_000];
const DESCRIPTORS = [10_000, 100_000, 1_000_000];
const SAMPLES = 3;

/** Designs in which a hop makes every task look: all sleep in one queue and are woken, or stay runnable. */
const ALL_LOOK = new Map([
  ['kevlar', 'wakes'],
  ['veridian', 'waits for a look of'],
]);
const WAKES_MAX = 2_000_000;

const USER_BYTES_PER_TASK = 160;
/** Such a figure is rather small than regular: its ticks would wake everybody. */
const HZ = 10;

function taskShape(design: string, cpus: number, tasks: number): MachineShape {
  const userBytes = Math.max(2 ** 20, 2 ** Math.ceil(Math.log2(tasks * USER_BYTES_PER_TASK + 2 ** 16)));
  const hz = ALL_LOOK.has(design) ? HZ : undefined;
  const pipes = tasks + 1;
  return {
    design,
    cpus,
    tasks: tasks + 2,
    pipes,
    files: 2 * tasks + 64,
    userBytes,
    ...(hz === undefined ? {} : { hz }),
  };
}

async function samplesOf(
  machine: MachineSampler,
  name: string,
  iterations: number,
  params: Parameters,
  quick: boolean,
) {
  const totalsNs: number[] = [];
  for (let i = 0; i < (quick ? 1 : SAMPLES); i++) totalsNs.push(await machine.sample(name, iterations, params));
  return { iterations, totalsNs };
}

async function* taskRows(
  context: BenchContext,
  machine: MachineSampler,
  shape: MachineShape,
  tasks: number,
): AsyncIterable<Row> {
  const { design, cpus } = shape;
  const notes = oversubscribedNotes(context, cpus);
  const identity = (name: string) => ({ name, design, cpus, params: { tasks } });
  yield countedRow(identity('boot'), 'ms', [machine.facts.bootNs / 1e6], notes);
  yield countedRow(identity('shared_memory'), 'MiB', [rounded(machine.facts.sharedBytes / 2 ** 20)]);
  const made = await samplesOf(machine, 'ring', tasks, { waiters: tasks }, context.quick);
  yield timedRow(identity('task_create'), made, null, notes);
  const hops = ALL_LOOK.has(design) ? Math.max(10, Math.min(tasks, Math.floor(WAKES_MAX / tasks))) : tasks;
  if (hops < tasks) notes.push(`${hops} hops, not a whole round: each ${ALL_LOOK.get(design)} all ${tasks} tasks`);
  const went = await samplesOf(machine, 'ring', hops, { waiters: tasks, ready: 1 }, context.quick);
  yield { ...timedRow(identity('pipe_ring_hop'), went, null, notes), counts: { hops } };
}

async function* descriptorRows(context: BenchContext, machine: MachineSampler, shape: MachineShape, fds: number) {
  const { design, cpus } = shape;
  const identity = (name: string) => ({ name, design, cpus, params: { fds } });
  yield countedRow(identity('boot'), 'ms', [machine.facts.bootNs / 1e6]);
  yield countedRow(identity('shared_memory'), 'MiB', [rounded(machine.facts.sharedBytes / 2 ** 20)]);
  const timed: readonly (readonly [string, number])[] = [
    ['open', 1],
    ['write+read', 3],
    ['close', 2],
  ];
  for (const [name, op] of timed) {
    yield timedRow(identity(name), await samplesOf(machine, 'descriptors', fds, { fds, op }, context.quick), null);
  }
}

export const scaleTasks: Suite = {
  collection: 'scale',
  name: 'tasks',
  about: 'very many tasks, each asleep in a pipe of its own, while a token goes round',
  async *run(context: BenchContext): AsyncIterable<Row> {
    for (const design of context.designs) {
      for (const cpus of context.cpus ?? [CPUS]) {
        for (const tasks of context.quick ? TASKS.slice(0, 2) : TASKS) {
          context.progress(`scale tasks: ${design}, ${tasks} tasks`);
          const shape = taskShape(design, cpus, tasks);
          yield* withMachine(context, shape, (machine) => taskRows(context, machine, shape, tasks));
        }
      }
    }
  },
};

export const scaleDescriptors: Suite = {
  collection: 'scale',
  name: 'descriptors',
  about: 'very many descriptors of one process: opened, written and read, closed',
  async *run(context: BenchContext): AsyncIterable<Row> {
    for (const design of context.designs) {
      for (const fds of context.fds ?? (context.quick ? DESCRIPTORS.slice(0, 1) : DESCRIPTORS)) {
        context.progress(`scale descriptors: ${design}, ${fds} descriptors`);
        const shape = { design, cpus: 1, files: fds + 64 };
        yield* withMachine(context, shape, (machine) => descriptorRows(context, machine, shape, fds));
      }
    }
  },
};
