/**
 * execve. There are no program files: "/entry/N" names entry N of the running program, and nothing else exists (ENOENT).
 * The environment is not looked at. Only a process's first thread may call it, for its number is the process's (EINVAL
 * for others, which Linux lets take the first one's place).
 *
 * The other threads are killed and waited for, as on Linux; nothing but the caller's own death interrupts that. What the
 * new program is told is read once it is alone.
 */
import { ENAMETOOLONG, EINVAL, ENOENT, ENOMEM } from '../abi/errno.ts';
import { PATH_MAX } from '../abi/flags-file.ts';
import { killOtherThreads } from '../process/exit.ts';
import { becomeProgram } from '../process/exec.ts';
import type { ProcessPtr } from '../process/process.ts';
import { Process, THREAD_KEY } from '../process/process.ts';
import { readUser8, userStringLength } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, PROCEED, Task, WAIT } from '../task/task.ts';
import { standInQueue } from '../wait/wait-queue.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { immediateOps, wordArgument } from './syscall-ops.ts';

const PREFIX = '/entry/';
/** More digits make no entry. */
const DIGITS_MAX = 6;

function execveBegin(t: TaskPtr, fr: FramePtr): number {
  const path = wordArgument(fr, 0);
  const length = userStringLength(t, path, PATH_MAX);
  if (length < 0) return length;
  if (length === PATH_MAX) return -ENAMETOOLONG;
  const entry = entryOfPath(path, length);
  if (entry < 0) return entry;
  const p = Task.process.get(t);
  if (Task.tid.get(t) !== Process.pid.get(p)) return -EINVAL;
  Frame.first.set(fr, entry);
  return PROCEED;
}

/** @returns the entry that a path of "/entry/N" names, or -ENOENT */
function entryOfPath(path: number, length: number): number {
  if (length <= PREFIX.length || length > PREFIX.length + DIGITS_MAX) return -ENOENT;
  for (let i = 0; i < PREFIX.length; i++) if (readUser8(path + i) !== PREFIX.charCodeAt(i)) return -ENOENT;
  let entry = 0;
  for (let i = PREFIX.length; i < length; i++) {
    const digit = readUser8(path + i) - 0x30;
    if (digit < 0 || digit > 9) return -ENOENT;
    entry = entry * 10 + digit;
  }
  return entry;
}

function execveAttempt(t: TaskPtr, fr: FramePtr): number {
  if (killOtherThreads(t) > 0) return WAIT;
  return becomeProgram(t, Frame.first.get(fr), wordArgument(fr, 1));
}
function execveEnqueue(t: TaskPtr, _fr: FramePtr): number {
  const p = Task.process.get(t) as ProcessPtr;
  return standInQueue(Process.childQueue.at(p), t, THREAD_KEY, 0) === 1 ? 0 : -ENOMEM;
}
function execveInterrupted(_t: TaskPtr, _fr: FramePtr): number {
  return WAIT;
}

export const execveCallOps: SyscallOps = {
  ...immediateOps,
  begin: execveBegin,
  attempt: execveAttempt,
  enqueue: execveEnqueue,
  interrupted: execveInterrupted,
};
