// How a design declares what its model foretells: an entry of its table takes the foretold results that break its rule.
// Callers: the table of each design.

import type { StepResult } from '../../programs/conform/case.ts';
import type { History, StepAt } from '../history.ts';
import { type Foretold, foretell } from '../model/foretell.ts';
import type { DesignModel } from '../model/world.ts';
import type { Divergence } from '../verdict.ts';

/** The numbers of the rules that a foretold answer breaks, if it is not the expected one. */
type RulesBroken = (at: StepAt, history: History, foretold: Foretold, expected: StepResult) => ReadonlySet<string>;

export function foretoldInstead(design: DesignModel, rulesBroken: RulesBroken, rule: string): Divergence['instead'] {
  return (at, history, expected) =>
    foretell(design, at, history)
      .filter((answer) => rulesBroken(at, history, answer, expected).has(rule))
      .map((answer) => answer.result);
}
