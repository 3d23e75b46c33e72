/**
 * The compile step for anyone's modules: from what was imported with `?explore` to what is explored. Untyped, by names
 * (functions.ts, colours.ts); what it cannot do it refuses by file and line, before anything runs.
 */
import { Colours } from './colours.ts';
import type { Emitted } from './emit.ts';
import { emitModule } from './emit.ts';
import { Functions } from './functions.ts';
import { readModules } from './modules.ts';

export interface CompileOptions {
  /** names in messages are relative to this directory */
  readonly root: string;
  /** the specifier of the runtime, as the emitted modules import it */
  readonly runtime: string;
}

/** All modules that can be reached from `entries`, compiled, by path. */
export function compileModules(entries: Iterable<string>, { root, runtime }: CompileOptions): Map<string, Emitted> {
  const modules = readModules(entries, root);
  const functions = new Functions(modules);
  const colours = new Colours(modules, functions);
  return new Map([...modules].map(([path, module]) => [path, emitModule(module, functions, colours, runtime)]));
}
