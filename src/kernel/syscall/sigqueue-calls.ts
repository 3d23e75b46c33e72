/**
 * rt_sigqueueinfo, rt_tgsigqueueinfo: signals that carry something. Precedence as Linux: what cannot be read (EFAULT,
 * E2BIG), who pretends to be the kernel or kill (EPERM), who is not there (ESRCH), and only then a signal that is none
 * (EINVAL) or one too many (EAGAIN).
 *
 * Only to itself may a thread say that a signal came from the kernel; "itself" is the thread's number, not its process's,
 * so rt_sigqueueinfo to one's own process is refused to all but its first thread.
 *
 * Linux: kernel/signal.c, do_rt_sigqueueinfo, do_rt_tgsigqueueinfo.
 */
import { cpu } from '../../shared-mem/self.ts';
import { EINVAL, EPERM, ESRCH } from '../abi/errno.ts';
import { SI_TKILL } from '../abi/flags-signal.ts';
import { Cpu } from '../cpu/cpu.ts';
import { Process } from '../process/process.ts';
import { SignalInfo } from '../signal/pending-struct.ts';
import { sendInfoToProcess } from '../signal/send.ts';
import { readSiginfo } from '../signal/siginfo.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';
import { processOfPid, queueForThread, signalOrNone } from './kill.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { immediateOps, intArgument, wordArgument } from './syscall-ops.ts';

/** Does the siginfo just read claim a sender that only the kernel may fill in? */
function pretends(t: TaskPtr, to: number): boolean {
  const code = SignalInfo.code.get(Cpu.sentInfo.at(cpu));
  return (code >= 0 || code === SI_TKILL) && Task.tid.get(t) !== to;
}

function rtSigqueueinfoBegin(t: TaskPtr, fr: FramePtr): number {
  const pid = intArgument(fr, 0);
  const signal = intArgument(fr, 1);
  const bad = readSiginfo(t, signal, wordArgument(fr, 2));
  if (bad !== 0) return bad;
  if (pretends(t, pid)) return -EPERM;
  const p = pid <= 0 ? 0 : processOfPid(t, pid);
  if (p === 0) return -ESRCH;
  if (!signalOrNone(signal)) return -EINVAL;
  return signal === 0 ? 0 : sendInfoToProcess(p, signal);
}

function rtTgsigqueueinfoBegin(t: TaskPtr, fr: FramePtr): number {
  const pid = intArgument(fr, 0);
  const tid = intArgument(fr, 1);
  const signal = intArgument(fr, 2);
  const bad = readSiginfo(t, signal, wordArgument(fr, 3));
  if (bad !== 0) return bad;
  if (pid <= 0 || tid <= 0) return -EINVAL;
  if (pretends(t, tid)) return -EPERM;
  const p = processOfPid(t, pid);
  return p === 0 || Process.pid.get(p) !== pid ? -ESRCH : queueForThread(p, tid, signal);
}

export const rtSigqueueinfoCallOps: SyscallOps = { ...immediateOps, begin: rtSigqueueinfoBegin };
export const rtTgsigqueueinfoCallOps: SyscallOps = { ...immediateOps, begin: rtTgsigqueueinfoBegin };
