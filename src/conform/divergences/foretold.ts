// How a design declares what its model foretells: an entry of its table takes the foretold results that break its rule.
// Callers: the divergences of each design. Rules and reasons stand at the end of the design's own file in the kernel.

import type { StepResult } from '../../programs/conform/case.ts';
import type { History, StepAt } from '../history.ts';
import { type Foretold, foretell } from '../model/foretell.ts';
import type { DesignModel } from '../model/world.ts';
import type { Divergence } from '../verdict.ts';

/** The numbers of the rules that a foretold answer breaks, if it is not the expected one. */
type RulesBroken = (at: StepAt, history: History, foretold: Foretold, expected: StepResult) => ReadonlySet<string>;

function foretoldInstead(design: DesignModel, rulesBroken: RulesBroken, rule: string): Divergence['instead'] {
  return (at, history, expected) =>
    foretell(design, at, history)
      .filter((answer) => rulesBroken(at, history, answer, expected).has(rule))
      .map((answer) => answer.result);
}

/** How some rules of a design are declared otherwise than the rest. */
export interface Exceptions<Rule extends string> {
  /** Shown by chance only (verdict.ts). */
  readonly byChance?: readonly Rule[];
  /** What no model foretells. */
  readonly instead?: Partial<Readonly<Record<Rule, Divergence['instead']>>>;
}

/** Every rule of a design's table, in its order, with what the design gives instead. */
export function declaredBy<Rule extends string>(
  table: Readonly<Record<Rule, string>>,
  design: DesignModel,
  rulesBroken: RulesBroken,
  { byChance = [], instead = {} }: Exceptions<NoInfer<Rule>> = {},
): readonly Divergence[] {
  return (Object.entries(table) as [Rule, string][]).map(([rule, reason]) => ({
    rule,
    reason,
    ...(byChance.includes(rule) && { byChance: true as const }),
    instead: instead[rule] ?? foretoldInstead(design, rulesBroken, rule),
  }));
}
