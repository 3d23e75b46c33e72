/**
 * The guest side of this CPU: programs, and the generators of the tasks that live here.
 *
 * A task is a generator, and `yield` is its trap instruction. Generators cannot leave their thread, which is why tasks
 * are pinned. This is JavaScript state, and the kernel never sees it: it knows tasks by their records, this room by
 * their place in the slab.
 */

import type { HandlerInfo } from './handler-info.ts';

/** What a guest generator yields: the number of a system call; its arguments stand in the registers. */
export type GuestGenerator = Generator<number, unknown, number>;
export type GuestFunction = (...args: never[]) => GuestGenerator;

/** A program as this CPU loaded it, with the arguments of one start of it. */
export interface Image {
  readonly url: string;
  /** What tasks and handlers can start at: the module's exported generator functions, in the order of their names. */
  readonly entries: readonly GuestFunction[];
  readonly names: readonly string[];
  readonly argv: unknown;
}

/** Shared with the libc through globalThis, because programs are bundled apart from this worker. */
export interface TrapState {
  /** Arguments of the next trap. */
  readonly registers: Float64Array;
  /** Per dense index: the call's number on this machine's ABI. */
  readonly numbers: Int32Array;
  memory: ArrayBufferLike;
  abi: 'x86_64' | 'arm64';
  /** Of the task that runs now. */
  userBase: number;
  userBytes: number;
  image: Image | undefined;
  /** What the libc itself starts tasks at: entries -1, -2 and so on. */
  readonly libcEntries: GuestFunction[];
  tid: number;
  pid: number;
  cpu: number;
}

const KEY = Symbol.for('smplab.trap');

/** The one trap state of this thread. */
export function trapState(): TrapState {
  const holder = globalThis as { [KEY]?: TrapState };
  holder[KEY] ??= {
    registers: new Float64Array(6),
    numbers: new Int32Array(256),
    memory: new ArrayBuffer(0),
    abi: 'x86_64',
    userBase: 0,
    userBytes: 0,
    image: undefined,
    libcEntries: [],
    tid: 0,
    pid: 0,
    cpu: 0,
  };
  return holder[KEY];
}

export class Coroutines {
  readonly images: Image[] = [];
  /** By the task's place in the slab: its generators, the handler that runs now last. */
  private readonly stacks: GuestGenerator[][] = [];

  top(task: number): GuestGenerator | undefined {
    const stack = this.stacks[task];
    return stack?.[stack.length - 1];
  }

  /** Is there such an entry? Those below 0 are the libc's own. */
  canStart(image: number, entry: number): boolean {
    return this.entryOf(image, entry) !== undefined;
  }

  private entryOf(image: number, entry: number): GuestFunction | undefined {
    return entry < 0 ? trapState().libcEntries[-1 - entry] : this.images[image]?.entries[entry];
  }

  /** Starts a task: entry(argument, argv). */
  start(task: number, image: number, entry: number, argument: number): GuestGenerator {
    const program = this.images[image];
    const start = this.entryOf(image, entry) as ((argument: number, argv: unknown) => GuestGenerator) | undefined;
    if (program === undefined || start === undefined)
      throw new Error(`task starts at entry ${entry} of image ${image}`);
    const generator = start(argument, program.argv);
    if (typeof generator?.next !== 'function') {
      throw new Error(`${program.url}: ${program.names[entry]} is not a generator function`);
    }
    this.stacks[task] = [generator];
    return generator;
  }

  /** Puts a signal handler on top: handler(signal), or with SA_SIGINFO handler(signal, info). */
  push(task: number, image: number, entry: number, signal: number, info: HandlerInfo | undefined): GuestGenerator {
    const program = this.images[image];
    const handler = program?.entries[entry] as ((signal: number, info?: HandlerInfo) => GuestGenerator) | undefined;
    if (handler === undefined)
      throw new Error(`signal ${signal}: no entry ${entry} in ${program?.url ?? 'no program'}`);
    const generator = info === undefined ? handler(signal) : handler(signal, info);
    this.stacks[task]?.push(generator);
    return generator;
  }

  /** The handler on top has ended. @returns how many generators are left */
  pop(task: number): number {
    const stack = this.stacks[task];
    stack?.pop();
    return stack?.length ?? 0;
  }

  /** A task that ended: its generators are dropped, never return()ed, so that no guest code runs after death. */
  drop(task: number): void {
    this.stacks[task] = [];
  }
}
