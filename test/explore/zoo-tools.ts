/**
 * How the tests of the zoo search: a kernel, sound or with a bug, is bundled with the engine and the scenarios, and loaded.
 */
import { fileURLToPath } from 'node:url';
import type { Explorer } from '../../src/explore/engine/search.ts';
import type { Bug, Scenario } from '../../src/explore/scenario.ts';
import type { Mutation } from '../../src/stepped/compile.ts';
import { bundleStepped, loadBundle } from '../../src/stepped/bundle.ts';
import type { Scene } from '../../src/stepped/machine.ts';

export const SEED = 1;

const project = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const modules = ['src/stepped/scene.ts', 'src/explore/engine/search.ts', 'src/explore/scenarios/index.ts'];

/** A kernel with everything that searches it. */
export type Zoo = Scene & {
  readonly Explorer: typeof Explorer;
  readonly scenarios: readonly Scenario[];
  scenarioNamed(name: string): Scenario | undefined;
};

export async function kernelWith(mutations: readonly Mutation[]): Promise<Zoo> {
  return loadBundle<Zoo>(await bundleStepped({ project, modules, mutations }));
}

/** What a search of the bug's scenario finds, in a kernel that has the bug. */
export async function searchFor({ patches, scenario, design, schedules }: Bug) {
  const zoo = await kernelWith(patches);
  const where = zoo.scenarioNamed(scenario)!;
  const explorer = new zoo.Explorer(zoo, where, design ?? where.designs[0]!);
  return explorer.search({ strategy: 'portfolio', schedules, seed: SEED, shrinks: false });
}
