/**
 * Linux's design, upper half: an instance watches files by a callback in each one's queue, keeps those that called in a
 * ready list, and looks at these alone when somebody waits. A wait costs what is ready, not what is watched.
 *
 * It declares no divergence: where its answer is not that of a real kernel, it is wrong. The order of checks is that of
 * fs/eventpoll.c, do_epoll_ctl (B1 to B9), and of Linux 6.18 for waits (E2).
 *
 * Locks, in the order in which they are taken:
 *
 *     epoll nesting   one for the machine: who adds a link between instances, or watches what others watch too
 *     epoll           an instance's mutex: its items, its harvest; of a nested one inside of the outer one's
 *     file            a file's list of watchers; and whatever a poll of the file takes
 *     waitqueue       a file's queue, over its callbacks; inside of it the queues of the instance that is called, and of
 *                     those above: instances watch each other in no circle
 *     epoll ready     an instance's ready list, inside of the callback
 *
 * Linux wakes tasks from within the callbacks; here the walk collects them, and wakes once no queue is locked
 * (wait/wait-queue.ts). What it marks as ready, and in which order, is the same.
 *
 * Linux: fs/eventpoll.c.
 */
import { mapCeiling } from '../../../shared-mem/int-map.ts';
import { List, ListNode } from '../../../shared-mem/list.ts';
import { CLASS_EPOLL, CLASS_READY } from '../../../shared-mem/locks/classes.ts';
import { allocRecord, freeRecord } from '../../../shared-mem/slab.ts';
import { EBADF, EEXIST, EFAULT, EINVAL, ENFILE, ENOENT, ENOMEM, EPERM } from '../../abi/errno.ts';
import {
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLL_MAX_EVENTS_BYTES,
  EPOLLERR,
  EPOLLET,
  EPOLLEXCLUSIVE,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLWAKEUP,
} from '../../abi/flags-event.ts';
import { O_RDWR } from '../../abi/flags-file.ts';
import type { FilePtr } from '../../file/file.ts';
import { Changes, File, KIND_DEVICE, KIND_EPOLL, KIND_MEMFD } from '../../file/file.ts';
import { newFile, tryHoldFile } from '../../file/lifetime.ts';
import { releaseFile } from '../../file/ops-table.ts';
import { initClassLock, lock, unlock } from '../../irq/locking.ts';
import { MACHINE, Machine } from '../../machine-record.ts';
import { lookupFile } from '../../process/fd-table.ts';
import { inUserRange, userRangeOk } from '../../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../../task/task.ts';
import { Frame, PROCEED, WAIT } from '../../task/task.ts';
import { EXCLUSIVE_FIRST, initWaitQueue, standInQueue } from '../../wait/wait-queue.ts';
import type { EpollOps } from '../design-ops.ts';
import { epollEventSize, eventMask } from '../event-store.ts';
import { harvest, pollInstance } from './harvest.ts';
import { activateItem, changeItem, findItem, makeItem, removeItem } from './items.ts';
import { checkPaths, mayWatchEpoll } from './nesting.ts';
import type { LinuxEpollPtr, LinuxItemPtr } from './records.ts';
import { attachLinux, LinuxEpoll, LinuxItem, linuxOf } from './records.ts';

/** What may stand beside EPOLLEXCLUSIVE (F10). */
const EXCLUSIVE_COMPANIONS = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLET | EPOLLWAKEUP | EPOLLEXCLUSIVE;

function linuxCreate(_t: TaskPtr, flags: number): number {
  if ((flags & ~EPOLL_CLOEXEC) !== 0) return -EINVAL;
  const e = allocRecord(Machine.epolls.at(MACHINE)) as LinuxEpollPtr;
  if (e === 0) return -ENOMEM;
  const f = newFile(KIND_EPOLL, O_RDWR);
  if (f === 0) {
    freeRecord(Machine.epolls.at(MACHINE), e);
    return -ENFILE;
  }
  initClassLock(LinuxEpoll.mutex.at(e), CLASS_EPOLL, 0);
  initClassLock(LinuxEpoll.readyLock.at(e), CLASS_READY, 0);
  initWaitQueue(LinuxEpoll.waiters.at(e));
  Changes.count.store(File.ownChanges.at(f), 0);
  LinuxEpoll.file.set(e, f);
  attachLinux(f, e);
  return f;
}

/** Regular files and devices have no poll operation. */
function cannotBePolled(f: FilePtr): boolean {
  const kind = File.kind.get(f);
  return kind === KIND_MEMFD || kind === KIND_DEVICE;
}

function linuxControl(t: TaskPtr, epfd: number, op: number, fd: number, event: number): number {
  const hasEvent = op !== EPOLL_CTL_DEL;
  if (hasEvent && userRangeOk(t, event, epollEventSize()) === 0) return -EFAULT;
  const f = lookupFile(t, epfd);
  if (f === 0) return -EBADF;
  const target = lookupFile(t, fd);
  if (target === 0) return -EBADF;
  if (cannotBePolled(target)) return -EPERM;
  if (f === target || File.kind.get(f) !== KIND_EPOLL) return -EINVAL;
  if (hasEvent && (eventMask(event) & EPOLLEXCLUSIVE) !== 0) {
    if (op === EPOLL_CTL_MOD) return -EINVAL;
    const strange = (eventMask(event) & ~EXCLUSIVE_COMPANIONS) !== 0;
    if (op === EPOLL_CTL_ADD && (strange || File.kind.get(target) === KIND_EPOLL)) return -EINVAL;
  }
  const e = linuxOf(f);
  if (op === EPOLL_CTL_ADD) return linuxAdd(t, e, target, fd, event);
  lock(LinuxEpoll.mutex.at(e));
  const i = findItem(e, target, fd);
  const r = changeOrRemove(t, e, i, op, event);
  unlock(LinuxEpoll.mutex.at(e));
  return r;
}

function changeOrRemove(t: TaskPtr, e: LinuxEpollPtr, i: LinuxItemPtr, op: number, event: number): number {
  if (op !== EPOLL_CTL_DEL && op !== EPOLL_CTL_MOD) return -EINVAL;
  if (i === 0) return -ENOENT;
  if (op === EPOLL_CTL_DEL) {
    removeItem(e, i, 0);
    return 0;
  }
  if ((LinuxItem.events.peek(i) & EPOLLEXCLUSIVE) !== 0) return -EINVAL;
  changeItem(e, i, t, event);
  return 0;
}

/**
 * The file is held while its item is made: the descriptor was looked up without a reference, and may be closed meanwhile.
 * Ways through several instances arise where the target is one, and where this one is watched itself.
 */
function linuxAdd(t: TaskPtr, e: LinuxEpollPtr, target: FilePtr, fd: number, event: number): number {
  if (tryHoldFile(target) === 0) return -EBADF;
  const linked = File.kind.get(target) === KIND_EPOLL || File.watcherCount.load(LinuxEpoll.file.get(e)) > 0;
  if (linked) lock(Machine.nestingLock.at(MACHINE));
  let r = File.kind.get(target) === KIND_EPOLL ? mayWatchEpoll(e, target) : 0;
  if (r === 0) {
    lock(LinuxEpoll.mutex.at(e));
    r = addLocked(t, e, target, fd, event, linked);
    unlock(LinuxEpoll.mutex.at(e));
  }
  if (linked) unlock(Machine.nestingLock.at(MACHINE));
  releaseFile(target);
  return r;
}

function addLocked(t: TaskPtr, e: LinuxEpollPtr, target: FilePtr, fd: number, event: number, linked: boolean): number {
  if (LinuxEpoll.dead.get(e) === 1) return -EBADF;
  if (findItem(e, target, fd) !== 0) return -EEXIST;
  const i = makeItem(e, target, fd, event);
  if (i < 0) return i;
  const r = linked ? checkPaths(target) : 0;
  if (r < 0) removeItem(e, i as LinuxItemPtr, 0);
  else activateItem(e, i as LinuxItemPtr, t);
  return r;
}

function linuxWaitBegin(t: TaskPtr, fr: FramePtr, epfd: number, buffer: number, maxEvents: number): number {
  const f = lookupFile(t, epfd);
  if (f === 0) return -EBADF;
  if (maxEvents <= 0 || maxEvents * epollEventSize() > EPOLL_MAX_EVENTS_BYTES) return -EINVAL;
  // Whatever its length, an array that begins below the top ends far below that of a real address space.
  if (inUserRange(buffer, 0) === 0) return -EFAULT;
  if (File.kind.get(f) !== KIND_EPOLL) return -EINVAL;
  Frame.file.set(fr, f);
  return PROCEED;
}

/** The look without a lock finds most waits with nothing to do (ep_events_available). */
function linuxCollect(t: TaskPtr, fr: FramePtr): number {
  const e = linuxOf(Frame.file.get(fr) as FilePtr);
  const count = harvest(e, t, Frame.buffer.get(fr), Frame.length.get(fr));
  return count !== 0 || Frame.nonblocking.get(fr) === 1 ? count : WAIT;
}

/** The last to come is the first to be woken (F1). */
function linuxEnqueue(t: TaskPtr, fr: FramePtr): number {
  const e = linuxOf(Frame.file.get(fr) as FilePtr);
  return standInQueue(LinuxEpoll.waiters.at(e), t, 0, EXCLUSIVE_FIRST) === 1 ? 0 : -ENOMEM;
}

function linuxWatches(epoll: FilePtr, source: FilePtr): number {
  const e = linuxOf(epoll);
  let found = 0;
  lock(File.lock.at(source));
  let node = List.first.get(File.watchers.at(source));
  while (node !== 0 && found === 0) {
    if (LinuxItem.epoll.get(LinuxItem.fileNode.outer(node)) === e) found = 1;
    node = ListNode.next.get(node);
  }
  unlock(File.lock.at(source));
  return found;
}

/** Removes every item but those that the ends of their files have found: they come for these themselves. */
function linuxRelease(epoll: FilePtr): number {
  const e = linuxOf(epoll);
  lock(LinuxEpoll.mutex.at(e));
  LinuxEpoll.dead.set(e, 1);
  for (let fd = 0; ; fd++) {
    let i = mapCeiling(LinuxEpoll.byFd.at(e), fd) as LinuxItemPtr;
    if (i === 0) break;
    fd = LinuxItem.fd.get(i);
    while (i !== 0) {
      const next = LinuxItem.nextSameFd.get(i);
      removeItem(e, i, 0);
      i = next;
    }
  }
  unlock(LinuxEpoll.mutex.at(e));
  return 0;
}

function linuxReclaim(epoll: FilePtr): number {
  freeRecord(Machine.epolls.at(MACHINE), linuxOf(epoll));
  return 0;
}

/** The last reference to a watched file is gone: its items end with it, and no waiter is woken for that (G1, G5). */
function linuxSourceGone(f: FilePtr): number {
  for (;;) {
    lock(File.lock.at(f));
    const node = List.first.get(File.watchers.at(f));
    if (node !== 0) LinuxItem.dying.set(LinuxItem.fileNode.outer(node), 1);
    unlock(File.lock.at(f));
    if (node === 0) return 0;
    const i = LinuxItem.fileNode.outer(node);
    const e = LinuxItem.epoll.get(i);
    lock(LinuxEpoll.mutex.at(e));
    removeItem(e, i, 1);
    unlock(LinuxEpoll.mutex.at(e));
  }
}

export const linuxOps: EpollOps = {
  usesMask: 1,
  signalsInterrupt: 1,
  foreverNs: Number.POSITIVE_INFINITY,
  transferError: EINVAL,
  create: linuxCreate,
  control: linuxControl,
  waitBegin: linuxWaitBegin,
  collect: linuxCollect,
  enqueue: linuxEnqueue,
  watches: linuxWatches,
  poll: pollInstance,
  sourceGone: linuxSourceGone,
  release: linuxRelease,
  reclaim: linuxReclaim,
};

/** Where its answers are not Linux's: nowhere. */
export const linuxDeclared = {} as const;
