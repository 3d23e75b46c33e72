// Where VeridianOS's epoll answers otherwise than Linux, rule by rule. Every entry is shown by a bundled case; the answers
// are foretold by the model of VeridianOS (model/veridian.ts) from the program and the expected results, and an entry takes
// those that break its rule. Its hangs are mended: the two locks of wait and close are never held together.

import { declaredDivergences } from '../../kernel/epoll/design-ops.ts';
import { rulesVeridianBreaks } from '../model/explain-veridian.ts';
import { veridianModel } from '../model/veridian.ts';
import type { Divergence } from '../verdict.ts';
import { declaredBy } from './foretold.ts';
import { outOfTurn } from './turns.ts';

export const veridianDivergences: readonly Divergence[] = declaredBy(
  declaredDivergences.veridian,
  veridianModel,
  rulesVeridianBreaks,
  {
    byChance: ['F1', 'F14'],
    instead: { F14: outOfTurn },
  },
);
