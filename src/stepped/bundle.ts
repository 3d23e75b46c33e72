/**
 * Bundles the stepped variant of the kernel, sound or with a bug, with a module that uses it: one file of fast code. The
 * build does it once for the package; for a bug it is done when the bug is asked for.
 *
 * The promise: the same sources give the same text, so the text's hash tells builds apart.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { Mutation } from './compile.ts';
import { applyMutations, compileStepped } from './compile.ts';
import { KERNEL_ROOTS, readSources } from './sources.ts';

const BOOT_CONSTANTS = 'src/shared-mem/boot-constants.ts';

export interface BundleOptions {
  /** the directory that holds src, with forward slashes */
  readonly project: string;
  /** paths of the modules whose exports are wanted */
  readonly modules: readonly string[];
  readonly mutations?: readonly Mutation[];
  /** boot constants that differ: { checks: false } */
  readonly constants?: Readonly<Record<string, boolean>>;
}

/** @returns the bundle's text, with its source map inline */
export async function bundleStepped({
  project,
  modules,
  mutations = [],
  constants = {},
}: BundleOptions): Promise<string> {
  const sources = readSources(project, KERNEL_ROOTS);
  applyMutations(sources, mutations);
  const compiled = compileStepped(sources);
  if (compiled.complaints.length > 0) {
    const lines = compiled.complaints.map(({ file, line, message }) => `${file}:${line}: ${message}`);
    throw new Error(`the kernel does not compile to the stepped machine:\n${lines.join('\n')}`);
  }
  const { outputFiles } = await build({
    stdin: {
      contents: modules.map((path) => `export * from './${path}';`).join('\n'),
      resolveDir: project,
      loader: 'ts',
    },
    absWorkingDir: project,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    sourcemap: 'inline',
    sourcesContent: false,
    legalComments: 'none',
    write: false,
    plugins: [
      {
        name: 'stepped',
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, ({ path: file }) => {
            const path = relative(project, file).replaceAll('\\', '/');
            const file2 = compiled.files.get(path);
            let contents =
              file2 === undefined ? readFileSync(join(project, path), 'utf8') : withMap(file2.code, file2.map);
            if (path === BOOT_CONSTANTS) contents = withConstants(contents, constants);
            return { contents, loader: 'ts' };
          });
        },
      },
    ],
  });
  return outputFiles[0]!.text;
}

function withMap(code: string, map: string): string {
  return `${code}\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString('base64')}`;
}

function withConstants(source: string, constants: Readonly<Record<string, boolean>>): string {
  let text = source;
  for (const [name, value] of Object.entries(constants)) {
    const changed = text.replace(new RegExp(`(\\n {2}${name}: )\\w+,`), `$1${value},`);
    if (!changed.includes(`\n  ${name}: ${value},`)) throw new Error(`${BOOT_CONSTANTS} has no constant ${name}`);
    text = changed;
  }
  return text;
}

/** Loads a bundle from a file of its own, since stack traces are mapped to the source only for what lies in a file. */
export async function loadBundle<T>(text: string): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'smplab-stepped-'));
  try {
    // What lies in such a folder a test's loader takes as it is, and so the lines stay those that the source map speaks of.
    const path = join(directory, 'node_modules', 'kernel.mjs');
    mkdirSync(dirname(path));
    writeFileSync(path, text);
    return (await import(pathToFileURL(path).href)) as T;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
