/**
 * The stepped kernel, sound or mutated, in one bundle with the recorder, as the command line loads it: apart from what a test
 * file itself imports.
 */
import type { SourceMapPayload } from 'node:module';
import { fileURLToPath } from 'node:url';
import type * as reportModule from '../../src/explore/report/index.ts';
import type * as machineModule from '../../src/stepped/machine.ts';
import type { Scene } from '../../src/stepped/machine.ts';
import type * as strategiesModule from '../../src/stepped/strategies.ts';
import type { Locate } from '../../src/explore/report/index.ts';
import { locateBy } from '../../src/explore/report/places.ts';
import { BUNDLE_NAME, bundleStepped, loadBundle } from '../../src/stepped/bundle.ts';
import { applyMutations } from '../../src/stepped/compile.ts';
import { KERNEL_ROOTS, readSources } from '../../src/stepped/sources.ts';
import { mutations } from './mutations.ts';

const project = fileURLToPath(new URL('../../', import.meta.url));
const modules = ['stepped/scene', 'stepped/machine', 'stepped/strategies', 'explore/report/index'];

type Bundle = typeof reportModule & typeof machineModule & typeof strategiesModule;

export interface ReportKernel extends Bundle {
  readonly scene: Scene;
  readonly locate: Locate;
  /** the kernel's text, with the mutation in it */
  readonly sources: ReadonlyMap<string, string>;
}

/** @param mutation a name of test/explore/mutations.ts, or '' for the sound kernel */
export async function reportKernel(mutation: string): Promise<ReportKernel> {
  const wanted = mutation === '' ? [] : mutations[mutation]!;
  const paths = modules.map((path) => `src/${path}.ts`);
  const built = await bundleStepped(project, paths, wanted);
  const bundle = await loadBundle<Bundle & Scene>(built);
  const sources = readSources(project, KERNEL_ROOTS);
  applyMutations(sources, wanted);
  return {
    ...bundle,
    scene: bundle,
    locate: locateBy(JSON.parse(built.map) as SourceMapPayload, BUNDLE_NAME),
    sources,
  };
}
