/**
 * A call that finds no record left, while some that were given back wait for their grace period, is not refused yet: its
 * task lets the others run, and begins the call again. So at the very limit a descriptor that is closed can be opened
 * again, as on Linux, though the record cannot be used before every CPU has passed a boundary between traps.
 *
 * For trap.ts. A call that is refused has changed nothing, so beginning it again is as if it had been made later.
 * Bounded, for a guest that does not trap holds up every grace period.
 */
import { CpuCore } from '../../shared-mem/cpu-core.ts';
import { cpu } from '../../shared-mem/self.ts';
import { EAGAIN, ENFILE, ENOBUFS, ENOMEM } from '../abi/errno.ts';
import { SYS } from '../abi/syscalls.ts';
import { hurryGracePeriod, someRecordsWait } from '../cpu/quiescence.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { ATTENTION_KILLED, Frame, Task } from '../task/task.ts';
import { clockNow } from '../time/clock.ts';

const PATIENCE_NS = 1e9;

/** @param r what the call is about to answer, after it found a slab empty @returns true if it shall begin again instead */
export function mayBeginAgain(t: TaskPtr, fr: FramePtr, r: number): boolean {
  CpuCore.slabWasEmpty.set(cpu, 0);
  // What has moved bytes already would move them twice.
  if (!tellsOfShortage(fr, r) || Frame.moved.get(fr) !== 0 || (Task.attention.peek(t) & ATTENTION_KILLED) !== 0)
    return false;
  const nowNs = clockNow();
  const sinceNs = Frame.shortSinceNs.get(fr);
  // Once in any case: what waited may have become free since the call looked, and then nothing waits any more.
  if (sinceNs === 0) Frame.shortSinceNs.set(fr, nowNs);
  else if (nowNs - sinceNs >= PATIENCE_NS || !someRecordsWait()) return false;
  hurryGracePeriod();
  return true;
}

/** Whoever makes a task or a process is told EAGAIN, which says something else elsewhere. */
function tellsOfShortage(fr: FramePtr, r: number): boolean {
  if (r === -ENFILE || r === -ENOMEM || r === -ENOBUFS) return true;
  const call = Frame.call.get(fr);
  return r === -EAGAIN && (call === SYS.clone || call === SYS.clone3);
}
