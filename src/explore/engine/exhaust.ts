/**
 * The exhaustive searches of a scenario: every order that matters (`dpor`), or every schedule with few preemptions (`dfs`).
 * What they find is repeated under the ordinary scheduler, so that it has a token like everything else.
 *
 * They choose at every operation and keep the clock still; the ordinary scheduler then follows the same operations. A CPU
 * that begins comes to its first operation without doing one, which counts as a choice there and not here.
 */
import type { DfsOptions } from '../dpor/dfs.ts';
import { exploreSchedules } from '../dpor/dfs.ts';
import type { Exploration, Run } from '../dpor/dpor.ts';
import { exploreAll } from '../dpor/dpor.ts';
import { endingOfRun, machineProgram } from '../dpor/machine-program.ts';
import type { Strategy } from '../../stepped/strategies.ts';
import type { Finding } from './judge.ts';
import { judge } from './judge.ts';
import type { Explorer, SearchResult } from './search.ts';

export const EXHAUSTIVE = ['dfs', 'dpor'] as const;
export type Exhaustive = (typeof EXHAUSTIVE)[number];

export interface ExhaustOptions {
  readonly strategy: Exhaustive;
  /** of dfs; default 2 */
  readonly preemptions?: number;
  readonly schedules: number;
  /** Called now and then with the number of schedules done. @returns false to stop */
  readonly onProgress?: (schedules: number) => boolean;
}

export interface ExhaustResult extends SearchResult {
  /** every schedule was run, up to the reduction or the bound */
  readonly complete: boolean;
}

const SCHEDULES_PER_LOOK = 64;

export function exhaust(explorer: Explorer, options: ExhaustOptions): ExhaustResult {
  const { strategy, preemptions = 2, schedules, onProgress } = options;
  const { scenario, machine } = explorer;
  const program = machineProgram(machine, scenario.machine.maxSteps);
  const started = performance.now();
  let runs = 0;
  let found: { readonly finding: Finding; readonly order: readonly number[] } | undefined;
  const atEnd = (run: Run): boolean => {
    runs++;
    const ended = {
      error: run.error,
      steps: run.schedule().length,
      waiting: () => machine.programs.map((_, index) => ({ index, ...run.execution.doing(index) })),
    };
    const finding = judge(scenario, machine, ended, endingOfRun(run), true);
    if (finding !== undefined) {
      found = { finding, order: run.schedule() };
      return true;
    }
    return runs % SCHEDULES_PER_LOOK === 0 && onProgress?.(runs) === false;
  };
  const bounds: DfsOptions = { maxPreemptions: preemptions, limit: schedules, atEnd };
  const all: Exploration = strategy === 'dpor' ? exploreAll(program, bounds) : exploreSchedules(program, bounds);
  const seconds = (performance.now() - started) / 1000;
  const told = found === undefined ? undefined : explorer.tell(found.finding, follow(found.order), runs);
  return {
    schedules: runs,
    steps: all.operations,
    seconds,
    stopped: !all.exhausted && told === undefined,
    complete: all.exhausted && told === undefined,
    found: told,
  };
}

/** The same operations, a turn each. */
function follow(order: readonly number[]): Strategy {
  let at = 0;
  let begun = 0;
  return {
    name: 'follow',
    choose(ready, current) {
      const wanted = order[at];
      if (wanted === undefined || !ready.includes(wanted)) return ready.includes(current) ? current : ready[0]!;
      if ((begun & (1 << wanted)) === 0) begun |= 1 << wanted;
      else at++;
      return wanted;
    },
    turn: () => 1,
    // A sleep ends by time only where nothing else can go on.
    expire: () => false,
  };
}
