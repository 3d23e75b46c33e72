/**
 * kill, tkill, tgkill: a signal for a process or for one thread. Precedence as Linux: numbers that name nobody by their
 * sign (EINVAL), who is not there (ESRCH), and only then a signal that is none (EINVAL). Signal 0 only looks.
 *
 * There are no process groups: each process is the only one of its own, so 0 is the caller and -n is n.
 */
import type { Address } from '../../shared-mem/pointer.ts';
import { generationOf, recordAt, Slab } from '../../shared-mem/slab.ts';
import { EINVAL, ESRCH } from '../abi/errno.ts';
import { SI_TKILL, SI_USER, SIGRTMAX } from '../abi/flags-signal.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { ProcessPtr } from '../process/process.ts';
import { Process, PROCESS_LIVE } from '../process/process.ts';
import { sendSignalToProcess, sendSignalToTid } from '../signal/send.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';
import { processOfTid } from '../task/tid.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { immediateOps, intArgument } from './syscall-ops.ts';

function pidOf(t: TaskPtr): number {
  return Process.pid.get(Task.process.get(t));
}

/** Is it a signal, or 0? */
function signalOrNone(signal: number): boolean {
  return signal >= 0 && signal <= SIGRTMAX;
}

/** The process that has this thread; the caller's own may have lost its main thread, so it is looked at first. */
function processOfPid(t: TaskPtr, pid: number): ProcessPtr {
  const own = Task.process.get(t) as ProcessPtr;
  return Process.pid.get(own) === pid ? own : processOfTid(pid);
}

function killBegin(t: TaskPtr, fr: FramePtr): number {
  const pid = intArgument(fr, 0);
  const signal = intArgument(fr, 1);
  if (pid === -1) return killOthers(t, signal);
  const p = processOfPid(t, pid === 0 ? pidOf(t) : Math.abs(pid));
  if (p === 0) return -ESRCH;
  // A thread's number names its process only if it is the process's own, except that kill takes it for positive pids.
  if (pid < 0 && Process.pid.get(p) !== -pid) return -ESRCH;
  if (!signalOrNone(signal)) return -EINVAL;
  return signal === 0 ? 0 : sendSignalToProcess(p, signal, SI_USER, pidOf(t));
}

/** kill(-1): every process but the caller's. */
function killOthers(t: TaskPtr, signal: number): number {
  const slab = Machine.processes.at(MACHINE);
  const own = Task.process.get(t) as Address;
  let found = 0;
  for (let index = 0; index < Slab.untouched.peek(slab); index++) {
    const p = recordAt(slab, index) as ProcessPtr;
    if (p === own || (generationOf(p) & 1) === 0 || Process.state.load(p) !== PROCESS_LIVE) continue;
    if (!signalOrNone(signal)) return -EINVAL;
    if (signal !== 0) sendSignalToProcess(p, signal, SI_USER, pidOf(t));
    found++;
  }
  return found === 0 ? -ESRCH : 0;
}

function signalThread(t: TaskPtr, p: ProcessPtr, tid: number, signal: number): number {
  if (p === 0) return -ESRCH;
  const there = sendSignalToTid(p, tid, 0, SI_TKILL, 0);
  if (there !== 0) return there;
  if (!signalOrNone(signal)) return -EINVAL;
  return signal === 0 ? 0 : sendSignalToTid(p, tid, signal, SI_TKILL, pidOf(t));
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
  return tid <= 0 ? -EINVAL : signalThread(t, processOfTid(tid), tid, intArgument(fr, 1));
}

export const killCallOps: SyscallOps = { ...immediateOps, begin: killBegin };
export const tgkillCallOps: SyscallOps = { ...immediateOps, begin: tgkillBegin };
export const tkillCallOps: SyscallOps = { ...immediateOps, begin: tkillBegin };
