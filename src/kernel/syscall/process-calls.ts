/**
 * exit, exit_group, and the runners' own calls.
 */
import { ESRCH } from '../abi/errno.ts';
import { timersPush } from '../epoll/source.ts';
import { exitProcess } from '../process/exit.ts';
import { threadAt } from '../process/threads.ts';
import { Process, PROCESS_LIVE } from '../process/process.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { ENDED, PROCEED, REASON_TICK, Task, TASK_DEAD, TASK_RUNNABLE, TASK_SLEEPING, YIELD } from '../task/task.ts';
import { wakeTask } from '../task/wake.ts';
import { generationOf } from '../../shared-mem/slab.ts';
import { taskByTid } from '../task/tid.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { answersEintr, immediateOps, intArgument } from './syscall-ops.ts';

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
 * "not yet" since any thread last completed one. Where a design pushes every wake, who sleeps has not been woken, and a look
 * more would cost it its place in a queue.
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
  // Its note before its state: one who is seen waiting for its turn may have looked, and gone on, by the time of a note.
  const notYetAt = Task.notYetAt.load(other);
  const state = Task.state.load(other);
  if (state === TASK_DEAD || Task.stopped.load(other) === 1) return true;
  if (state === TASK_SLEEPING && timersPush() === 1) return true;
  return (state === TASK_SLEEPING || state === TASK_RUNNABLE) && notYetAt === completed;
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
