/**
 * The records of a wait queue, apart from what is done with them, because the machine's record embeds one.
 */
import { List, ListNode } from '../../shared-mem/list.ts';
import { SpinLock } from '../../shared-mem/locks/spin-lock.ts';
import type { Ptr } from '../../shared-mem/pointer.ts';
import { RecordHeader } from '../../shared-mem/slab.ts';
import { atomic, embed, plain, struct } from '../../shared-mem/struct.ts';

export type WaitQueuePtr = Ptr<'WaitQueue'>;
export type WaitEntryPtr = Ptr<'WaitEntry'>;
/** What an epoll has in a queue: an item of Linux's design, a subscription of WASIX's. */
export type EpollItemPtr = Ptr<'LinuxItem'> | Ptr<'WasixSub'>;

export const WaitQueue = struct('WaitQueue', {
  lock: embed(SpinLock),
  /** The list's length, for a waker to look at without the lock. Changes only under it. */
  waiterCount: atomic(),
  list: embed(List),
});

/** One stand of one task in one queue. */
export const WaitEntry = struct('WaitEntry', {
  header: embed(RecordHeader),
  /** In the queue's list; guarded by the queue's lock. */
  node: embed(ListNode),
  /** Changed by others only for a futex's sleeper, under the locks of both queues (syscall/futex-move.ts). */
  queue: plain<WaitQueuePtr>('owned:task'),
  task: plain<Ptr<'Task'>>('owned:task'),
  taskGeneration: plain('owned:task'),
  /** Which readiness it waits for (EPOLL bits); a wake that carries none of them passes it by. */
  keys: plain('owned:task'),
  /** An item of an epoll that stands here by a callback and stays; 0: a task, which a wake takes off. */
  item: plain<EpollItemPtr>('owned:task'),
  /** 1: one wake ends with the first such entry. */
  exclusive: plain('owned:task'),
  /** A file that must not be reused while this stand is in its queue, referenced; or 0. */
  held: plain<Ptr<'File'>>('owned:task'),
  /** The next stand of the same task, or 0. */
  nextOfTask: plain<WaitEntryPtr>('owned:task'),
});
