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
import { changeUntold, processGoneUntold, signalUntold, tickUntold } from '../source-parts.ts';

function veridianQueueFor(_f: FilePtr): WaitQueuePtr {
  return 0 as WaitQueuePtr;
}

export const veridianSource: SourceOps = {
  changed: changeUntold,
  changedForOne: changeUntold,
  moved: changeUntold,
  refused: changeUntold,
  queueFor: veridianQueueFor,
  signalPending: signalUntold,
  processGone: processGoneUntold,
  tick: tickUntold,
  timersPush: 0,
};
