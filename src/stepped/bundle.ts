/**
 * The kernel's stepped variant for a bundler: a plugin that puts each compiled file in the place of its source. The build
 * makes the package's stepped kernels with it; one with a bug is bundled when the bug is asked for.
 *
 * The promise: the same sources give the same text, so the text's hash tells builds apart.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';
import { complaintText } from './ast.ts';
import type { Mutation } from './compile.ts';
import { applyMutations, compileStepped } from './compile.ts';
import { KERNEL_ROOTS, readSources } from './sources.ts';

/** What differs between machines stands in the address that the bundle is imported by. */
const CONSTANTS = 'src/shared-mem/boot-constants.ts';
const CONSTANTS_DOOR = 'src/stepped/doors/boot-constants.ts';

/**
 * @param project the directory that holds src, with forward slashes
 * @throws Error that names each place which cannot be compiled
 */
export function steppedVariant(project: string, mutations: readonly Mutation[] = []): Plugin {
  const sources = readSources(project, KERNEL_ROOTS);
  applyMutations(sources, mutations);
  const { files, complaints } = compileStepped(sources);
  if (complaints.length > 0) {
    const lines = complaints.map(complaintText);
    throw new Error(`the kernel does not compile to the stepped machine:\n${lines.join('\n')}`);
  }
  return {
    name: 'stepped-variant',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path: file }) => {
        const path = relative(project, file).replaceAll('\\', '/');
        if (path === CONSTANTS) {
          return { contents: readFileSync(join(project, CONSTANTS_DOOR), 'utf8'), loader: 'ts' };
        }
        const compiled = files.get(path);
        return compiled && { contents: `${compiled.code}\n${inlineMap(compiled.map)}`, loader: 'ts' };
      });
    },
  };
}

/** The bundler composes its own map with this one. */
function inlineMap(map: string): string {
  const { sourcesContent: _, ...rest } = JSON.parse(map) as { sourcesContent?: unknown };
  return mapComment(JSON.stringify(rest));
}
function mapComment(map: string): string {
  return `//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString('base64')}`;
}

export interface SteppedBundle {
  readonly code: string;
  /** source map, JSON; its sources are relative to the project */
  readonly map: string;
}

/** @param modules paths of the modules whose exports are wanted */
export async function bundleStepped(
  project: string,
  modules: readonly string[],
  mutations: readonly Mutation[] = [],
): Promise<SteppedBundle> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    stdin: {
      contents: modules.map((path) => `export * from './${path}';`).join('\n'),
      resolveDir: project,
      loader: 'ts',
    },
    absWorkingDir: project,
    // Nothing is written there; but the map's sources are relative to it.
    outdir: project,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    sourcemap: 'external',
    sourcesContent: false,
    legalComments: 'none',
    write: false,
    plugins: [steppedVariant(project, mutations)],
  });
  const [map, code] = ['.map', '.js'].map((end) => outputFiles.find(({ path }) => path.endsWith(end))!.text);
  return { code: code!, map: map! };
}

/** What a loaded bundle's file is called. */
export const BUNDLE_NAME = 'kernel.mjs';

/**
 * Loads a bundle from a file of its own, since stack traces are mapped to the source only for what lies in a file.
 * @param constants boot constants that differ: { checks: false }
 */
export async function loadBundle<T>(
  { code, map }: SteppedBundle,
  constants: Readonly<Record<string, boolean>> = {},
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'smplab-stepped-'));
  try {
    // What lies in such a folder a test's loader takes as it is, and so the lines stay those that the source map speaks of.
    const path = join(directory, 'node_modules', BUNDLE_NAME);
    mkdirSync(dirname(path));
    writeFileSync(path, `${code}\n${mapComment(map)}`);
    const url = pathToFileURL(path);
    for (const [name, value] of Object.entries(constants)) url.searchParams.set(name, String(value));
    return (await import(url.href)) as T;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
