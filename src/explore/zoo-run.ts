/**
 * The zoo, all of it: each bug is searched for as `smplab explore --bug` does, its token is run a hundred times, and the
 * kernel without it passes under the very schedules that found it.
 */
import type { EpollDesign } from '../kernel/abi/types.ts';
import { kernelFor, designOf, scenarioNamed } from './names.ts';
import type { Bug, FindingKind } from './scenario.ts';
import { bugs } from './zoo/index.ts';

export const SCHEDULES_MAX = 10_000;
export const REPLAYS = 100;

export interface ZooRow {
  readonly bug: string;
  readonly number: number | null;
  readonly scenario: string;
  readonly design: EpollDesign;
  /** null if it was not found */
  readonly found: FindingKind | null;
  /** what the zoo says that finds it */
  readonly expected: FindingKind;
  readonly schedules: number;
  readonly seconds: number;
  readonly switches: number;
  /** of REPLAYS, those that found the same */
  readonly replays: number;
  /** does the kernel without the bug pass under as many schedules of the same seed, and at least a hundred? */
  readonly cleanWithout: boolean;
}

export interface ZooOptions {
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onRow: (row: ZooRow, done: number, total: number) => void;
}

export async function runZoo({ seed, signal, onRow }: ZooOptions): Promise<ZooRow[]> {
  const rows: ZooRow[] = [];
  for (const bug of bugs) {
    // A search does not give way: between two of them others may.
    await new Promise((resolve) => setImmediate(resolve));
    if (signal.aborted) break;
    const row = await zooRow(bug, seed);
    rows.push(row);
    onRow(row, rows.length, bugs.length);
  }
  return rows;
}

async function zooRow(bug: Bug, seed: number): Promise<ZooRow> {
  const broken = await kernelFor(bug.name);
  const scenario = scenarioNamed(broken, bug.scenario);
  const design = designOf(scenario, undefined, bug);
  const options = { strategy: 'portfolio', schedules: SCHEDULES_MAX, seed } as const;
  const explorer = broken.explorerOf(scenario, design, bug.memory);
  const { found, schedules, seconds } = explorer.search(options);
  let replays = 0;
  for (let i = 0; i < REPLAYS && found !== undefined; i++) {
    const { finding } = explorer.replay(found.schedule);
    if (finding?.kind === found.kind && finding.message === found.message) replays++;
  }
  const sound = await kernelFor('');
  const without = sound.explorerOf(scenarioNamed(sound, bug.scenario), design, bug.memory);
  const clean = without.search({ ...options, schedules: Math.max(schedules, 100) });
  return {
    bug: bug.name,
    number: bug.number ?? null,
    scenario: bug.scenario,
    design,
    found: found?.kind ?? null,
    expected: bug.finds,
    schedules,
    seconds,
    switches: found?.switches ?? 0,
    replays,
    cleanWithout: clean.found === undefined,
  };
}
