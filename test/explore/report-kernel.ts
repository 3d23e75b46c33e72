/**
 * The stepped kernel, sound or mutated, in one bundle with the recorder and with its source map: as the command line loads
 * it, and apart from what a test file itself imports.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import type { SourceMapPayload } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type * as reportModule from '../../src/explore/report/index.ts';
import type * as machineModule from '../../src/stepped/machine.ts';
import type * as racesModule from '../../src/stepped/races.ts';
import type * as sceneModule from '../../src/stepped/scene.ts?stepped';
import type * as strategiesModule from '../../src/stepped/strategies.ts';
import { applyMutations, compileStepped } from '../../src/stepped/compile.ts';
import { KERNEL_ROOTS, readSources } from '../../src/stepped/sources.ts';
import { mutations } from './mutations.ts';

const project = fileURLToPath(new URL('../../', import.meta.url));

export interface ReportKernel {
  readonly scene: typeof sceneModule;
  readonly machine: typeof machineModule;
  readonly strategies: typeof strategiesModule;
  readonly races: typeof racesModule;
  readonly report: typeof reportModule;
  readonly map: SourceMapPayload;
}

/** @param mutation a name of test/explore/mutations.ts, or '' for the sound kernel */
export async function reportKernel(mutation: string): Promise<ReportKernel> {
  const sources = readSources(project, KERNEL_ROOTS);
  if (mutation !== '') applyMutations(sources, mutations[mutation]!);
  const compiled = compileStepped(sources);
  const parts = {
    scene: 'stepped/scene',
    machine: 'stepped/machine',
    strategies: 'stepped/strategies',
    races: 'stepped/races',
  };
  const contents = Object.entries({ ...parts, report: 'explore/report/index' })
    .map(([name, path]) => `export * as ${name} from './src/${path}.ts';`)
    .join('\n');
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: project, loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    write: false,
    sourcemap: 'external',
    outdir: project,
    plugins: [
      {
        name: 'stepped',
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, ({ path: file }) => {
            const path = relative(project, file).replaceAll('\\', '/');
            const own = compiled.files.get(path);
            if (own === undefined) return { contents: readFileSync(file, 'utf8'), loader: 'ts' };
            const map = Buffer.from(ownMap(own.map)).toString('base64');
            const comment = `//# sourceMappingURL=data:application/json;base64,${map}`;
            return { contents: `${own.code}\n${comment}`, loader: 'ts' };
          });
        },
      },
    ],
  });
  const text = outputFiles.find(({ path }) => path.endsWith('.js'))!.text;
  const map = JSON.parse(outputFiles.find(({ path }) => path.endsWith('.map'))!.text) as SourceMapPayload;
  const folder = mkdtempSync(join(tmpdir(), 'smplab-report-'));
  const script = join(folder, 'stepped.mjs');
  writeFileSync(script, text);
  try {
    return { ...((await import(/* @vite-ignore */ pathToFileURL(script).href)) as Omit<ReportKernel, 'map'>), map };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The compile step names sources from the project's top, a bundler from the file's own folder. */
function ownMap(map: string): string {
  const parsed = JSON.parse(map) as { sources: string[] };
  return JSON.stringify({ ...parsed, sources: parsed.sources.map((source) => `/${source}`) });
}
