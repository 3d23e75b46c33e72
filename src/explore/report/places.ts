/**
 * Where in the source something happens: the stack at that moment, kept as it is while the run goes on, and led back to
 * the original files once it is over. The chain of generators stands in the stack, outermost last.
 */
import { SourceMap } from 'node:module';
import type { SourceMapPayload } from 'node:module';
import type { Frame } from './trace.ts';

/** Leads a place in a loaded script back to the source; undefined where it has none. */
export type Locate = (script: string, line: number, column: number) => { file: string; line: number } | undefined;

/** Paths begin at a folder of the project, wherever the script was built or loaded from; the last src is the one meant. */
const PROJECT_PATHS = [/^(?:.*\/)?(src\/[^?#]+)/, /(?:^|\/)((?:test|bench|examples)\/[^?#]+)/];
function inProject(path: string): string | undefined {
  return PROJECT_PATHS.map((pattern) => pattern.exec(path)?.[1]).find((found) => found !== undefined);
}

/** For scripts that are loaded from their own files, such as a test's. */
export const asLoaded: Locate = (script, line) => {
  const file = inProject(script);
  return file === undefined ? undefined : { file, line };
};

/**
 * @param map of the bundle that holds the stepped kernel
 * @param script what its file name ends in; without it any script that is no file of the project
 */
export function locateBy(map: SourceMapPayload, script?: string): Locate {
  const sourceMap = new SourceMap(map);
  return (name, line, column) => {
    if (script !== undefined && !name.endsWith(script)) return asLoaded(name, line, column);
    const found = sourceMap.findEntry(line - 1, column - 1);
    if (!('originalSource' in found)) return undefined;
    const file = inProject(found.originalSource);
    return file === undefined ? undefined : { file, line: found.originalLine + 1 };
  };
}

interface RawFrame {
  readonly script: string;
  readonly line: number;
  readonly column: number;
  readonly function: string;
}

const DEEPEST = 60;
/** The machinery around the kernel: neither a part of it nor of the guest. */
const MACHINERY = /^src\/(stepped|explore)\//;
const KERNEL = /^src\/(kernel|shared-mem|cpu-worker)\//;
const DOOR = 'src/stepped/doors/';

export interface Place {
  readonly frames: readonly number[];
  /** the method of the door that was called, or '' */
  readonly operation: string;
}

/** Stacks, each kept once. */
export class Places {
  readonly #raw: RawFrame[] = [];
  readonly #rawByKey = new Map<string, number>();
  readonly #stacks: (readonly number[])[] = [];
  readonly #byKey = new Map<string, number>();

  /** @returns the number of the stack of who calls `below` */
  here(below: (...args: never[]) => unknown): number {
    const { prepareStackTrace: prepare, stackTraceLimit: limit } = Error;
    let sites: NodeJS.CallSite[] = [];
    Error.stackTraceLimit = DEEPEST;
    Error.prepareStackTrace = (_error, found) => {
      sites = found;
      return '';
    };
    const holder: { stack?: string } = {};
    Error.captureStackTrace(holder, below);
    void holder.stack;
    Error.stackTraceLimit = limit;
    // Assigning undefined to it would not be the same as leaving it alone.
    if (prepare === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
    else Error.prepareStackTrace = prepare;
    const stack: number[] = [];
    for (const site of sites) {
      const line = site.getLineNumber();
      if (line === null || line === undefined) continue;
      stack.push(this.#intern(site, line));
    }
    const key = stack.join(',');
    let number = this.#byKey.get(key);
    if (number === undefined) {
      number = this.#stacks.push(stack) - 1;
      this.#byKey.set(key, number);
    }
    return number;
  }

  #intern(site: NodeJS.CallSite, line: number): number {
    const script = site.getFileName() ?? '';
    const column = site.getColumnNumber() ?? 1;
    // Data URLs hold the whole bundle: their beginning will not tell them apart, but their length nearly does.
    const key = `${script.length > 300 ? script.length : script}:${line}:${column}`;
    let number = this.#rawByKey.get(key);
    if (number === undefined) {
      number = this.#raw.push({ script, line, column, function: site.getFunctionName() ?? '' }) - 1;
      this.#rawByKey.set(key, number);
    }
    return number;
  }

  /** Everything led back to the source: for each stack the frames of kernel and guest, innermost first. */
  resolve(locate: Locate): { readonly frames: readonly Frame[]; readonly places: readonly Place[] } {
    const all = this.#raw.map((raw): Frame => {
      const at = locate(raw.script, raw.line, raw.column);
      // A bundler tells functions of one name apart by a number, and the kernel has none of one name.
      const name = raw.function.replace(/^.*\./, '').replace(/\d+$/, '');
      return { file: at?.file ?? '', line: at?.line ?? 0, function: name };
    });
    const frames: Frame[] = [];
    const known = new Map<string, number>();
    const numberOf = (frame: Frame): number => {
      const key = `${frame.file}:${frame.line}:${frame.function}`;
      const number = known.get(key) ?? frames.push(frame) - 1;
      known.set(key, number);
      return number;
    };
    const places = this.#stacks.map((stack): Place => {
      const found = stack.map((index) => all[index]!);
      // The door's method is the outermost of its frames: it may call functions of its own room.
      const inKernel = found.findIndex(({ file }) => KERNEL.test(file));
      const door = found.slice(0, Math.max(0, inKernel)).findLast(({ file }) => file.startsWith(DOOR));
      // Below the trap loop stands whoever runs the machine.
      const loop = found.findLastIndex(({ file }) => KERNEL.test(file));
      const own = found.slice(0, loop + 1).filter(({ file }) => file !== '' && !MACHINERY.test(file));
      return { frames: own.map(numberOf), operation: door?.function ?? '' };
    });
    return { frames, places };
  }
}
