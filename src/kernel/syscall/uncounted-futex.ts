/**
 * smplab_pause: futex, in every argument and answer, but for one thing: its wakeups are not counted. A runner that keeps
 * a program's tasks in order (a replay) waits with it, and so leaves the figures to the program's own calls.
 *
 * A wakeup is classed once the call next answers, from a mark that the commit to sleep left on the task; this call's
 * attempt, which comes first, takes the mark away.
 */
import { SYS } from '../abi/syscalls.ts';
import type { FilePtr } from '../file/file.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';
import { syscallOps } from './ops-table.ts';
import type { SyscallOps } from './syscall-ops.ts';

function uncountedBegin(t: TaskPtr, fr: FramePtr): number {
  return syscallOps[SYS.futex]!.begin(t, fr);
}
function uncountedAttempt(t: TaskPtr, fr: FramePtr): number {
  Task.wakePending.set(t, 0);
  return syscallOps[SYS.futex]!.attempt(t, fr);
}
function uncountedEnqueue(t: TaskPtr, fr: FramePtr): number {
  return syscallOps[SYS.futex]!.enqueue(t, fr);
}
function uncountedExpired(t: TaskPtr, fr: FramePtr): number {
  return syscallOps[SYS.futex]!.expired(t, fr);
}
function uncountedInterrupted(t: TaskPtr, fr: FramePtr): number {
  return syscallOps[SYS.futex]!.interrupted(t, fr);
}
function uncountedWatches(_t: TaskPtr, _fr: FramePtr, _source: FilePtr): number {
  return 0;
}

export const uncountedFutexCallOps: SyscallOps = {
  begin: uncountedBegin,
  attempt: uncountedAttempt,
  enqueue: uncountedEnqueue,
  expired: uncountedExpired,
  interrupted: uncountedInterrupted,
  watches: uncountedWatches,
};
