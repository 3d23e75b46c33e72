// Outcomes of bundled cases that schedules of the stepped machine show, that Linux may give by its source, and that no run
// on a host has given yet: the window for them is some hundred instructions wide there. Each has its reason beside it, in
// data/settled-outcomes.json. Read where a case is judged under schedules.
// Promise: an outcome that stands here is none of those recorded; once a host gives it, it belongs with them.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { ConformCase, Outcome } from '../programs/conform/case.ts';
import { bundledCaseDirectory } from './bundled.ts';
import { sameOutcome } from './canonical.ts';

const fileSchema = z.object({
  reasons: z.record(z.string(), z.string()),
  settled: z.array(
    z.strictObject({ case: z.string(), reason: z.string(), outcome: z.record(z.string(), z.array(z.unknown())) }),
  ),
});

export interface Settled {
  readonly case: string;
  /** Why Linux may give it. */
  readonly why: string;
  readonly outcome: Outcome;
}

let read: readonly Settled[] | undefined;

export function settledOutcomes(): readonly Settled[] {
  if (read !== undefined) return read;
  const path = join(dirname(bundledCaseDirectory()), 'settled-outcomes.json');
  const { reasons, settled } = fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  read = settled.map(({ case: name, reason, outcome }) => {
    const why = reasons[reason];
    if (why === undefined) throw new Error(`${path}: ${name}: no reason is named ${reason}`);
    return { case: name, why, outcome: outcome as Outcome };
  });
  return read;
}

/** Why the outcome is right though it was not recorded; undefined if nobody has settled it. */
export function settledWhy(one: ConformCase, outcome: Outcome): string | undefined {
  return settledOutcomes().find(
    ({ case: name, outcome: known }) => name === one.name && sameOutcome(one, outcome, known),
  )?.why;
}
