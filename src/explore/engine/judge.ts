/**
 * What is wrong with a run that has ended: the one place that knows what each detector says. A run is judged from the
 * outside, with nobody else there; some questions change memory, so it is taken back afterwards.
 */
import { auditMemory } from '../../kernel/audit/audit.ts';
import { I32 } from '../../stepped/doors/self.ts';
import { RaceError } from '../../stepped/doors/tracks.ts';
import type { SteppedMachine } from '../../stepped/machine.ts';
import type { Ending, Waiting } from '../../stepped/run.ts';
import type { FindingKind, Scenario } from '../scenario.ts';

export interface Finding {
  readonly kind: FindingKind;
  /** a sentence or more */
  readonly message: string;
}

/** A schedule that does not fit, a scenario that cannot begin: not a finding, but an error of whoever asked. */
export class SearchError extends Error {
  override readonly name = 'SearchError';
}

/** How a run ended, whoever scheduled it. */
export interface Ended {
  readonly error: unknown;
  readonly steps: number;
  waiting(): readonly Waiting[];
}

/**
 * @param audited look at the whole memory too, which costs as much as the run
 * @param trapsBefore by CPU: calls that were made before turns became fair
 */
export function judge(
  scenario: Scenario,
  machine: SteppedMachine,
  ended: Ended,
  ending: Ending,
  audited: boolean,
  trapsBefore: readonly number[] = [],
): Finding | undefined {
  machine.ended();
  if (ending === 'threw') return thrown(ended.error);
  const verdict = machine.verdict();
  if (verdict === 'deadlock' || ending === 'stuck') {
    const stands = standstill(scenario, machine, ended, verdict);
    if (stands !== undefined) return stands;
  } else if (verdict !== '') return { kind: 'assertion', message: `the kernel stopped: ${verdict}` };
  if (ending === 'limit') return endless(machine, ended, trapsBefore);
  const wrong = scenario.check?.(machine.results());
  if (wrong !== undefined) return { kind: 'wrong result', message: wrong };
  // Guests that stop where they are leave a machine that was never at rest.
  if (!audited || scenario.machine.ends === 'returns') return undefined;
  machine.settle();
  const problems = auditMemory(I32.buffer);
  if (problems.length > 0) return { kind: kindOfAudit(problems), message: problems.join('; ') };
  // A machine without tasks has nothing left.
  const left = Object.entries(machine.census()).filter(([, live]) => live > 0);
  if (left.length === 0) return undefined;
  return { kind: 'leak', message: `left behind: ${left.map(([slab, live]) => `${live} of ${slab}`).join(', ')}` };
}

const KINDS_OF_AUDIT: readonly (readonly [RegExp, FindingKind])[] = [
  [/was written after the record was freed|a file that was freed/, 'use after free'],
  [/live and \d+ free of|is never freed/, 'leak'],
  [
    /^(epoll|item|interest|subscription|slab (interests|readyEntries|mapNodes)|file \d+: (counts|is watched))/,
    'event accounting',
  ],
];

function kindOfAudit(problems: readonly string[]): FindingKind {
  const known = KINDS_OF_AUDIT.find(([shape]) => problems.some((problem) => shape.test(problem)));
  return known?.[1] ?? 'audit';
}

/** It did not end, even in fair turns: nobody came on in them, or some did and kept others from it. */
function endless(machine: SteppedMachine, ended: Ended, trapsBefore: readonly number[]): Finding {
  const came = machine.traps().map((traps, i) => traps - (trapsBefore[i] ?? 0));
  const starved = ended
    .waiting()
    .filter(({ index, doing }) => doing !== 'sleeps' && doing !== 'done' && came[index] === 0);
  const busy = came.findIndex((traps) => traps > 0);
  const after = `after ${ended.steps} operations, the second half of them in fair turns`;
  if (starved.length > 0 && busy >= 0) {
    const who = starved.map(({ index }) => `CPU ${index}`).join(' and ');
    return {
      kind: 'starvation',
      message: `${after}, ${who} has not come out of one call, and CPU ${busy} made ${came[busy]}`,
    };
  }
  return { kind: 'livelock', message: `${after}, it still has not ended: ${standing(ended)}` };
}

/** Nothing moves. @returns undefined if that is how it ought to end: every task has ended */
function standstill(
  { machine: { ends } }: Scenario,
  machine: SteppedMachine,
  ended: Ended,
  verdict: string,
): Finding | undefined {
  const waiting = ended.waiting();
  const isOver = ends === 'returns' ? waiting.every(({ doing }) => doing === 'done') : machine.liveTasks() === 0;
  if (isOver && verdict === '') return undefined;
  if (isOver) {
    return { kind: 'deadlock', message: 'the kernel declares a deadlock, and yet every task comes to its end' };
  }
  const spins = waiting.filter(({ doing }) => doing === 'spins');
  if (spins.length > 0) return { kind: 'deadlock', message: `nobody can go on: ${standing(ended)}` };
  const runnable = machine.runnableTasks();
  if (runnable > 0) {
    return {
      kind: 'lost wakeup',
      message: `${count(runnable, 'task')} can run, and every CPU sleeps: ${standing(ended)}`,
    };
  }
  const sleeper = machine.findVainSleeper();
  if (sleeper !== undefined) {
    const { tid, call } = sleeper;
    return {
      kind: 'lost wakeup',
      message: `task ${tid} sleeps in ${call} although it could go on, and nobody will wake it`,
    };
  }
  const said = verdict === '' ? 'nobody can go on' : 'every task sleeps, and nothing is left that would wake one';
  return { kind: 'deadlock', message: `${said}: ${standing(ended)}` };
}

function standing(ended: Ended): string {
  return ended
    .waiting()
    .map(
      ({ index, doing, address }) =>
        `CPU ${index} ${doing === 'done' ? 'is done' : doing}${address === 0 ? '' : ` on word ${address}`}`,
    )
    .join(', ');
}
function count(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? '' : 's'}`;
}

function thrown(error: unknown): Finding {
  if (error instanceof RaceError) return { kind: 'race', message: error.message };
  if (!(error instanceof Error)) return { kind: 'assertion', message: String(error) };
  const { message, name } = error;
  if (message.startsWith('the schedule does not fit')) throw new SearchError(message);
  if (name !== 'KernelPanic') return { kind: 'assertion', message: `${name}: ${message}` };
  if (/^lock order:|taken twice by one CPU|nests deeper|taken with interrupts on/.test(message)) {
    return { kind: 'lock order', message };
  }
  if (/freed twice|after the record was freed|null pointer/.test(message)) return { kind: 'use after free', message };
  return { kind: 'assertion', message };
}
