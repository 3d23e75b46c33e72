/**
 * The guest programs of tests, bundled once for a whole run: a CPU that loads a TypeScript file has to start tsx for it
 * first, which takes longer than most tests do. What loads as TypeScript is tested where that is the question.
 */
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const bundles = join(root, '.test-programs');

/** The bundle of a `NAME.program.ts` below test/. */
export function testProgram(source: URL): URL {
  const path = relative(root, fileURLToPath(source)).replace(/\.ts$/, '.js');
  return pathToFileURL(join(bundles, path));
}

/** Called by vitest before all tests. */
export async function setup(): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: ['test/**/*.program.ts'],
    outbase: '.',
    outdir: bundles,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    sourcemap: 'linked',
    logLevel: 'warning',
  });
}
