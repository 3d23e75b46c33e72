/** getrusage: what process/usage.ts counts, of the calling thread, of its process, or of the children it waited for. */
import { EFAULT, EINVAL } from '../abi/errno.ts';
import { RUSAGE_CHILDREN, RUSAGE_SELF, RUSAGE_THREAD } from '../abi/flags-task.ts';
import { rusageLayout } from '../abi/layout.ts';
import type { ProcessPtr } from '../process/process.ts';
import { writeUsageOfChildren, writeUsageOfProcess, writeUsageOfThread } from '../process/usage.ts';
import { userRangeOk } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { immediateOps, intArgument, wordArgument } from './syscall-ops.ts';

function getrusageBegin(t: TaskPtr, fr: FramePtr): number {
  const who = intArgument(fr, 0);
  const at = wordArgument(fr, 1);
  if (who !== RUSAGE_SELF && who !== RUSAGE_CHILDREN && who !== RUSAGE_THREAD) return -EINVAL;
  if (userRangeOk(t, at, rusageLayout.size) === 0) return -EFAULT;
  const p = Task.process.get(t) as ProcessPtr;
  if (who === RUSAGE_THREAD) writeUsageOfThread(t, at);
  else if (who === RUSAGE_SELF) writeUsageOfProcess(p, at);
  else writeUsageOfChildren(p, at);
  return 0;
}

export const getrusageCallOps: SyscallOps = { ...immediateOps, begin: getrusageBegin };
