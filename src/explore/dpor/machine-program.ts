/**
 * A stepped machine as a program of the exhaustive searches: the kernel and its guests, with the race check on. Its clock
 * stands still between the ends of sleeps, so that the order of operations alone decides what happens. It is over when the
 * last task has ended: idle CPUs, which look whether all are quiet, could wake each other for ever.
 */
import { MACHINE, Machine } from '../../kernel/machine-record.ts';
import { I32 } from '../../stepped/doors/self.ts';
import type { Ending } from '../../stepped/run.ts';
import type { SteppedMachine } from '../../stepped/machine.ts';
import type { Run } from './dpor.ts';
import type { Program } from './execution.ts';

export function machineProgram(machine: SteppedMachine, maxSteps = 100_000): Program {
  const live = MACHINE + Machine.liveTasks.off;
  return { reset: () => machine.begin(), threads: machine.programs, maxSteps, over: () => I32[live] === 0 };
}

const ENDINGS: Readonly<Record<Run['end'], Ending>> = {
  complete: 'done',
  stuck: 'stuck',
  blocked: 'stuck',
  threw: 'threw',
  limit: 'limit',
  cut: 'limit',
};

/** What the run came to, in the machine's words: done, deadlock, a panic, ... */
export function endOfRun(machine: SteppedMachine, run: Run): string {
  return machine.endOf(endingOfRun(run), run.error);
}

export function endingOfRun({ end }: Run): Ending {
  return ENDINGS[end];
}
