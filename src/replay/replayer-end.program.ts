// What ends threads and processes beside their own exits: signals that kill, and another program.

import {
  alloc,
  atomicLoad32,
  CLONE_FILES,
  type Guest,
  load32,
  SIG_UNBLOCK,
  sigaction,
  SIGKILL,
  store64,
  sys,
  trap,
} from '../programs/libc/index.ts';
import { pauseUntilTime, type Table } from './replayer-table.program.ts';
import { type ScriptStep, SIGNAL_END, THREAD_ALIVE, THREAD_TID } from './script.program.ts';

const SIG_DFL = 0;
/** How long a killed process may take to be gone, before it is killed for sure. */
const DEATH_NS = 2e6;
const LOOK_NS = 100_000;

/** The process kills itself: by what killed it in the trace, whatever it does with that otherwise. */
export function* killSelf(signal: number): Guest<void> {
  const set = alloc(8);
  store64(set, 1n << BigInt(signal - 1));
  yield* sigaction(signal, SIG_DFL);
  yield sys.rt_sigprocmask(SIG_UNBLOCK, set, 0, 8);
  yield sys.kill(trap.pid, signal);
  yield sys.kill(trap.pid, SIGKILL);
}

/** The outside kills a process. */
export function* killFor(table: Table, step: ScriptStep, timespec: number): Guest<void> {
  const [target, signal] = step.args as [{ readonly thread: number }, number];
  const pid = load32(table.thread(target.thread, THREAD_TID));
  yield sys.kill(pid, signal);
  const untilNs = (yield* table.now(timespec)) + DEATH_NS;
  while (atomicLoad32(table.thread(target.thread, THREAD_ALIVE)) !== 0) {
    const nowNs = yield* table.now(timespec);
    if (nowNs > untilNs) {
      yield sys.kill(pid, SIGKILL);
      return;
    }
    yield* pauseUntilTime(table, timespec, nowNs + LOOK_NS);
  }
}

/** An execve: the other threads of the process end, its handlers are gone, and some of its descriptors. */
export function* replaceProgram(table: Table, step: ScriptStep): Guest<void> {
  if (step.copies !== undefined && step.copies.length > 0) {
    yield sys.unshare(CLONE_FILES);
    table.copySlots(step.copies);
  }
  for (const slot of step.closes ?? []) yield* table.closeSlot(slot);
  for (const thread of step.ends ?? []) {
    yield sys.tgkill(trap.pid, load32(table.thread(thread, THREAD_TID)), SIGNAL_END);
  }
  for (const signal of step.defaults ?? []) yield* sigaction(signal, SIG_DFL);
}
