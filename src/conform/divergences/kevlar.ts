// Where Kevlar's epoll answers otherwise than Linux, rule by rule. Every entry is shown by a bundled case; the answers
// are foretold by the model of Kevlar (model/kevlar.ts) from the program and the expected results, and an entry takes
// those that break its rule. A wrong answer of Kevlar is reproduced here; its hangs are mended, so an instance that
// would watch itself, directly or in a loop, is refused as Linux refuses it, and so is too deep a nest (B4, C1, C2).

import { declaredDivergences } from '../../kernel/epoll/design-ops.ts';
import { type Scalar, type StepResult, threadsOf } from '../../programs/conform/case.ts';
import { numberOf } from '../../programs/conform/constants.ts';
import type { History, StepAt } from '../history.ts';
import { brokenRules } from '../model/explain.ts';
import { kevlarModel } from '../model/kevlar.ts';
import type { Divergence } from '../verdict.ts';
import { declaredBy } from './foretold.ts';
import { outOfTurn } from './turns.ts';

/**
 * epoll_pwait does not look at its mask: a signal that only the mask blocks interrupts it, and one that only the mask
 * lets through does not.
 */
function maskIgnored(at: StepAt, history: History, expected: StepResult): readonly StepResult[] {
  if (!('sys' in at.step) || at.step.sys !== 'epoll_pwait') return [];
  const mask = at.step.args[4];
  if (typeof mask !== 'object' || mask === null || !('sigset' in mask)) return [];
  const masked = new Set(mask.sigset.map(signalNumber));
  const caught = new Set<number>();
  const sent = new Set<number>();
  // Who sends a signal may see it taken before the sending call has ended.
  const steps = threadsOf(history.case);
  for (const { thread, index } of [...history.past, ...history.open]) {
    const step = steps[thread]?.[index];
    if (step === undefined) continue;
    if ('handler' in step && (step.how ?? 'handler') === 'handler') caught.add(signalNumber(step.handler));
    if (!('sys' in step)) continue;
    const signal = step.sys === 'tgkill' ? step.args[2] : step.sys === 'kill' ? step.args[1] : undefined;
    if (typeof signal === 'string' || typeof signal === 'number') sent.add(signalNumber(signal));
  }
  const interrupted = expected !== 'blocked' && expected.ret === '-EINTR';
  const other = [...sent].some((signal) => caught.has(signal) && masked.has(signal) !== interrupted);
  if (!other) return [];
  if (!interrupted) return [{ ret: '-EINTR' }];
  const timeout = at.step.args[3];
  return typeof timeout === 'number' && timeout >= 0 ? [{ ret: 0, out: [] }] : ['blocked'];
}

function signalNumber(signal: Scalar): number {
  return typeof signal === 'number' ? signal : numberOf(signal);
}

export const kevlarDivergences: readonly Divergence[] = declaredBy(
  declaredDivergences.kevlar,
  kevlarModel,
  brokenRules,
  {
    byChance: ['F1', 'F14'],
    instead: { E14: maskIgnored, F14: outOfTurn },
  },
);
