// The verdict on a case under many schedules of the stepped machine: the worst that any of them gave, with its seed.
// Promise: a seed that is named here gives that result again, alone.

import type { ConformCase } from '../../programs/conform/case.ts';
import { mixed } from '../../stepped/strategies.ts';
import { stableText } from '../canonical.ts';
import { type CaseVerdict, type Divergence, type UnderSchedules, type VerdictKind, verdictOf } from '../verdict.ts';
import { settledWhy } from '../settled.ts';
import type { SteppedCases } from './runner.ts';

export interface Seeds {
  readonly first: number;
  readonly count: number;
}

/** Between two looks at who else wants this thread. */
const TURN_MS = 50;
const BADNESS: Readonly<Record<VerdictKind, number>> = { passed: 0, declared: 1, unseen: 2, failed: 3 };

/** A case of one thread has one schedule that matters. */
export async function judgedStepped(
  one: ConformCase,
  cases: SteppedCases,
  divergences: readonly Divergence[],
  { first, count }: Seeds,
): Promise<CaseVerdict> {
  const runs = Object.keys(one.threads).length === 0 ? 1 : count;
  const found = new Map<string, { verdict: CaseVerdict; seed: number; times: number }>();
  let turnEndsMs = performance.now() + TURN_MS;
  for (let seed = first; seed < first + runs; seed++) {
    const verdict = settledVerdict(one, verdictOf(one, cases.run(one, mixed(seed)), divergences));
    const key = stableText([
      verdict.kind,
      verdict.rule ?? '',
      verdict.settled ?? '',
      verdict.kind === 'unseen' ? verdict.outcome! : '',
    ]);
    const known = found.get(key);
    if (known === undefined) found.set(key, { verdict, seed, times: 1 });
    else known.times++;
    if (performance.now() < turnEndsMs) continue;
    await new Promise((resolve) => setImmediate(resolve));
    turnEndsMs = performance.now() + TURN_MS;
  }
  const all = [...found.values()].sort((left, right) => BADNESS[right.verdict.kind] - BADNESS[left.verdict.kind]);
  const worst = all[0]!;
  const unseen: UnderSchedules['unseen'] = all.flatMap(({ verdict: { kind, outcome }, seed, times }) =>
    kind === 'unseen' && outcome !== undefined ? [{ outcome, seed, times }] : [],
  );
  const settled = all.reduce((sum, { verdict, times }) => sum + (verdict.settled === undefined ? 0 : times), 0);
  return { ...worst.verdict, schedules: { runs, seed: worst.seed, times: worst.times, unseen, settled } };
}

/** An outcome that was not recorded, and is right for a reason that somebody wrote down, passes. */
function settledVerdict(one: ConformCase, verdict: CaseVerdict): CaseVerdict {
  const why = verdict.outcome === undefined ? undefined : settledWhy(one, verdict.outcome);
  return why === undefined ? verdict : { case: one.name, kind: 'passed', notCompared: 0, settled: why };
}
