/**
 * What sleepers and wakers of futexes share: keys, buckets, and choosing whom to wake.
 *
 * A key is a user address, which is the same number in every process that shares the memory and in no other. Its lowest
 * bit tells who asked with FUTEX_PRIVATE_FLAG from who did not: as on Linux the two do not meet. A sleeper stands in the
 * wait queue that its key chooses; key, bitset and the mark of being chosen stand in its frame, where whoever holds the
 * queue's lock may read and write them, for the call that owns the frame can end only after it has left the queue.
 *
 *     waiter: stand in the queue (waiterCount.add)      waker: the guest changes the word
 *             look at the word again                           waiterCount.add(0)
 *
 * That is the pair of wait/wait-queue.ts, with the user's word as the source. The guest may have stored it plainly, so
 * the waker looks at the count with an exchange (add 0), which no earlier store can pass.
 *
 * A wake chooses under the queue's lock, and says so in the chosen one's frame. Whatever wakes the sleeper first, a
 * timeout or a signal included, it leaves the queue before it answers, and then the mark is final: a wake that was
 * counted is never lost on somebody who reports ETIMEDOUT. That it takes the lock on its way out has a second use: a
 * chosen one cannot go on before whoever chose it has let go of the bucket, that is, before all of a requeue is done.
 *
 * Linux: kernel/futex/core.c, waitwake.c.
 */
import { Atomic } from '../../shared-mem/atomic.ts';
import { List, ListNode, listRemove } from '../../shared-mem/list.ts';
import { acquire, release } from '../../shared-mem/locks/lock.ts';
import type { Address } from '../../shared-mem/pointer.ts';
import { cpu } from '../../shared-mem/self.ts';
import { EFAULT, EINVAL } from '../abi/errno.ts';
import { FUTEX_PRIVATE_FLAG } from '../abi/flags-task.ts';
import { BATCH_WORDS, Cpu, WAKE_BATCH } from '../cpu/cpu.ts';
import { interruptsOff, interruptsOn } from '../irq/interrupts.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { inUserRange, userRangeOk } from '../process/user-memory.ts';
import type { TaskPtr } from '../task/task.ts';
import { Frame, REASON_FUTEX, Task } from '../task/task.ts';
import { wakeTask } from '../task/wake.ts';
import type { WaitEntryPtr, WaitQueuePtr } from '../wait/wait-queue-struct.ts';
import { WaitEntry, WaitQueue } from '../wait/wait-queue-struct.ts';
import { FUTEX_BUCKET_BITS } from './futex-buckets.ts';

export const BITSET_ALL = -1;

/** User words, addressed by their index. */
export const USER = { word: new Atomic<Address>(0) };

/** The key of private addresses that lead nowhere: who is moved there is found by nobody. */
const NOWHERE = 2;
const SHARED = 1;

/**
 * What is wrong with an address: one that need not be looked at may be any address of a user, if it is private.
 * @returns 0 or -errno
 */
export function checkFutexAddress(t: TaskPtr, op: number, address: number): number {
  if ((address & 3) !== 0) return -EINVAL;
  const ok = (op & FUTEX_PRIVATE_FLAG) !== 0 ? inUserRange(address, 4) : userRangeOk(t, address, 4);
  return ok === 1 ? 0 : -EFAULT;
}

/** The key of an address that was checked. */
export function futexKey(t: TaskPtr, op: number, address: number): number {
  if (userRangeOk(t, address, 4) === 0) return NOWHERE;
  return (op & FUTEX_PRIVATE_FLAG) !== 0 ? address : address | SHARED;
}

export function bucketOf(key: number): WaitQueuePtr {
  const bucket = Math.imul(key >>> 2, 0x9e3779b1) >>> (32 - FUTEX_BUCKET_BITS);
  return (Machine.futexQueues.get(MACHINE) + bucket * WaitQueue.size) as WaitQueuePtr;
}

/** Both buckets, which may be one, in the order of their levels. Interrupts are off. */
export function lockBuckets(a: WaitQueuePtr, b: WaitQueuePtr): void {
  acquire(WaitQueue.lock.at(a < b ? a : b));
  if (a !== b) acquire(WaitQueue.lock.at(a < b ? b : a));
}
export function unlockBuckets(a: WaitQueuePtr, b: WaitQueuePtr): void {
  if (a !== b) release(WaitQueue.lock.at(b));
  release(WaitQueue.lock.at(a));
}

export function standsForLocked(entry: WaitEntryPtr, key: number): boolean {
  return Frame.buffer.get(Task.frame.get(WaitEntry.task.get(entry))) === key;
}

/** Takes a sleeper off its bucket, to be woken as number `taken` of this CPU's batch. */
export function chooseLocked(q: WaitQueuePtr, entry: WaitEntryPtr, taken: number): void {
  const t = WaitEntry.task.get(entry);
  listRemove(WaitQueue.list.at(q), WaitEntry.node.at(entry));
  WaitQueue.waiterCount.sub(q, 1);
  Frame.second.set(Task.frame.get(t), 1);
  Cpu.batch.setAt(cpu, taken * BATCH_WORDS, t);
  Cpu.batch.setAt(cpu, taken * BATCH_WORDS + 1, WaitEntry.taskGeneration.get(entry));
}

/**
 * Chooses up to `most` who stand for the key with a bit of the bitset.
 * @param begin so many of this CPU's batch are taken already
 * @returns how many of the batch are taken now; it has room for WAKE_BATCH
 */
export function chooseMatchingLocked(
  q: WaitQueuePtr,
  key: number,
  bitset: number,
  most: number,
  begin: number,
): number {
  const end = Math.min(begin + most, WAKE_BATCH);
  let taken = begin;
  let node = List.first.get(WaitQueue.list.at(q));
  while (node !== 0 && taken < end) {
    const next = ListNode.next.get(node);
    const entry = WaitEntry.node.outer(node);
    const fr = Task.frame.get(WaitEntry.task.get(entry));
    if (Frame.buffer.get(fr) === key && (Frame.first.get(fr) & bitset) !== 0) {
      chooseLocked(q, entry, taken);
      taken++;
    }
    node = next;
  }
  return taken;
}

/** Wakes the chosen ones. No bucket is locked: never does one CPU hold its lock while it takes a run queue's. */
export function wakeChosen(taken: number): void {
  for (let at = 0; at < taken * BATCH_WORDS; at += BATCH_WORDS) {
    wakeTask(Cpu.batch.getAt(cpu, at) as TaskPtr, Cpu.batch.getAt(cpu, at + 1), REASON_FUTEX, 0, 0);
  }
}

/** Wakes up to `count` who wait for a key with a bit of the bitset, first come first. @returns how many */
export function futexWakeBits(key: number, count: number, bitset: number): number {
  const q = bucketOf(key);
  if (WaitQueue.waiterCount.add(q, 0) === 0) return 0;
  interruptsOff();
  acquire(WaitQueue.lock.at(q));
  // Who comes while a batch is being woken stands behind these, and is not ours to wake for ever.
  const most = Math.min(count, List.count.get(WaitQueue.list.at(q)));
  let woken = 0;
  for (;;) {
    const taken = chooseMatchingLocked(q, key, bitset, most - woken, 0);
    release(WaitQueue.lock.at(q));
    wakeChosen(taken);
    woken += taken;
    if (taken < WAKE_BATCH || woken === most) break;
    acquire(WaitQueue.lock.at(q));
  }
  interruptsOn();
  return woken;
}

/** Wakes up to `count` who wait, not privately, at an address of the process: what the end of a thread does. */
export function futexWake(address: number, count: number): number {
  return futexWakeBits(address | SHARED, count, BITSET_ALL);
}
