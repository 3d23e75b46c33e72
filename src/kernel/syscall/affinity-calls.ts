/**
 * sched_getaffinity, sched_setaffinity, getcpu: where a task may run, and where it does.
 *
 * Declared: a mask without the task's home CPU is EINVAL, where Linux would move the task: its generator cannot leave its
 * host thread. A mask is one 64-bit word whatever the number of CPUs, as on a Linux built for up to 64 of them.
 *
 * Linux: kernel/sched/syscalls.c.
 */
import { CpuCore } from '../../shared-mem/cpu-core.ts';
import { cpu } from '../../shared-mem/self.ts';
import { EFAULT, EINVAL, ESRCH } from '../abi/errno.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { readUser8, userRangeOk, writeUser32 } from '../process/user-memory.ts';
import { affinityWord, CPU_MASK_BYTES, setAffinity } from '../task/affinity.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { taskByTid } from '../task/tid.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { immediateOps, intArgument, wordArgument } from './syscall-ops.ts';

/** @returns the task of that number, the caller for 0; 0 for none */
function targetOf(t: TaskPtr, fr: FramePtr): TaskPtr {
  const pid = intArgument(fr, 0);
  return pid === 0 ? t : taskByTid(pid);
}

function schedGetaffinityBegin(t: TaskPtr, fr: FramePtr): number {
  const length = intArgument(fr, 1) >>> 0;
  const at = wordArgument(fr, 2);
  // Bits are counted in 32 bits, as Linux counts them.
  if ((length * 8) >>> 0 < Machine.cpus.get(MACHINE) || (length & 7) !== 0) return -EINVAL;
  const target = targetOf(t, fr);
  if (target === 0) return -ESRCH;
  if (userRangeOk(t, at, CPU_MASK_BYTES) === 0) return -EFAULT;
  writeUser32(at, affinityWord(target, 0));
  writeUser32(at + 4, affinityWord(target, 1));
  return CPU_MASK_BYTES;
}

/** Bytes beyond `length` are 0. */
function maskWord(at: number, length: number, word: number): number {
  let bits = 0;
  for (let byte = word * 4; byte < Math.min(length, word * 4 + 4); byte++) {
    bits |= readUser8(at + byte) << ((byte & 3) * 8);
  }
  return bits;
}

function schedSetaffinityBegin(t: TaskPtr, fr: FramePtr): number {
  const length = Math.min(intArgument(fr, 1) >>> 0, CPU_MASK_BYTES);
  const at = wordArgument(fr, 2);
  if (length > 0 && userRangeOk(t, at, length) === 0) return -EFAULT;
  const target = targetOf(t, fr);
  if (target === 0) return -ESRCH;
  return setAffinity(target, maskWord(at, length, 0), maskWord(at, length, 1)) === 1 ? 0 : -EINVAL;
}

function getcpuBegin(t: TaskPtr, fr: FramePtr): number {
  const cpuAt = wordArgument(fr, 0);
  const nodeAt = wordArgument(fr, 1);
  if (cpuAt !== 0 && userRangeOk(t, cpuAt, 4) === 0) return -EFAULT;
  if (cpuAt !== 0) writeUser32(cpuAt, CpuCore.index.get(cpu));
  if (nodeAt !== 0 && userRangeOk(t, nodeAt, 4) === 0) return -EFAULT;
  if (nodeAt !== 0) writeUser32(nodeAt, 0);
  return 0;
}

export const schedGetaffinityCallOps: SyscallOps = { ...immediateOps, begin: schedGetaffinityBegin };
export const schedSetaffinityCallOps: SyscallOps = { ...immediateOps, begin: schedSetaffinityBegin };
export const getcpuCallOps: SyscallOps = { ...immediateOps, begin: getcpuBegin };
