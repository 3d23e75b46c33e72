/**
 * A Vite plugin for tests: `import ... from '../src/kernel/x.ts?stepped'` loads the stepped variant, and the query
 * carries to everything below it, so that plain and stepped stand in one test file.
 *
 * `?stepped=NAME` loads a variant with one of the named mutations, to prove that a test notices it. The stepped doors
 * and the scheduler carry no query: there is one of each.
 */
import { dirname, join, relative } from 'node:path';
import { complaintText } from './ast.ts';
import type { Compiled, Mutation } from './compile.ts';
import { applyMutations, compileStepped } from './compile.ts';
import { KERNEL_ROOTS, readSources } from './sources.ts';

export interface SteppedPluginOptions {
  /** the project's directory, with forward slashes */
  readonly project: string;
  /** folders to compile besides the kernel's */
  readonly roots?: readonly string[];
  readonly mutations?: Readonly<Record<string, readonly Mutation[]>>;
}

const QUERY = /\?stepped(?:=([\w-]+))?$/;

/** The part of Vite's plugin interface that this one fills; typed here, so that src does not depend on Vite. */
export interface SteppedPlugin {
  readonly name: string;
  readonly enforce: 'pre';
  resolveId(specifier: string, importer: string | undefined): string | undefined;
  load(id: string): { code: string; map: string } | undefined;
}

export function steppedPlugin({ project, roots = [], mutations = {} }: SteppedPluginOptions): SteppedPlugin {
  const variants = new Map<string, Compiled>();
  const doors = join(project, 'src/stepped/doors');
  const variant = (name: string): Compiled => {
    const known = variants.get(name);
    if (known !== undefined) return known;
    const sources = readSources(project, [...KERNEL_ROOTS, ...roots]);
    if (name !== '') {
      const wanted = mutations[name];
      if (wanted === undefined) throw new Error(`?stepped=${name}: no such mutation`);
      applyMutations(sources, wanted);
    }
    const compiled = compileStepped(sources);
    if (compiled.complaints.length > 0) {
      throw new Error(compiled.complaints.map(complaintText).join('\n'));
    }
    variants.set(name, compiled);
    return compiled;
  };
  return {
    name: 'stepped',
    enforce: 'pre',
    resolveId(specifier, importer) {
      if (!specifier.startsWith('.') || importer === undefined) return undefined;
      const [from = ''] = importer.split('?');
      const target = join(dirname(from), specifier.replace(QUERY, ''));
      if (dirname(target) === doors) return target;
      const own = QUERY.exec(specifier)?.[0];
      const inherited = dirname(from) === doors ? '?stepped' : QUERY.exec(importer)?.[0];
      const query = own ?? inherited;
      return query === undefined || !target.endsWith('.ts') ? undefined : target + query;
    },
    load(id) {
      const query = QUERY.exec(id);
      if (query === null) return undefined;
      return variant(query[1] ?? '').files.get(relative(project, id.replace(QUERY, '')));
    },
  };
}
