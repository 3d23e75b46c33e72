// The declared divergences of each design, by its name. A design that is not named here declares nothing.

import type { Divergence } from '../verdict.ts';
import { kevlarDivergences } from './kevlar.ts';
import { veridianDivergences } from './veridian.ts';
import { wasixDivergences } from './wasix.ts';

const byDesign: Readonly<Record<string, readonly Divergence[]>> = {
  kevlar: kevlarDivergences,
  linux: [],
  veridian: veridianDivergences,
  wasix: wasixDivergences,
};

export function divergencesOf(design: string): readonly Divergence[] {
  return byDesign[design] ?? [];
}
