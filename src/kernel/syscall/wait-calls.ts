/**
 * wait4, waitid: what became of a child.
 *
 * One look goes over the caller's children under the lock of the tree. The first that has something to tell is taken:
 * an ended one is unlinked and its record retired (unless WNOWAIT), a stop or a continuation is marked as told. A child that
 * might still tell something makes the caller wait; without any, ECHILD. What the caller's buffers cannot take is lost, as
 * on Linux: the child is gone before they are looked at.
 *
 * All threads of a process wait for all its children; __WNOTHREAD is accepted and changes nothing.
 *
 * Linux: kernel/exit.c, do_wait, wait_task_zombie, wait_task_stopped, wait_task_continued.
 */
import { List, ListNode } from '../../shared-mem/list.ts';
import { ECHILD, EFAULT, EINVAL, ENOMEM, ESRCH } from '../abi/errno.ts';
import {
  __WALL,
  __WCLONE,
  __WNOTHREAD,
  CLD_CONTINUED,
  CLD_EXITED,
  CLD_KILLED,
  CLD_STOPPED,
  P_ALL,
  P_PGID,
  P_PID,
  SIGCHLD,
  SIGCONT,
  WCONTINUED,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  WSTOPPED,
  WUNTRACED,
} from '../abi/flags-signal.ts';
import { rusageLayout, siginfoLayout } from '../abi/layout.ts';
import { lock, unlock } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { retireEnded, unlinkChildLocked } from '../process/children.ts';
import type { ProcessPtr } from '../process/process.ts';
import { CHILD_KEY, Process, PROCESS_ZOMBIE } from '../process/process.ts';
import { inheritUsageLocked, writeUsageOfBoth } from '../process/usage.ts';
import { userRangeOk, writeUser32 } from '../process/user-memory.ts';
import { takeContinued, takeStopped } from '../signal/job-control.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, PROCEED, Task, WAIT } from '../task/task.ts';
import { standInQueue } from '../wait/wait-queue.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { countOrRestart, immediateOps, intArgument, wordArgument } from './syscall-ops.ts';

const CLONE_KINDS = __WNOTHREAD | __WCLONE | __WALL;
/** wait4's word for a stopped child, and for one that goes on. */
const STOPPED_STATUS = 0x7f;
const CONTINUED_STATUS = 0xffff;

function wait4Begin(_t: TaskPtr, fr: FramePtr): number {
  const pid = intArgument(fr, 0);
  const options = intArgument(fr, 2);
  if ((options & ~(WNOHANG | WUNTRACED | WCONTINUED | CLONE_KINDS)) !== 0) return -EINVAL;
  // It has no negative.
  if (pid === -0x80000000) return -ESRCH;
  Frame.length.set(fr, options | WEXITED);
  return PROCEED;
}

function waitidBegin(_t: TaskPtr, fr: FramePtr): number {
  const which = intArgument(fr, 0);
  const id = intArgument(fr, 1);
  const options = intArgument(fr, 3);
  if ((options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | CLONE_KINDS)) !== 0) return -EINVAL;
  if ((options & (WEXITED | WSTOPPED | WCONTINUED)) === 0) return -EINVAL;
  if (which !== P_ALL && which !== P_PID && which !== P_PGID) return -EINVAL;
  if (which === P_PID && id <= 0) return -EINVAL;
  if (which === P_PGID && id < 0) return -EINVAL;
  Frame.length.set(fr, options);
  return PROCEED;
}

/**
 * Looks for a child that has something to tell. What it tells is left in the frame: `first` CLD_*, `second` the exit code
 * or signal, `buffer` its pid.
 * @param which P_*, @param id of the process or group
 * @returns the child, which stays readable until this trap is over; or WAIT, or -ECHILD
 */
function lookForChild(t: TaskPtr, fr: FramePtr, which: number, id: number): number {
  const p = Task.process.get(t) as ProcessPtr;
  let mayTell = false;
  lock(Machine.treeLock.at(MACHINE));
  for (let node = List.first.get(Process.children.at(p)); node !== 0; node = ListNode.next.get(node)) {
    const child = Process.siblingNode.outer(node);
    if (!isMeant(p, child, which, id, Frame.length.get(fr))) continue;
    mayTell = true;
    if (!takeNewsLocked(fr, child)) continue;
    unlock(Machine.treeLock.at(MACHINE));
    return child;
  }
  unlock(Machine.treeLock.at(MACHINE));
  return mayTell ? WAIT : -ECHILD;
}

function isMeant(p: ProcessPtr, child: ProcessPtr, which: number, id: number, options: number): boolean {
  if (which === P_PID && Process.pid.get(child) !== id) return false;
  if (which === P_PGID && Process.group.load(child) !== (id === 0 ? Process.group.load(p) : id)) return false;
  if ((options & __WALL) !== 0) return true;
  return ((options & __WCLONE) !== 0) === (Process.exitSignal.get(child) !== SIGCHLD);
}

/** @returns true if the child had something to tell of what was asked for */
function takeNewsLocked(fr: FramePtr, child: ProcessPtr): boolean {
  const options = Frame.length.get(fr);
  const keep = (options & WNOWAIT) !== 0;
  Frame.buffer.set(fr, Process.pid.get(child));
  if (Process.state.load(child) === PROCESS_ZOMBIE) {
    if ((options & WEXITED) === 0) return false;
    const status = Process.exitStatus.load(child);
    const killed = (status & 0x7f) !== 0;
    Frame.first.set(fr, killed ? CLD_KILLED : CLD_EXITED);
    Frame.second.set(fr, killed ? status & 0x7f : status >> 8);
    if (keep) return true;
    inheritUsageLocked(Process.parent.get(child), child);
    unlinkChildLocked(child);
    retireEnded(child);
    return true;
  }
  const signal = (options & WUNTRACED) === 0 ? 0 : takeStopped(child, keep);
  const goesOn = signal === 0 && (options & WCONTINUED) !== 0 && takeContinued(child, keep);
  Frame.first.set(fr, goesOn ? CLD_CONTINUED : CLD_STOPPED);
  Frame.second.set(fr, goesOn ? SIGCONT : signal);
  return goesOn || signal !== 0;
}

function wait4Attempt(t: TaskPtr, fr: FramePtr): number {
  const pid = intArgument(fr, 0);
  const which = pid === -1 ? P_ALL : pid > 0 ? P_PID : P_PGID;
  const r = lookForChild(t, fr, which, Math.abs(pid));
  if (r === WAIT && (Frame.length.get(fr) & WNOHANG) !== 0) return 0;
  if (r < 0) return r;
  const statusAt = wordArgument(fr, 1);
  const rusageAt = wordArgument(fr, 3);
  if (statusAt !== 0 && userRangeOk(t, statusAt, 4) === 0) return -EFAULT;
  if (statusAt !== 0) writeUser32(statusAt, statusWord(Frame.first.get(fr), Frame.second.get(fr)));
  return storeUsage(t, rusageAt, r as ProcessPtr) === 1 ? Frame.buffer.get(fr) : -EFAULT;
}

function statusWord(how: number, what: number): number {
  if (how === CLD_STOPPED) return (what << 8) | STOPPED_STATUS;
  if (how === CLD_CONTINUED) return CONTINUED_STATUS;
  return how === CLD_EXITED ? what << 8 : what;
}

/** @returns 1, or 0 for a bad address */
function storeUsage(t: TaskPtr, at: number, child: ProcessPtr): number {
  if (at === 0) return 1;
  if (userRangeOk(t, at, rusageLayout.size) === 0) return 0;
  writeUsageOfBoth(child, at);
  return 1;
}

function waitidAttempt(t: TaskPtr, fr: FramePtr): number {
  const r = lookForChild(t, fr, intArgument(fr, 0), intArgument(fr, 1));
  const none = r === WAIT && (Frame.length.get(fr) & WNOHANG) !== 0;
  if (r < 0 && !none) return r;
  const infoAt = wordArgument(fr, 2);
  if (!none && storeUsage(t, wordArgument(fr, 4), r as ProcessPtr) === 0) return -EFAULT;
  if (infoAt === 0) return 0;
  if (userRangeOk(t, infoAt, siginfoLayout.size) === 0) return -EFAULT;
  writeUser32(infoAt + siginfoLayout.si_signo, none ? 0 : SIGCHLD);
  writeUser32(infoAt + siginfoLayout.si_errno, 0);
  writeUser32(infoAt + siginfoLayout.si_code, none ? 0 : Frame.first.get(fr));
  writeUser32(infoAt + siginfoLayout.si_pid, none ? 0 : Frame.buffer.get(fr));
  writeUser32(infoAt + siginfoLayout.si_uid, 0);
  writeUser32(infoAt + siginfoLayout.si_status, none ? 0 : Frame.second.get(fr));
  return 0;
}

function waitEnqueue(t: TaskPtr, _fr: FramePtr): number {
  const p = Task.process.get(t) as ProcessPtr;
  return standInQueue(Process.childQueue.at(p), t, CHILD_KEY, 0) === 1 ? 0 : -ENOMEM;
}

const waitOps: SyscallOps = { ...immediateOps, enqueue: waitEnqueue, interrupted: countOrRestart };
export const wait4CallOps: SyscallOps = { ...waitOps, begin: wait4Begin, attempt: wait4Attempt };
export const waitidCallOps: SyscallOps = { ...waitOps, begin: waitidBegin, attempt: waitidAttempt };
