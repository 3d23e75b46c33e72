/**
 * VeridianOS, lower half: nobody stands anywhere, and no change wakes anybody. Who waits for a file stays runnable, lets
 * the others run, and looks again; a CPU whose tasks do nothing else rests in between (cpu-worker/trap-loop.ts). So a
 * change costs its source nothing, and is noticed a round later, or a rest.
 *
 * Waits that are not for files (futexes, children, time) sleep as everywhere; only those for files are the design's.
 *
 * Source: doublegate/VeridianOS v0.25.2: the loops around yield_cpu of kernel/src/net/epoll.rs, fs/eventfd.rs,
 * syscall/filesystem.rs (sys_poll).
 */
import type { FilePtr } from '../../file/file.ts';
import type { WaitQueuePtr } from '../../wait/wait-queue-struct.ts';
import type { SourceOps } from '../source-ops.ts';

function veridianChanged(_f: FilePtr, _keys: number): number {
  return 0;
}

function veridianQueueFor(_f: FilePtr): WaitQueuePtr {
  return 0 as WaitQueuePtr;
}

function veridianSignalPending(_process: number, _task: number): number {
  return 0;
}

function veridianProcessGone(_process: number): number {
  return 0;
}

function veridianTick(): number {
  return 0;
}

export const veridianSource: SourceOps = {
  changed: veridianChanged,
  changedForOne: veridianChanged,
  moved: veridianChanged,
  refused: veridianChanged,
  queueFor: veridianQueueFor,
  signalPending: veridianSignalPending,
  processGone: veridianProcessGone,
  tick: veridianTick,
  timersPush: 0,
};
