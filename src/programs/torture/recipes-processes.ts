/**
 * Recipes of births and ends. A caller's offspring lives in a nest: a place in the memory that the threads of a process
 * share, with scratch and a stack, taken by whoever begets and given back at the end of the life in it:
 *
 *     a thread       clears its nest by CLONE_CHILD_CLEARTID, as joined threads do
 *     a child        has its number in the nest until somebody has waited for it
 *
 * Nobody but workers begets. What a child's end says must be one of the ends that children come to (torture-syscalls).
 */
import { __WALL, P_ALL, SIGCHLD, SIGKILL, WEXITED, WNOHANG } from '../../kernel/abi/flags-signal.ts';
import {
  CLONE_CHILD_CLEARTID,
  CLONE_FILES,
  CLONE_FS,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VFORK,
  CLONE_VM,
  PR_GET_CHILD_SUBREAPER,
  PR_GET_NAME,
  PR_SET_NAME,
} from '../../kernel/abi/flags-task.ts';
import { cloneArgumentsLayout, memoryHeadLayout, rusageLayout, siginfoLayout } from '../../kernel/abi/layout.ts';
import {
  atomicLoad32,
  atomicStore32,
  compareExchange32,
  load32,
  store32,
  store64,
  storeFloat,
} from '../libc/memory.ts';
import { sys } from '../libc/sys.ts';
import type { Guest } from '../libc/thread.ts';
import { trap } from '../libc/trap.ts';
import { ALARM_SIGNAL, SENT_SIGNALS, text } from './build-arguments.ts';
import type { Caller, Recipe } from './caller.ts';
import { SCRATCH_BYTES } from './scratch.ts';

const THREAD_FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;

/** The word that says whether a nest is in use, then a stack, then scratch. */
const STACK_AT = 16;
const SCRATCH_AT = 48;
export const NEST_BYTES: number = SCRATCH_AT + SCRATCH_BYTES;
/** Nests of threads come first, then those of children. */
export const THREAD_NESTS = 3;
export const CHILD_NESTS = 4;
export const NESTS: number = THREAD_NESTS + CHILD_NESTS;
export const FREE = 0;
// Between the two a nest bears the number of the thread that took it, negative: nobody has more than one on the way.

/** Exit codes of children: as they were born, and as what they became by execve. */
export const CHILD_CODE = 40;
export const REBORN_CODE = 60;

/** Pids that were waited for before they stood in their nest. */
export const REAPED_WORDS = 16;

export function nestAt(c: Caller, nest: number): number {
  return c.shared.nests + nest * NEST_BYTES;
}
export function scratchOfNest(nests: number, nest: number): number {
  return nests + nest * NEST_BYTES + SCRATCH_AT;
}

/** @returns a free nest, now taken, or -1 */
function takeNest(c: Caller, first: number, count: number): number {
  const from = c.random.below(count);
  for (let i = 0; i < count; i++) {
    const nest = first + ((from + i) % count);
    if (compareExchange32(nestAt(c, nest), FREE, -trap.tid) === FREE) return nest;
  }
  return -1;
}

/** What the newborn runs: the kernel takes it from the stack. */
function stackFor(c: Caller, nest: number, entry: number): number {
  const stack = nestAt(c, nest) + STACK_AT;
  store64(stack, entry);
  storeFloat(stack + 8, nest);
  store64(stack + 16, -1);
  return stack;
}

function cloneWith(flags: number, stack: number, childTid: number): number {
  return trap.abi === 'x86_64' ? sys.clone(flags, stack, 0, childTid, 0) : sys.clone(flags, stack, 0, 0, childTid);
}

function cloneThread(c: Caller): number {
  const nest = takeNest(c, 0, THREAD_NESTS);
  c.notes[0] = nest;
  // A thread that shares no handlers is refused.
  if (nest < 0) return cloneWith(THREAD_FLAGS & ~CLONE_SIGHAND, c.scratch.take(32), 0);
  return cloneWith(THREAD_FLAGS | CLONE_CHILD_CLEARTID, stackFor(c, nest, c.entries.nestling), nestAt(c, nest));
}

function afterThread(c: Caller, result: number): undefined {
  if (result < 0 && c.notes[0] >= 0) atomicStore32(nestAt(c, c.notes[0]), FREE);
}

function clone3Thread(c: Caller): number {
  const nest = takeNest(c, 0, THREAD_NESTS);
  c.notes[0] = nest;
  const at = c.scratch.takeZeroed(cloneArgumentsLayout.size);
  const flags = nest < 0 ? THREAD_FLAGS & ~CLONE_SIGHAND : THREAD_FLAGS | CLONE_CHILD_CLEARTID;
  store64(at + cloneArgumentsLayout.flags, flags);
  if (nest >= 0) {
    store64(at + cloneArgumentsLayout.child_tid, nestAt(c, nest));
    store64(at + cloneArgumentsLayout.stack, stackFor(c, nest, c.entries.nestling));
    store64(at + cloneArgumentsLayout.stack_size, 24);
  }
  return sys.clone3(at, cloneArgumentsLayout.size);
}

/** A child by clone: a copy of the memory, or, as vfork has it, the memory itself. */
function cloneChild(c: Caller): number {
  const nest = takeNest(c, THREAD_NESTS, CHILD_NESTS);
  c.notes[0] = nest;
  if (nest < 0) return cloneWith(CLONE_SIGHAND | SIGCHLD, c.scratch.take(32), 0);
  const borrows = c.random.once(3);
  if (!borrows) store32(trap.userBase + memoryHeadLayout.copiedFrom, trap.userBase);
  const flags = (borrows ? CLONE_VM | CLONE_VFORK : 0) | (c.random.once(5) ? CLONE_FILES : 0) | SIGCHLD;
  return cloneWith(flags, stackFor(c, nest, c.entries.hatchling), 0);
}

/** The child's number stands in its nest until somebody has waited for it, which may be the case already. */
function afterChild(c: Caller, result: number): undefined {
  const nest = c.notes[0];
  if (nest < 0) return;
  // One that borrowed the memory has moved in by itself, and may be gone.
  compareExchange32(nestAt(c, nest), -trap.tid, result > 0 ? result : FREE);
  for (let i = 0; result > 0 && i < REAPED_WORDS; i++) {
    if (atomicLoad32(c.shared.children + i * 4) === result) compareExchange32(nestAt(c, nest), result, FREE);
  }
}

/** Somebody has waited for it: its nest is free. */
function emptyNestOf(c: Caller, pid: number): void {
  const place = c.shared.children + (pid % REAPED_WORDS) * 4;
  atomicStore32(place, pid);
  for (let nest = THREAD_NESTS; nest < NESTS; nest++) compareExchange32(nestAt(c, nest), pid, FREE);
}

const CLONE_CHILD: Recipe = {
  name: 'clone',
  weight: 1,
  make: cloneChild,
  after: afterChild,
  isWhole: true,
  isForWorkers: true,
};

function* begotten(c: Caller): Guest<void> {
  if (c.random.once(4)) yield* c.perform(CLONE_CHILD);
}

function wait4(c: Caller): number {
  c.notes[0] = c.scratch.take(4);
  const options = (c.random.once(6) ? 0 : WNOHANG) | (c.random.once(3) ? __WALL : 0);
  return sys.wait4(-1, c.notes[0], options, c.random.once(3) ? c.scratch.take(rusageLayout.size) : 0);
}

/** How a child's life may end: see the program. */
function wrongEnd(code: number, signal: number): string | undefined {
  if (signal !== 0) {
    const may = signal === SIGKILL || signal === ALARM_SIGNAL || SENT_SIGNALS.includes(signal);
    return may ? undefined : `a child ended by signal ${signal}`;
  }
  const may = code === REBORN_CODE || (code >= CHILD_CODE && code < CHILD_CODE + NESTS);
  return may ? undefined : `a child ended with ${code}`;
}

function afterWait4(c: Caller, result: number): string | undefined {
  if (result <= 0) return undefined;
  emptyNestOf(c, result);
  if (c.spoiled) return undefined;
  const status = load32(c.notes[0]);
  return wrongEnd((status >> 8) & 0xff, status & 0x7f);
}

function waitid(c: Caller): number {
  c.notes[0] = c.scratch.takeZeroed(siginfoLayout.size);
  return sys.waitid(P_ALL, 0, c.notes[0], WEXITED | (c.random.once(6) ? 0 : WNOHANG), 0);
}

function afterWaitid(c: Caller, result: number): undefined {
  if (result !== 0 || c.spoiled) return;
  const pid = load32(c.notes[0] + siginfoLayout.si_pid);
  if (pid > 0) emptyNestOf(c, pid);
}

function prctl(c: Caller): number {
  const option = c.random.pick([PR_SET_NAME, PR_GET_NAME, PR_GET_CHILD_SUBREAPER]);
  return sys.prctl(option, c.scratch.takeZeroed(16), 0, 0, 0);
}

export const PROCESS_RECIPES: readonly Recipe[] = [
  { name: 'clone', weight: 2, make: cloneThread, after: afterThread, isWhole: true, isForWorkers: true },
  CLONE_CHILD,
  { name: 'clone3', weight: 1, make: clone3Thread, after: afterThread, isWhole: true, isForWorkers: true },
  { name: 'wait4', weight: 2, before: begotten, make: wait4, after: afterWait4, isWhole: true, isForWorkers: true },
  { name: 'waitid', weight: 2, before: begotten, make: waitid, after: afterWaitid, isWhole: true, isForWorkers: true },
  // A worker never becomes anything else: no such program, or no path at all.
  { name: 'execve', weight: 1, make: (c) => sys.execve(text(c, '/entry/none'), 0, 0), isWhole: true },
  { name: 'setpgid', weight: 6, make: (c) => sys.setpgid(0, c.random.once(3) ? 0 : trap.pid), isForChildren: true },
  { name: 'getpgid', weight: 1, make: () => sys.getpgid(0) },
  { name: 'getsid', weight: 1, make: () => sys.getsid(0) },
  { name: 'setsid', weight: 6, make: () => sys.setsid(), isForChildren: true },
  { name: 'prctl', weight: 2, make: prctl },
  { name: 'unshare', weight: 1, make: (c) => sys.unshare(c.random.once(2) ? CLONE_FS : 0), isWhole: true },
  { name: 'set_tid_address', weight: 1, make: (c) => sys.set_tid_address(c.shared.futexes), isForWorkers: true },
];
