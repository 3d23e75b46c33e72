// Where WASIX's epoll answers otherwise than Linux, rule by rule. Every entry is shown by a bundled case; the answers
// are foretold by the model of WASIX (model/wasix.ts) from the program and the expected results, and an entry takes
// those that break its rule. A wrong answer of WASIX is reproduced here; what hangs is mended: its sources have room for
// one handler, and a second subscription silences the first for ever, so here a source calls all of its handlers.

import { declaredDivergences } from '../../kernel/epoll/design-ops.ts';
import { wasixModel } from '../model/wasix.ts';
import { wasixBrokenRules } from '../model/wasix-rules.ts';
import type { Divergence } from '../verdict.ts';
import { declaredBy } from './foretold.ts';

export const wasixDivergences: readonly Divergence[] = declaredBy(
  declaredDivergences.wasix,
  wasixModel,
  wasixBrokenRules,
  {
    byChance: ['F1'],
  },
);
