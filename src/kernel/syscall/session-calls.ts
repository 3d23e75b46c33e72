/**
 * getpgid, setpgid, getpgrp, setsid, getsid: groups of processes, and sessions of groups. prctl: PR_SET_CHILD_SUBREAPER,
 * PR_GET_CHILD_SUBREAPER; its other options are EINVAL.
 *
 * A group is the number of its first process, a session that of its leader; both stand in every member's record and are
 * changed under the lock of the tree. There are no terminals, so that is all there is to them.
 *
 * Linux: kernel/sys.c.
 */
import type { Address } from '../../shared-mem/pointer.ts';
import { generationOf, recordAt, Slab } from '../../shared-mem/slab.ts';
import { EFAULT, EINVAL, EPERM, ESRCH } from '../abi/errno.ts';
import { PR_GET_CHILD_SUBREAPER, PR_SET_CHILD_SUBREAPER } from '../abi/flags-task.ts';
import { lock, unlock } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { ProcessPtr } from '../process/process.ts';
import { Process, PROCESS_ZOMBIE } from '../process/process.ts';
import { userRangeOk, writeUser32 } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';
import { processOfTid } from '../task/tid.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { immediateOps, intArgument, wordArgument } from './syscall-ops.ts';

/** @returns the process of that number, the caller's for 0; 0 for none */
function processOf(t: TaskPtr, pid: number): ProcessPtr {
  const own = Task.process.get(t) as ProcessPtr;
  if (pid === 0 || pid === Process.pid.get(own)) return own;
  const p = processOfTid(pid);
  return p !== 0 && Process.pid.get(p) === pid ? p : (0 as ProcessPtr);
}

function getpgidBegin(t: TaskPtr, fr: FramePtr): number {
  const p = processOf(t, intArgument(fr, 0));
  return p === 0 ? -ESRCH : Process.group.load(p);
}
function getpgrpBegin(t: TaskPtr, _fr: FramePtr): number {
  return Process.group.load(Task.process.get(t));
}
function getsidBegin(t: TaskPtr, fr: FramePtr): number {
  const p = processOf(t, intArgument(fr, 0));
  return p === 0 ? -ESRCH : Process.session.load(p);
}

function setpgidBegin(t: TaskPtr, fr: FramePtr): number {
  const own = Task.process.get(t) as ProcessPtr;
  const pid = intArgument(fr, 0);
  const group = intArgument(fr, 1);
  if (group < 0) return -EINVAL;
  const p = processOf(t, pid);
  if (p === 0) return -ESRCH;
  lock(Machine.treeLock.at(MACHINE));
  const r = setGroupLocked(own, p, group === 0 ? Process.pid.get(p) : group);
  unlock(Machine.treeLock.at(MACHINE));
  return r;
}

/** Its own group, or a child's that has not begun another program. @returns 0 or -errno */
function setGroupLocked(own: ProcessPtr, p: ProcessPtr, group: number): number {
  if (p !== own && Process.parent.get(p) !== own) return -ESRCH;
  const session = Process.session.load(own);
  if (Process.session.load(p) !== session || session === Process.pid.get(p)) return -EPERM;
  if (group !== Process.pid.get(p) && !groupLives(group, session)) return -EPERM;
  Process.group.store(p, group);
  return 0;
}

/** Is there a process of that group in that session? */
function groupLives(group: number, session: number): boolean {
  const slab = Machine.processes.at(MACHINE);
  for (let index = 0; index < Slab.untouched.peek(slab); index++) {
    const p = recordAt(slab, index) as Address as ProcessPtr;
    if ((generationOf(p) & 1) === 0 || Process.state.load(p) === PROCESS_ZOMBIE) continue;
    if (Process.group.load(p) === group && Process.session.load(p) === session) return true;
  }
  return false;
}

function setsidBegin(t: TaskPtr, _fr: FramePtr): number {
  const p = Task.process.get(t) as ProcessPtr;
  const pid = Process.pid.get(p);
  lock(Machine.treeLock.at(MACHINE));
  const leads = Process.group.load(p) === pid;
  if (!leads) {
    Process.group.store(p, pid);
    Process.session.store(p, pid);
  }
  unlock(Machine.treeLock.at(MACHINE));
  return leads ? -EPERM : pid;
}

function prctlBegin(t: TaskPtr, fr: FramePtr): number {
  const p = Task.process.get(t) as ProcessPtr;
  const value = wordArgument(fr, 1);
  switch (intArgument(fr, 0)) {
    case PR_SET_CHILD_SUBREAPER:
      Process.subreaper.store(p, value === 0 ? 0 : 1);
      return 0;
    case PR_GET_CHILD_SUBREAPER:
      if (userRangeOk(t, value, 4) === 0) return -EFAULT;
      writeUser32(value, Process.subreaper.load(p));
      return 0;
    default:
      return -EINVAL;
  }
}

export const getpgidCallOps: SyscallOps = { ...immediateOps, begin: getpgidBegin };
export const getpgrpCallOps: SyscallOps = { ...immediateOps, begin: getpgrpBegin };
export const getsidCallOps: SyscallOps = { ...immediateOps, begin: getsidBegin };
export const setpgidCallOps: SyscallOps = { ...immediateOps, begin: setpgidBegin };
export const setsidCallOps: SyscallOps = { ...immediateOps, begin: setsidBegin };
export const prctlCallOps: SyscallOps = { ...immediateOps, begin: prctlBegin };
