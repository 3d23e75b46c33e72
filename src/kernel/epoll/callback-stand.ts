/**
 * How an item of an epoll stands in the queue of the file that it watches, in designs whose sources call back (Linux's,
 * WASIX's). It is put there once, under the instance's mutex, and stays through any number of wakes; what a change of the
 * file does to it is told by the queue's walk (wait/wait-queue.ts).
 *
 * Linux: fs/eventpoll.c, ep_ptable_queue_proc, ep_remove_wait_queue.
 */
import { List, listAppend, ListNode, listPrepend, listRemove } from '../../shared-mem/list.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { lockIrqOff, unlockIrqOn } from '../irq/locking.ts';
import type { EpollItemPtr, WaitEntryPtr, WaitQueuePtr } from '../wait/wait-queue-struct.ts';
import { WaitEntry, WaitQueue } from '../wait/wait-queue-struct.ts';

/**
 * An item stands in `q` until `leaveCallback`. As on Linux the latest comes first, and exclusive ones last, in the order
 * of their coming (E19, F11).
 */
export function standCallback(q: WaitQueuePtr, entry: WaitEntryPtr, item: number, exclusive: number): void {
  WaitEntry.queue.set(entry, q);
  WaitEntry.item.set(entry, item as EpollItemPtr);
  WaitEntry.exclusive.set(entry, exclusive);
  lockIrqOff(WaitQueue.lock.at(q));
  if (exclusive === 1) listAppend(WaitQueue.list.at(q), WaitEntry.node.at(entry));
  else listPrepend(WaitQueue.list.at(q), WaitEntry.node.at(entry));
  WaitQueue.waiterCount.add(q, 1);
  unlockIrqOn(WaitQueue.lock.at(q));
}

/**
 * From here on no change of the file reaches the item; one that is under way has reached it. The queue may be that of a
 * process which ends meanwhile: its record stays readable until this trap is over, and its lock tells who was first.
 */
export function leaveCallback(entry: WaitEntryPtr): void {
  const q = WaitEntry.queue.peek(entry);
  if (q === 0) return;
  lockIrqOff(WaitQueue.lock.at(q));
  if (WaitEntry.queue.get(entry) === q) leaveLocked(q, entry);
  unlockIrqOn(WaitQueue.lock.at(q));
}

function leaveLocked(q: WaitQueuePtr, entry: WaitEntryPtr): void {
  listRemove(WaitQueue.list.at(q), WaitEntry.node.at(entry));
  WaitQueue.waiterCount.sub(q, 1);
  WaitEntry.queue.set(entry, NULL);
}

/** The owner of a queue goes: items that stand there stand nowhere from here on. */
export function detachCallbacks(q: WaitQueuePtr): void {
  lockIrqOff(WaitQueue.lock.at(q));
  let node = List.first.get(WaitQueue.list.at(q));
  while (node !== 0) {
    const next = ListNode.next.get(node);
    const entry = WaitEntry.node.outer(node);
    if (WaitEntry.item.get(entry) !== 0) leaveLocked(q, entry);
    node = next;
  }
  unlockIrqOn(WaitQueue.lock.at(q));
}
