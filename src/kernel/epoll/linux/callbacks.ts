/**
 * How an instance wakes those who stand at it when ADD, MOD or a harvest finds something ready. What a change of a file
 * does is told by the walk of its queue (wait/wait-queue.ts, linuxCallback).
 *
 * Linux: fs/eventpoll.c, ep_insert, ep_modify, ep_done_scan.
 */
import { EPOLLIN } from '../../abi/flags-event.ts';
import type { FilePtr } from '../../file/file.ts';
import { File } from '../../file/file.ts';
import { REASON_SOURCE } from '../../task/task.ts';
import { wakeOne, wakeQueue } from '../../wait/wait-queue.ts';
import type { LinuxEpollPtr } from './records.ts';
import { LinuxEpoll } from './records.ts';

/** Something is ready in an instance: one of those who wait there is woken, and whoever watches the instance is told. */
export function wakeInstance(e: LinuxEpollPtr, source: FilePtr, keys: number): number {
  const f = LinuxEpoll.file.get(e);
  return wakeWaiters(e, source, keys) + wakeQueue(File.queue.at(f), EPOLLIN, 1, REASON_SOURCE, f);
}
/** One of those who wait there alone. @param source the cause, of which `keys` are ready: noted only */
export function wakeWaiters(e: LinuxEpollPtr, source: FilePtr, keys: number): number {
  return wakeOne(LinuxEpoll.waiters.at(e), REASON_SOURCE, source, keys);
}
