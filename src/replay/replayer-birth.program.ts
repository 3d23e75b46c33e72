// Tasks of the replay are begun: threads and processes of the trace. All of them share the memory in which the script and
// its table lie; descriptors and signals are each process's own.

import {
  alloc,
  CLONE_CHILD_CLEARTID,
  CLONE_FILES,
  CLONE_FS,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VM,
  entryOf,
  type Guest,
  SIG_BLOCK,
  SIGCHLD,
  SIGPIPE,
  sigaction,
  store32,
  store64,
  storeFloat,
  sys,
} from '../programs/libc/index.ts';
import type { Table } from './replayer-table.program.ts';
import { type Script, SIGNAL_END, SIGNAL_INTERRUPT, THREAD_ALIVE } from './script.program.ts';

/** Of a thread that was there before the trace begins. */
export const THREAD_FLAGS: number = CLONE_THREAD | CLONE_FILES;
const SIG_DFL = 0;
const SIG_IGN = 1;
const EVERY_FD = 0x7fffffff;

/** @param flags of clone, as far as they say what it shares; 0: the first process @returns its number, or -errno */
export function* beginTask(
  table: Table,
  index: number,
  flags: number,
  start: unknown,
  argument: number,
  cpu: number,
): Guest {
  const stack = alloc(24);
  store64(stack, entryOf(start));
  storeFloat(stack + 8, argument);
  store64(stack + 16, cpu);
  const alive = table.thread(index, THREAD_ALIVE);
  store32(alive, 1);
  const threads = (flags & CLONE_THREAD) !== 0 ? CLONE_FS | CLONE_SIGHAND | CLONE_SYSVSEM : 0;
  const all = CLONE_VM | CLONE_CHILD_CLEARTID | threads | (flags === 0 ? SIGCHLD : flags);
  const tid = yield sys.clone(all, stack, 0, alive, 0);
  if (tid < 0) store32(alive, 0);
  return tid;
}

/** What a process does before its first step; others have what they need from their parents. */
export function* beginProcess(
  table: Table,
  script: Script,
  index: number,
  handlers: { readonly onSignal: unknown; readonly onEnd: unknown },
): Guest<void> {
  if (index === 0) {
    yield sys.close_range(script.outsideFds, EVERY_FD, 0);
    yield* sigaction(SIGNAL_INTERRUPT, handlers.onSignal);
    yield* sigaction(SIGNAL_END, handlers.onEnd);
    yield* sigaction(SIGPIPE, SIG_IGN);
    // The outside ignores the ends of its children.
    yield* sigaction(SIGCHLD, SIG_DFL);
    const group = table.group();
    if (group > 0) yield sys.setpgid(0, group);
    yield* block(script.blocked);
  }
  const { handled, defaults } = script.threads[index]!;
  for (const signal of defaults) yield* sigaction(signal, SIG_DFL);
  for (const signal of handled) yield* sigaction(signal, handlers.onSignal);
}

function* block(signals: readonly number[]): Guest<void> {
  if (signals.length === 0) return;
  const set = alloc(8);
  store64(
    set,
    signals.reduce((bits, signal) => bits | (1n << BigInt(signal - 1)), 0n),
  );
  yield sys.rt_sigprocmask(SIG_BLOCK, set, 0, 8);
}
