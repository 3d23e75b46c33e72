/**
 * kill, tkill, tgkill: a signal for a process, a group of processes, or one thread. Precedence as Linux: numbers that name
 * nobody by their sign (EINVAL), who is not there (ESRCH), and only then a signal that is none (EINVAL). Signal 0 only
 * looks. A process that has ended is there until somebody has waited for it, and drops what it is sent.
 *
 * A group is gone through without a lock: who joins it meanwhile may be missed, as one that is born after the call would.
 */
import { generationOf, recordAt, Slab } from '../../shared-mem/slab.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { EINVAL, ESRCH } from '../abi/errno.ts';
import { SI_TKILL, SI_USER, SIGRTMAX } from '../abi/flags-signal.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { ProcessPtr } from '../process/process.ts';
import { Process, PROCESS_ZOMBIE } from '../process/process.ts';
import { describeSent } from '../signal/pending-set.ts';
import { sendInfoToTid, sendSignalToProcess } from '../signal/send.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';
import { processOfTid, taskByTid } from '../task/tid.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { immediateOps, intArgument } from './syscall-ops.ts';

/** For `group`: every process but the caller's. */
const EVERYBODY = 0;
/** The most negative number has no positive one. */
const NO_GROUP = -0x80000000;

function callerPid(t: TaskPtr): number {
  return Process.pid.get(Task.process.get(t));
}

/** Is it a signal, or 0? */
export function signalOrNone(signal: number): boolean {
  return signal >= 0 && signal <= SIGRTMAX;
}

/** The process that has this thread; the caller's own may have lost its main thread, so it is looked at first. */
export function processOfPid(t: TaskPtr, pid: number): ProcessPtr {
  const own = Task.process.get(t) as ProcessPtr;
  if (Process.pid.get(own) === pid) return own;
  const p = processOfTid(pid) as ProcessPtr;
  if (p === 0 || hasGone(p)) return NULL;
  // A thread that has ended names nobody, except the first one, whose number is its process's.
  return Process.pid.get(p) === pid || taskByTid(pid) !== 0 ? p : NULL;
}

/** Has it ended, and nobody is to wait for it any more? Its record may be found until its grace period is over. */
function hasGone(p: ProcessPtr): boolean {
  return Process.state.load(p) === PROCESS_ZOMBIE && Process.parent.peek(p) === 0;
}

function killBegin(t: TaskPtr, fr: FramePtr): number {
  const pid = intArgument(fr, 0);
  const signal = intArgument(fr, 1);
  if (pid === -1) return killGroup(t, EVERYBODY, signal);
  if (pid === 0) return killGroup(t, Process.group.load(Task.process.get(t)), signal);
  if (pid === NO_GROUP) return -ESRCH;
  if (pid < 0) return killGroup(t, -pid, signal);
  const p = processOfPid(t, pid);
  if (p === 0) return -ESRCH;
  if (!signalOrNone(signal)) return -EINVAL;
  return signal === 0 ? 0 : sendSignalToProcess(p, signal, SI_USER, callerPid(t));
}

/** Every process of a group, or every one but the caller's. */
function killGroup(t: TaskPtr, group: number, signal: number): number {
  const slab = Machine.processes.at(MACHINE);
  let found = 0;
  for (let index = 0; index < Slab.untouched.peek(slab); index++) {
    const p = recordAt(slab, index) as ProcessPtr;
    // State 0: it is being made, and has no locks yet.
    if ((generationOf(p) & 1) === 0 || Process.state.load(p) === 0 || hasGone(p)) continue;
    const meant = group === EVERYBODY ? p !== (Task.process.get(t) as ProcessPtr) : Process.group.load(p) === group;
    if (!meant) continue;
    if (!signalOrNone(signal)) return -EINVAL;
    if (signal !== 0) sendSignalToProcess(p, signal, SI_USER, callerPid(t));
    found++;
  }
  return found === 0 ? -ESRCH : 0;
}

/** With what this CPU's `sentInfo` says. @returns 0, -ESRCH, -EINVAL or -EAGAIN */
export function queueForThread(p: ProcessPtr, tid: number, signal: number): number {
  const there = sendInfoToTid(p, tid, 0);
  if (there !== 0) return there;
  if (!signalOrNone(signal)) return -EINVAL;
  return signal === 0 ? 0 : sendInfoToTid(p, tid, signal);
}

function signalThread(t: TaskPtr, p: ProcessPtr, tid: number, signal: number): number {
  if (p === 0) return -ESRCH;
  describeSent(SI_TKILL, callerPid(t), 0, 0, 0);
  return queueForThread(p, tid, signal);
}

function tgkillBegin(t: TaskPtr, fr: FramePtr): number {
  const pid = intArgument(fr, 0);
  const tid = intArgument(fr, 1);
  if (pid <= 0 || tid <= 0) return -EINVAL;
  const p = processOfPid(t, pid);
  if (p !== 0 && Process.pid.get(p) !== pid) return -ESRCH;
  return signalThread(t, p, tid, intArgument(fr, 2));
}

function tkillBegin(t: TaskPtr, fr: FramePtr): number {
  const tid = intArgument(fr, 0);
  return tid <= 0 ? -EINVAL : signalThread(t, processOfPid(t, tid), tid, intArgument(fr, 1));
}

export const killCallOps: SyscallOps = { ...immediateOps, begin: killBegin };
export const tgkillCallOps: SyscallOps = { ...immediateOps, begin: tgkillBegin };
export const tkillCallOps: SyscallOps = { ...immediateOps, begin: tkillBegin };
