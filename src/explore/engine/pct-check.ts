/**
 * What PCT promises, tried: a bug that shows only if one CPU does 20 operations while the other, which always could, does
 * none. Chance finds it once in 2^20 runs; PCT at depth 1 in every run in which that CPU has the higher priority: a half.
 */
import type { CpuPtr } from '../../shared-mem/pointer.ts';
import { steering } from '../../stepped/doors/steering.ts';
import type { CpuProgram } from '../../stepped/run.ts';
import { Scheduler } from '../../stepped/scheduler.ts';
import type { Strategy } from '../../stepped/strategies.ts';
import { uniformRandom } from '../../stepped/strategies.ts';
import { pct } from './strategies.ts';

const STEPS = 20;

export interface PctCheck {
  readonly runs: number;
  /** share of the runs that found it */
  readonly pct: number;
  readonly random: number;
}

export function checkPct(runs: number): PctCheck {
  let disturbances = 0;
  let found = false;
  function* undisturbed(): Generator<void, void, 1> {
    for (let i = 0; i < STEPS; i++) if (steering.point(1, 1)) yield;
    found = disturbances === 0;
  }
  function* disturbing(): Generator<void, void, 1> {
    for (let i = 0; i < STEPS; i++) {
      if (steering.point(1, 2)) yield;
      disturbances++;
    }
  }
  const programs: CpuProgram[] = [
    { cpu: 1 as CpuPtr, run: disturbing },
    { cpu: 2 as CpuPtr, run: undisturbed },
  ];
  const scheduler = new Scheduler(programs);
  const share = (strategyOf: (seed: number) => Strategy): number => {
    let hits = 0;
    for (let seed = 0; seed < runs; seed++) {
      disturbances = 0;
      found = false;
      scheduler.run({ strategy: strategyOf(seed) });
      if (found) hits++;
    }
    return hits / runs;
  };
  return { runs, pct: share((seed) => pct(seed, 1, 2 * STEPS)), random: share(uniformRandom) };
}
