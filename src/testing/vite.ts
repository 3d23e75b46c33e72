/**
 * The Vite plugin: an import of `./ring.ts?explore` loads the module, and all that it imports by relative path, as they are
 * explored. Without the query the same files stay what they are.
 *
 *     export default defineConfig({ plugins: [smplabTesting()] });
 */
import { isAbsolute, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileModules } from './compile/compile.ts';
import { readModules, resolveRelative } from './compile/modules.ts';

/** The part of Vite's plugin interface that this one fills; typed here, so that nothing depends on Vite. */
export interface TestingPlugin {
  readonly name: string;
  readonly enforce: 'pre';
  configResolved(config: { readonly root: string }): void;
  resolveId(
    this: { resolve(source: string, importer?: string, options?: object): Promise<{ readonly id: string } | null> },
    specifier: string,
    importer: string | undefined,
  ): Promise<string | undefined>;
  load(id: string): { code: string; map: string } | undefined;
}

export interface TestingPluginOptions {
  /** What compiled modules import their runtime by; for those who keep it elsewhere. */
  readonly runtime?: string;
}

const QUERY = /\?explore$/;

export function smplabTesting({ runtime = 'smplab/testing/runtime' }: TestingPluginOptions = {}): TestingPlugin {
  let root = process.cwd();
  /** What was imported with the query from a module without it. */
  const entries = new Set<string>();
  return {
    name: 'smplab-testing',
    enforce: 'pre',
    configResolved(config) {
      root = config.root;
    },
    async resolveId(specifier, importer) {
      const inherited = importer !== undefined && QUERY.test(importer);
      if (!QUERY.test(specifier)) {
        if (!inherited || !specifier.startsWith('.')) return undefined;
        const path = resolveRelative(importer.replace(QUERY, ''), specifier);
        return path === undefined ? undefined : `${path}?explore`;
      }
      const plain = specifier.replace(QUERY, '');
      const from = importer?.replace(/\?.*$/, '');
      const near = plain.startsWith('.') && from !== undefined ? resolveRelative(from, plain) : undefined;
      const found = near ?? (await this.resolve(plain, from))?.id ?? plain;
      const path = found.startsWith('file:') ? fileURLToPath(found) : found.replace(/\?.*$/, '');
      const full = isAbsolute(path) ? path : join(root, path);
      entries.add(full);
      return `${full}?explore`;
    },
    load(id) {
      if (!QUERY.test(id)) return undefined;
      const path = id.replace(QUERY, '');
      // Who imports it decides with it which functions reach Atomics: a method is called by its name.
      const users = [...entries].filter((entry) => entry !== path && readModules([entry], root).has(path));
      const compiled = compileModules([path, ...users], { root, runtime });
      const module = compiled.get(path);
      if (module === undefined) throw new Error(`${relative(root, path)} cannot be explored`);
      return module;
    },
  };
}
