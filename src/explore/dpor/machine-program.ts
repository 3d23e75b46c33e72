/**
 * A stepped machine as a program of the exhaustive searches: the kernel and its guests, with the race check on. Its clock
 * stands still between the ends of sleeps, so that the order of operations alone decides what happens.
 */
import type { Ending } from '../../stepped/run.ts';
import type { SteppedMachine } from '../../stepped/machine.ts';
import type { Run } from './dpor.ts';
import type { Program } from './execution.ts';

export function machineProgram(machine: SteppedMachine, maxSteps = 100_000): Program {
  return { reset: () => machine.begin(), threads: machine.programs, maxSteps };
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
