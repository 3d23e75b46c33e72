/**
 * Processes, as a C library offers them: fork, waitpid.
 *
 * A generator cannot be copied, so a child does not return from fork: it begins at an exported generator function of
 * the program, as a thread does. Its memory is a copy at other addresses; `inherited` leads from an address of the
 * parent's to its copy.
 */
import { CLONE_VM } from '../../kernel/abi/flags-task.ts';
import { SIGCHLD } from '../../kernel/abi/flags-signal.ts';
import { ECHILD, EINTR } from '../../kernel/abi/errno.ts';
import { memoryHeadLayout, rusageLayout } from '../../kernel/abi/layout.ts';
import { check } from './errors.ts';
import { alloc, load32, load64, store32, store64, storeFloat } from './memory.ts';
import { sys } from './sys.ts';
import type { Guest } from './thread.ts';
import { entryOf } from './thread.ts';
import { trap } from './trap.ts';

/** How a child ended, or what else became of it. */
export interface ChildStatus {
  /** 0: with WNOHANG, nothing yet. Negative: -errno. */
  readonly pid: number;
  /** Exit code, or undefined. */
  readonly code: number | undefined;
  /** The signal that ended it, or undefined. */
  readonly signal: number | undefined;
  /** The signal that stopped it, or undefined. */
  readonly stopped: number | undefined;
  readonly continued: boolean;
}

/**
 * Begins a child process at `start(argument)`, with a copy of this one's memory and descriptors.
 * @param start a generator function that the program's module exports
 * @param cpu its home, -1 to let the kernel choose
 * @returns its pid, or -errno
 */
export function* fork(start: unknown, argument = 0, cpu = -1): Guest {
  return yield* cloneProcess(SIGCHLD, start, argument, cpu);
}

/** As `fork`, with clone's own flags (the signal for the parent in the low byte). */
export function* cloneProcess(flags: number, start: unknown, argument = 0, cpu = -1): Guest {
  const stack = alloc(24);
  store64(stack, entryOf(start));
  storeFloat(stack + 8, argument);
  store64(stack + 16, cpu);
  // The copy knows by this where it was copied from.
  if ((flags & CLONE_VM) === 0) store32(trap.userBase + memoryHeadLayout.copiedFrom, trap.userBase);
  return yield sys.clone(flags, stack, 0, 0, 0);
}

/** In a child: where the thing lies now that lay at an address of the parent's. */
export function inherited(address: number): number {
  const from = load32(trap.userBase + memoryHeadLayout.copiedFrom);
  return from === 0 ? address : address - from + trap.userBase;
}

/** Waits for a child. @param pid as wait4: -1 any, 0 of the own group, -n of group n */
export function* waitpid(pid: number, options = 0): Guest<ChildStatus> {
  const at = alloc(8);
  for (;;) {
    const r = yield sys.wait4(pid, at, options, 0);
    if (r === -EINTR) continue;
    return statusOf(r, load32(at));
  }
}

/** Waits for every child there is. @returns how they ended, in the order of their ends */
export function* waitAll(): Guest<ChildStatus[]> {
  const ended: ChildStatus[] = [];
  for (;;) {
    const status = yield* waitpid(-1);
    if (status.pid === -ECHILD) return ended;
    ended.push(status);
  }
}

export interface Switches {
  /** By sleeping. */
  readonly voluntary: number;
  /** Because the slice was over, or by yielding, when another was there. */
  readonly involuntary: number;
}

/** How often the CPU was switched from a task to another. @param who RUSAGE_SELF, RUSAGE_CHILDREN or RUSAGE_THREAD */
export function* contextSwitches(who: number): Guest<Switches> {
  const at = alloc(rusageLayout.size);
  check(yield sys.getrusage(who, at), 'getrusage');
  return {
    voluntary: Number(load64(at + rusageLayout.voluntarySwitches)),
    involuntary: Number(load64(at + rusageLayout.involuntarySwitches)),
  };
}

function statusOf(pid: number, word: number): ChildStatus {
  const stopped = pid > 0 && (word & 0xff) === 0x7f;
  const continued = pid > 0 && word === 0xffff;
  const ended = pid > 0 && !stopped && !continued;
  const signal = word & 0x7f;
  return {
    pid,
    code: ended && signal === 0 ? word >> 8 : undefined,
    signal: ended && signal !== 0 ? signal : undefined,
    stopped: stopped ? word >> 8 : undefined,
    continued,
  };
}
