/**
 * Wait queues: standing in one, leaving it, waking who stands there: tasks, and items of epolls by a callback.
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
 * Waking takes (task, generation) handles off the list under the lock, a batch at a time, and wakes them after it, so that
 * run queues are not waited for under this lock. Between the two a task may have left, died, even been born anew; the
 * handle tells, and a wake too many is only a look too many.
 *
 * An item of an epoll (epoll/callback-stand.ts) stays in the queue. It is told under the queue's lock, and so are those
 * who stand above it, whose queues are locked inside of this one. Only there may a batch overflow: what is too many for
 * it is woken under the locks.
 */
import { FAST_PATH } from '../../shared-mem/boot-constants.ts';
import {
  inList,
  List,
  listAppend,
  listInsertBefore,
  ListNode,
  listPrepend,
  listRemove,
} from '../../shared-mem/list.ts';
import { CLASS_WAITQUEUE } from '../../shared-mem/locks/classes.ts';
import { acquire, release } from '../../shared-mem/locks/lock.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { cpu } from '../../shared-mem/self.ts';
import { allocRecord, freeRecord, generationOf } from '../../shared-mem/slab.ts';
import { EPOLLIN } from '../abi/flags-event.ts';
import { BATCH_WORDS, Cpu, WAKE_BATCH } from '../cpu/cpu.ts';
import { dropFileLater } from '../cpu/quiescence.ts';
import { CALLBACK_CONSUMES, CALLBACK_PASSED, linuxCallback } from '../epoll/linux/ready.ts';
import type { LinuxItemPtr } from '../epoll/linux/records.ts';
import { LinuxEpoll, LinuxItem } from '../epoll/linux/records.ts';
import { DESIGN_WASIX } from '../epoll/source-ops.ts';
import { sourceTells } from '../epoll/wasix/push.ts';
import type { WasixSubPtr } from '../epoll/wasix/records.ts';
import { WasixEpoll, WasixSub } from '../epoll/wasix/records.ts';
import type { FilePtr } from '../file/file.ts';
import { File } from '../file/file.ts';
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
export const SHARED = 0;
export const EXCLUSIVE = 1;
export const SHARED_FIRST = 2;
export const EXCLUSIVE_FIRST = 3;

export function initWaitQueue(q: WaitQueuePtr): void {
  initClassLock(WaitQueue.lock.at(q), CLASS_WAITQUEUE, 0);
}

/**
 * Puts a task into a queue. From here on a wake reaches it; the caller must look at the source once more.
 * @param keys EPOLL bits it waits for, 0 for all
 * @param exclusive SHARED or EXCLUSIVE (a wake meant for one ends here), behind all others; or the same, before them
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
  WaitEntry.exclusive.set(entry, exclusive & 1);
  WaitEntry.nextOfTask.set(entry, Task.waits.get(t));
  Task.waits.set(t, entry);
  lockIrqOff(WaitQueue.lock.at(q));
  if (exclusive >= SHARED_FIRST) listPrepend(WaitQueue.list.at(q), WaitEntry.node.at(entry));
  else listAppend(WaitQueue.list.at(q), WaitEntry.node.at(entry));
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
  if (standInQueue(q, t, keys, q === File.queue.at(f) ? SHARED_FIRST : SHARED) === 0) return 0;
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
 * Wakes who stands in `q` for any of `keys`. Items of epolls are told under the queue's lock and stay; so is whoever stands
 * above them, depth first, for the order in which instances hear of a change is the order of their events (C7).
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

/** Wakes one who stands exclusively, whatever for, and all who do not. @param keys only noted, as above */
export function wakeOne(q: WaitQueuePtr, reason: number, source: number, keys: number): number {
  if (FAST_PATH && WaitQueue.waiterCount.load(q) === 0) return 0;
  return wakeStanding(q, 0, 1, reason, source, keys);
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
  Cpu.batched.set(cpu, 0);
  acquire(WaitQueue.lock.at(q));
  // Who comes while a batch is being woken is not ours to wake.
  let budget = List.count.get(WaitQueue.list.at(q));
  let node = List.first.get(WaitQueue.list.at(q));
  for (;;) {
    while (node !== 0 && Cpu.batched.get(cpu) < WAKE_BATCH && budget > 0 && exclusiveLeft > 0) {
      const next = ListNode.next.get(node);
      exclusiveLeft -= tellEntryLocked(q, WaitEntry.node.outer(node), keys, reason, source, noted);
      budget--;
      node = next;
    }
    const more = node !== 0 && budget > 0 && exclusiveLeft > 0;
    const bookmark = WaitEntry.node.at(Cpu.bookmark.at(cpu));
    if (more) listInsertBefore(WaitQueue.list.at(q), node, bookmark);
    release(WaitQueue.lock.at(q));
    woken += wakeBatch(reason);
    if (!more) break;
    acquire(WaitQueue.lock.at(q));
    node = ListNode.next.get(bookmark);
    listRemove(WaitQueue.list.at(q), bookmark);
  }
  interruptsOn();
  return woken;
}

/** One who stands in a queue: an item is told, a task taken off. @returns 1 if that used up an exclusive wake */
function tellEntryLocked(
  q: WaitQueuePtr,
  entry: WaitEntryPtr,
  keys: number,
  reason: number,
  source: number,
  noted: number,
): number {
  const item = WaitEntry.item.get(entry);
  if (item !== 0) {
    if (Machine.design.get(MACHINE) === DESIGN_WASIX) return tellSubscription(item as WasixSubPtr, keys, reason);
    return tellItem(item as LinuxItemPtr, keys, reason);
  }
  const wants = WaitEntry.keys.get(entry);
  if (keys !== 0 && wants !== 0 && (keys & wants) === 0) return 0;
  const t = WaitEntry.task.get(entry) as TaskPtr;
  // Another wake's bookmark.
  if (t === 0) return 0;
  listRemove(WaitQueue.list.at(q), WaitEntry.node.at(entry));
  WaitQueue.waiterCount.sub(q, 1);
  putInBatch(t, WaitEntry.taskGeneration.get(entry), source, noted, reason);
  return WaitEntry.exclusive.get(entry);
}

/** An instance hears that one of its files changed, and so does whoever waits there, and whoever watches it. */
function tellItem(i: LinuxItemPtr, keys: number, reason: number): number {
  const told = linuxCallback(i, keys);
  if (told === CALLBACK_PASSED) return 0;
  const e = LinuxItem.epoll.get(i);
  const f = LinuxEpoll.file.get(e);
  tellOne(LinuxEpoll.waiters.at(e), 0, reason, LinuxItem.file.get(i), keys);
  tellOne(File.queue.at(f), EPOLLIN, reason, f, EPOLLIN);
  return told === CALLBACK_CONSUMES ? 1 : 0;
}

/** A handler of WASIX's: if that lists its subscription, one of those who wait there is woken. It uses up no wake. */
function tellSubscription(s: WasixSubPtr, keys: number, reason: number): number {
  if (sourceTells(s, keys) === 0) return 0;
  const e = WasixSub.epoll.get(s);
  const f = WasixEpoll.file.get(e);
  tellOne(WasixEpoll.waiters.at(e), 0, reason, WasixSub.file.peek(s), keys);
  tellOne(File.queue.at(f), EPOLLIN, reason, f, EPOLLIN);
  return 0;
}

/** A queue above another, whose lock is held: instances watch each other in no circle. One exclusive waiter at most. */
function tellOne(q: WaitQueuePtr, keys: number, reason: number, source: number, noted: number): void {
  if (WaitQueue.waiterCount.load(q) === 0) return;
  acquire(WaitQueue.lock.at(q));
  let left = 1;
  let node = List.first.get(WaitQueue.list.at(q));
  while (node !== 0 && left > 0) {
    const next = ListNode.next.get(node);
    left -= tellEntryLocked(q, WaitEntry.node.outer(node), keys, reason, source, noted);
    node = next;
  }
  release(WaitQueue.lock.at(q));
}

/** A task to be woken once no queue's lock is held; with a full batch at once, which holds the locks a little longer. */
function putInBatch(t: TaskPtr, generation: number, source: number, noted: number, reason: number): void {
  const place = Cpu.batched.get(cpu);
  if (place >= WAKE_BATCH) {
    wakeTask(t, generation, reason, source, noted);
    return;
  }
  Cpu.batch.setAt(cpu, place * BATCH_WORDS, t);
  Cpu.batch.setAt(cpu, place * BATCH_WORDS + 1, generation);
  Cpu.batch.setAt(cpu, place * BATCH_WORDS + 2, source);
  Cpu.batch.setAt(cpu, place * BATCH_WORDS + 3, noted);
  Cpu.batched.set(cpu, place + 1);
}

function wakeBatch(reason: number): number {
  const count = Cpu.batched.get(cpu);
  let woken = 0;
  for (let at = 0; at < count * BATCH_WORDS; at += BATCH_WORDS) {
    const t = Cpu.batch.getAt(cpu, at) as TaskPtr;
    const source = Cpu.batch.getAt(cpu, at + 2);
    woken += wakeTask(t, Cpu.batch.getAt(cpu, at + 1), reason, source, Cpu.batch.getAt(cpu, at + 3));
  }
  Cpu.batched.set(cpu, 0);
  return woken;
}
