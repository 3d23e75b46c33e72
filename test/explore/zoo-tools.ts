/**
 * How the tests of the zoo search: by the kernels that the command line searches, sound or with a bug.
 */
import type { Mutation } from '../../src/stepped/compile.ts';
import type { Explorer } from '../../src/explore/engine/search.ts';
import type { SteppedKernel } from '../../src/explore/kernel.ts';
import { steppedKernel } from '../../src/explore/kernel.ts';
import { designOf, scenarioNamed } from '../../src/explore/names.ts';
import type { Bug } from '../../src/explore/scenario.ts';

export const SEED = 1;

/** A kernel with everything that searches it. */
export async function kernelWith(patches: readonly Mutation[]): Promise<SteppedKernel> {
  return steppedKernel(
    patches.length === 0 ? undefined : ({ name: JSON.stringify(patches), patches } as unknown as Bug),
  );
}

/** The machine of a bug's scenario, in a kernel that has the bug. */
export async function explorerFor(bug: Bug): Promise<Explorer> {
  const kernel = await steppedKernel(bug);
  const scenario = scenarioNamed(kernel, bug.scenario);
  return kernel.explorerOf(scenario, designOf(scenario, undefined, bug), bug.memory);
}

/** What a search of the bug's scenario finds, in a kernel that has the bug. */
export async function searchFor(bug: Bug) {
  const explorer = await explorerFor(bug);
  return explorer.search({ strategy: 'portfolio', schedules: bug.schedules, seed: SEED, shrinks: false });
}
