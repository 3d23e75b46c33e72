/**
 * Wait queues: standing in one, leaving it, waking who stands there.
 *
 * `waiterCount` first: a wake with nobody waiting is one atomic load. The count equals the length of the list and
 * changes only under the queue's lock, but it is read without it, and that is sound because of one pair:
 *
 *     sleeper:  waiterCount.add(1)            waker:  change the source (a store that others see)
 *               look at the source again              waiterCount.load()
 *
 * All four are sequentially consistent. If the waker loads 0, its load comes before the sleeper's add, so its change
 * comes before the sleeper's second look, and the sleeper finds it. If it loads more, it takes the lock and wakes.
 *
 * Waking takes (task, generation) handles off the list under the lock, a batch at a time, and wakes them after it:
 * never does one CPU hold this lock while it takes a run queue's. Between the two a task may have left, died, even
 * been born anew; the handle tells, and a wake too many is only a look too many.
 */
import { FAST_PATH } from '../../shared-mem/boot-constants.ts';
import { inList, List, listAppend, ListNode, listRemove } from '../../shared-mem/list.ts';
import { CLASS_WAITQUEUE } from '../../shared-mem/locks/classes.ts';
import { acquire, release } from '../../shared-mem/locks/lock.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { cpu } from '../../shared-mem/self.ts';
import { allocRecord, freeRecord, generationOf } from '../../shared-mem/slab.ts';
import { Cpu, WAKE_BATCH } from '../cpu/cpu.ts';
import { dropFileLater } from '../cpu/quiescence.ts';
import type { FilePtr } from '../file/file.ts';
import { interruptsOff, interruptsOn } from '../irq/interrupts.ts';
import { initClassLock, lockIrqOff, unlockIrqOn } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';
import { wakeTask } from '../task/wake.ts';
import type { WaitEntryPtr, WaitQueuePtr } from './wait-queue-struct.ts';
import { WaitEntry, WaitQueue } from './wait-queue-struct.ts';

/** For `exclusiveMax`: wake everyone, exclusive or not. */
export const WAKE_ALL = 0x7fffffff;

export function initWaitQueue(q: WaitQueuePtr, level: number): void {
  initClassLock(WaitQueue.lock.at(q), CLASS_WAITQUEUE, level);
}

/**
 * Puts a task into a queue. From here on a wake reaches it; the caller must look at the source once more.
 * @param keys EPOLL bits it waits for, 0 for all
 * @param exclusive 1: a wake meant for one ends here
 * @returns 0 when no entry is left
 */
export function standInQueue(q: WaitQueuePtr, t: TaskPtr, keys: number, exclusive: number): number {
  const own = Task.firstWait.at(t);
  const entry = WaitEntry.queue.get(own) === 0 ? own : (allocRecord(Machine.waitEntries.at(MACHINE)) as WaitEntryPtr);
  if (entry === 0) return 0;
  WaitEntry.queue.set(entry, q);
  WaitEntry.task.set(entry, t);
  WaitEntry.taskGeneration.set(entry, generationOf(t));
  WaitEntry.keys.set(entry, keys);
  WaitEntry.exclusive.set(entry, exclusive);
  WaitEntry.nextOfTask.set(entry, Task.waits.get(t));
  Task.waits.set(t, entry);
  lockIrqOff(WaitQueue.lock.at(q));
  listAppend(WaitQueue.list.at(q), WaitEntry.node.at(entry));
  WaitQueue.waiterCount.add(q, 1);
  unlockIrqOn(WaitQueue.lock.at(q));
  return 1;
}

/**
 * As `standInQueue`, in a queue that lies in the record of `f`. The caller's reference to the file passes to the stand,
 * and `leaveQueues` drops it.
 * @returns 0 when no entry is left; then the reference is still the caller's
 */
export function standHolding(q: WaitQueuePtr, t: TaskPtr, keys: number, f: FilePtr): number {
  if (standInQueue(q, t, keys, 0) === 0) return 0;
  WaitEntry.held.set(Task.waits.get(t), f);
  return 1;
}

/**
 * Takes a task out of every queue it still stands in: a wake must not be spent on one that has gone.
 * @param consumed 0 if it leaves without what it waited for: an exclusive wake it got is passed to the next
 */
export function leaveQueues(t: TaskPtr, consumed: number): void {
  for (;;) {
    const entry = Task.waits.get(t);
    if (entry === 0) return;
    const q = lockQueueOf(entry);
    Task.waits.set(t, WaitEntry.nextOfTask.get(entry));
    const unwoken = inList(WaitEntry.node.at(entry));
    if (unwoken) {
      listRemove(WaitQueue.list.at(q), WaitEntry.node.at(entry));
      WaitQueue.waiterCount.sub(q, 1);
    }
    unlockIrqOn(WaitQueue.lock.at(q));
    const passOn = !unwoken && consumed === 0 && WaitEntry.exclusive.get(entry) === 1;
    const keys = WaitEntry.keys.get(entry);
    const held = WaitEntry.held.get(entry);
    WaitEntry.held.set(entry, NULL);
    if (entry === Task.firstWait.at(t)) WaitEntry.queue.set(entry, NULL);
    else freeRecord(Machine.waitEntries.at(MACHINE), entry);
    if (passOn) wakeQueue(q, keys, 1, Task.wokenBy.get(t), Task.wokenSource.get(t));
    if (held !== 0) dropFileLater(held);
  }
}

/** A futex's stand may be moved to another queue, under the locks of both, until one of them is ours. */
function lockQueueOf(entry: WaitEntryPtr): WaitQueuePtr {
  for (;;) {
    const q = WaitEntry.queue.peek(entry);
    lockIrqOff(WaitQueue.lock.at(q));
    if (WaitEntry.queue.get(entry) === q) return q;
    unlockIrqOn(WaitQueue.lock.at(q));
  }
}

/**
 * Wakes who stands in `q` for any of `keys`.
 * @param keys EPOLL bits that changed, 0 for everyone
 * @param exclusiveMax so many exclusive waiters at most; WAKE_ALL for all
 * @param reason REASON_*, @param source the file that changed, or 0
 * @returns how many sleepers it woke
 */
export function wakeQueue(q: WaitQueuePtr, keys: number, exclusiveMax: number, reason: number, source: number): number {
  if (FAST_PATH && WaitQueue.waiterCount.load(q) === 0) return 0;
  return wakeStanding(q, keys, exclusiveMax, reason, source, keys);
}

/**
 * Wakes everybody in `q`, whatever they stand there for.
 * @param keys what changed: only noted, so that a wakeup in vain can be told from one that came too late
 */
export function wakeEverybody(q: WaitQueuePtr, reason: number, source: number, keys: number): number {
  if (FAST_PATH && WaitQueue.waiterCount.load(q) === 0) return 0;
  return wakeStanding(q, 0, WAKE_ALL, reason, source, keys);
}

function wakeStanding(
  q: WaitQueuePtr,
  keys: number,
  exclusiveMax: number,
  reason: number,
  source: number,
  noted: number,
): number {
  interruptsOff();
  let woken = 0;
  let exclusiveLeft = exclusiveMax;
  acquire(WaitQueue.lock.at(q));
  // Who comes while a batch is being woken stands behind these, and is not ours to wake.
  let budget = List.count.get(WaitQueue.list.at(q));
  for (;;) {
    let taken = 0;
    let node = List.first.get(WaitQueue.list.at(q));
    while (node !== 0 && taken < WAKE_BATCH && budget > 0 && exclusiveLeft > 0) {
      const next = ListNode.next.get(node);
      const entry = WaitEntry.node.outer(node);
      const wants = WaitEntry.keys.get(entry);
      if (keys === 0 || wants === 0 || (keys & wants) !== 0) {
        listRemove(WaitQueue.list.at(q), node);
        WaitQueue.waiterCount.sub(q, 1);
        Cpu.batch.setAt(cpu, taken * 2, WaitEntry.task.get(entry));
        Cpu.batch.setAt(cpu, taken * 2 + 1, WaitEntry.taskGeneration.get(entry));
        taken++;
        budget--;
        if (WaitEntry.exclusive.get(entry) === 1) exclusiveLeft--;
      }
      node = next;
    }
    release(WaitQueue.lock.at(q));
    for (let i = 0; i < taken; i++) {
      const t = Cpu.batch.getAt(cpu, i * 2) as TaskPtr;
      woken += wakeTask(t, Cpu.batch.getAt(cpu, i * 2 + 1), reason, source, noted);
    }
    if (node === 0 || budget === 0 || exclusiveLeft === 0) break;
    acquire(WaitQueue.lock.at(q));
  }
  interruptsOn();
  return woken;
}
