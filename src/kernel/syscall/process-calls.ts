/**
 * clone (threads), exit, exit_group, and the runners' own calls.
 *
 * A new thread's "stack" carries what it runs, as a C library puts it there: at the address given, three eight-byte
 * words: the entry's number, its argument (float64), its home CPU (-1: any). It is looked at once, before the thread
 * exists.
 */
import { EAGAIN, EFAULT, EINVAL, ENOSYS, ESRCH } from '../abi/errno.ts';
import {
  CLONE_CHILD_CLEARTID,
  CLONE_CHILD_SETTID,
  CLONE_FILES,
  CLONE_FS,
  CLONE_PARENT_SETTID,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VM,
} from '../abi/flags-task.ts';
import { exitProcess, threadAt } from '../process/exit.ts';
import { ANY_CPU, spawnThread } from '../process/spawn.ts';
import { Process, PROCESS_LIVE } from '../process/process.ts';
import { readUser64, readUserFloat, userRangeOk } from '../process/user-memory.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { ENDED, PROCEED, REASON_TICK, Task, TASK_DEAD, TASK_RUNNABLE, TASK_SLEEPING, YIELD } from '../task/task.ts';
import { wakeTask } from '../task/wake.ts';
import { generationOf } from '../../shared-mem/slab.ts';
import { taskByTid } from '../task/tid.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { answersEintr, immediateOps, intArgument, wordArgument } from './syscall-ops.ts';

const THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;

function cloneBegin(t: TaskPtr, fr: FramePtr): number {
  const flags = wordArgument(fr, 0);
  const isThread = (flags & THREAD) === THREAD;
  if ((flags & CLONE_SIGHAND) !== 0 && (flags & CLONE_VM) === 0) return -EINVAL;
  if ((flags & CLONE_THREAD) !== 0 && (flags & CLONE_SIGHAND) === 0) return -EINVAL;
  if (!isThread) return -ENOSYS;
  const stack = wordArgument(fr, 1);
  const parentTid = wordArgument(fr, 2);
  const childTid = wordArgument(fr, Machine.abi.get(MACHINE) === 0 ? 3 : 4);
  if (userRangeOk(t, stack, 24) === 0) return -EFAULT;
  const home = readUser64(stack + 16);
  if (home < ANY_CPU || home >= Machine.cpus.get(MACHINE)) return -EINVAL;
  const clearTid = (flags & CLONE_CHILD_CLEARTID) !== 0 ? childTid : 0;
  const p = Task.process.get(t);
  // Stored before the thread can run: one that ends at once clears the same word, and must do so last.
  const parentAt = wantedTidAt(t, flags & CLONE_PARENT_SETTID, parentTid);
  const childAt = wantedTidAt(t, flags & CLONE_CHILD_SETTID, childTid);
  const argument = readUserFloat(stack + 8);
  const child = spawnThread(p, t, readUser64(stack), argument, home, clearTid, parentAt, childAt);
  return child === 0 ? -EAGAIN : Task.tid.get(child);
}

/** Where a new thread's number is wanted, or 0; a bad address is ignored, as Linux ignores it. */
function wantedTidAt(t: TaskPtr, wanted: number, address: number): number {
  return wanted !== 0 && userRangeOk(t, address, 4) === 1 ? address : 0;
}

/** Ends this thread. The process's status is its first thread's code, whoever ends last. */
function exitBegin(t: TaskPtr, fr: FramePtr): number {
  const p = Task.process.get(t);
  if (Task.tid.get(t) === Process.pid.get(p) && Process.state.load(p) === PROCESS_LIVE) {
    Process.exitStatus.store(p, (intArgument(fr, 0) & 0xff) << 8);
  }
  return ENDED;
}

function exitGroupBegin(t: TaskPtr, fr: FramePtr): number {
  exitProcess(Task.process.get(t), (intArgument(fr, 0) & 0xff) << 8);
  return ENDED;
}

/**
 * smplab_settle: until every other thread of the process has ended, or sleeps (or yields) in a call that has answered
 * "not yet" since any thread last completed one.
 */
function settleAttempt(t: TaskPtr, _fr: FramePtr): number {
  const p = Task.process.get(t);
  const completed = Process.completedCalls.load(p);
  for (let index = 0; ; index++) {
    const other = threadAt(p, index);
    if (other === 0) break;
    if (other === t || isQuiet(other, completed)) continue;
    // It may have looked before the last call was counted, and sleep where nothing wakes it: it is to look again.
    if (Task.state.load(other) === TASK_SLEEPING) wakeTask(other, generationOf(other), REASON_TICK, 0, 0);
    return YIELD;
  }
  return Process.completedCalls.load(p) === completed ? 0 : YIELD;
}

function isQuiet(other: TaskPtr, completed: number): boolean {
  const state = Task.state.load(other);
  if (state === TASK_DEAD) return true;
  return (state === TASK_SLEEPING || state === TASK_RUNNABLE) && Task.notYetAt.load(other) === completed;
}

function settleBegin(_t: TaskPtr, _fr: FramePtr): number {
  return PROCEED;
}

/** smplab_blocked(tid): has that thread not ended? */
function blockedBegin(_t: TaskPtr, fr: FramePtr): number {
  return taskByTid(intArgument(fr, 0)) === 0 ? 0 : 1;
}

/** smplab_entry: the number of the entry that this task was started at. */
function entryBegin(t: TaskPtr, _fr: FramePtr): number {
  const entry = Task.entry.get(t);
  return entry >= 0 ? entry : -ESRCH;
}

export const cloneCallOps: SyscallOps = { ...immediateOps, begin: cloneBegin };
export const exitCallOps: SyscallOps = { ...immediateOps, begin: exitBegin };
export const exitGroupCallOps: SyscallOps = { ...immediateOps, begin: exitGroupBegin };
export const settleCallOps: SyscallOps = {
  ...immediateOps,
  begin: settleBegin,
  attempt: settleAttempt,
  interrupted: answersEintr,
};
export const blockedCallOps: SyscallOps = { ...immediateOps, begin: blockedBegin };
export const entryCallOps: SyscallOps = { ...immediateOps, begin: entryBegin };
