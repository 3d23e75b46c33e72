// WASIX's declared divergences.

import { wasixDivergences } from '../../src/conform/divergences/wasix.ts';
import { wasixModel } from '../../src/conform/model/wasix.ts';
import { testDivergences } from './declared-divergences.ts';

testDivergences({
  name: 'wasix',
  model: wasixModel,
  divergences: wasixDivergences,
  beyondTheModel: [],
  agreesMoreThan: 100,
});
