// The verdict on a case under many schedules of the stepped machine: the worst that any of them gave, with its seed.
// Promise: a seed that is named here gives that result again, alone.

import type { ConformCase } from '../../programs/conform/case.ts';
import { mixed } from '../../stepped/strategies.ts';
import { stableText } from '../canonical.ts';
import { type CaseVerdict, type Divergence, type UnrecordedOutcome, type VerdictKind, verdictOf } from '../verdict.ts';
import { settledWhy } from '../settled.ts';
import type { SteppedCases } from './runner.ts';

export interface Seeds {
  readonly first: number;
  readonly count: number;
}

/** Between two looks at who else wants this thread. */
const TURN_MS = 50;
const BADNESS: Readonly<Record<VerdictKind, number>> = { passed: 0, declared: 1, unseen: 2, failed: 3 };

/** Judges case after case; between them, and between schedules, it lets others have the thread now and then. */
export class SteppedJudge {
  readonly #cases: SteppedCases;
  readonly #divergences: readonly Divergence[];
  readonly #seeds: Seeds;
  #turnEndsMs = 0;

  constructor(cases: SteppedCases, divergences: readonly Divergence[], seeds: Seeds) {
    this.#cases = cases;
    this.#divergences = divergences;
    this.#seeds = seeds;
  }

  /** A case of one thread has one schedule that matters. */
  async verdict(one: ConformCase): Promise<CaseVerdict> {
    const { first, count } = this.#seeds;
    const runs = Object.keys(one.threads).length === 0 ? 1 : count;
    const found = new Map<string, Found>();
    for (let seed = first; seed < first + runs; seed++) {
      const verdict = settledVerdict(one, verdictOf(one, this.#cases.run(one, mixed(seed)), this.#divergences));
      const key = stableText([
        verdict.kind,
        verdict.rule ?? '',
        verdict.settled ?? '',
        verdict.kind === 'unseen' || verdict.settled !== undefined ? verdict.outcome! : '',
      ]);
      const known = found.get(key);
      if (known === undefined) found.set(key, { verdict, seed, times: 1 });
      else known.times++;
      if (performance.now() < this.#turnEndsMs) continue;
      await new Promise((resolve) => setImmediate(resolve));
      this.#turnEndsMs = performance.now() + TURN_MS;
    }
    return worstOf([...found.values()], runs);
  }
}

interface Found {
  readonly verdict: CaseVerdict;
  /** The first that gave it. */
  readonly seed: number;
  times: number;
}

function worstOf(found: readonly Found[], runs: number): CaseVerdict {
  const all = found.toSorted((left, right) => BADNESS[right.verdict.kind] - BADNESS[left.verdict.kind]);
  const worst = all[0]!;
  const outcomesOf = (wanted: (verdict: CaseVerdict) => boolean): readonly UnrecordedOutcome[] =>
    all.flatMap(({ verdict, seed, times }) => {
      const { outcome } = verdict;
      return wanted(verdict) && outcome !== undefined ? [{ outcome, seed, times }] : [];
    });
  const unseen = outcomesOf(({ kind }) => kind === 'unseen');
  const settled = outcomesOf((verdict) => verdict.settled !== undefined);
  return { ...worst.verdict, schedules: { runs, seed: worst.seed, times: worst.times, unseen, settled } };
}

/** An outcome that was not recorded, and is right for a reason that somebody wrote down, passes. */
function settledVerdict(one: ConformCase, verdict: CaseVerdict): CaseVerdict {
  const { outcome } = verdict;
  const why = outcome === undefined ? undefined : settledWhy(one, outcome);
  if (outcome === undefined || why === undefined) return verdict;
  return { case: one.name, kind: 'passed', notCompared: 0, settled: why, outcome };
}
