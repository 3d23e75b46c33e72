/**
 * Kevlar, upper half: EpollInstance, one spinlock around an ordered map of interests, re-polled whole at every wake.
 *
 * What it does, and where that is not Linux, is declared rule by rule in divergences.ts. The checks and their order are
 * its own: the event is read first; MOD and DEL look at the number alone and never at the file behind it; a regular
 * file may be added; closing a descriptor ends no interest, for the interest keeps the file alive. Mended, because the
 * original hangs: an epoll that watches itself, directly or through others (nesting.ts).
 *
 * Source: levkropp/kevlar at e4fb1b5, kernel/fs/epoll.rs and kernel/syscalls/epoll.rs.
 */
import { mapCeiling, mapFind, mapInsert, mapRemove } from '../../../shared-mem/int-map.ts';
import { List, listAppend, listInsertBefore, ListNode, listRemove } from '../../../shared-mem/list.ts';
import { CLASS_EPOLL } from '../../../shared-mem/locks/classes.ts';
import { NULL } from '../../../shared-mem/pointer.ts';
import { allocRecord, freeRecord } from '../../../shared-mem/slab.ts';
import { EBADF, EEXIST, EFAULT, EINVAL, ENFILE, ENOENT, ENOMEM } from '../../abi/errno.ts';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLET, EPOLLIN } from '../../abi/flags-event.ts';
import { O_RDWR } from '../../abi/flags-file.ts';
import type { FilePtr } from '../../file/file.ts';
import { Changes, File, KIND_EPOLL, KIND_EVENTFD } from '../../file/file.ts';
import { newFile, tryHoldFile } from '../../file/lifetime.ts';
import { releaseFile } from '../../file/ops-table.ts';
import { initClassLock, lock, unlock } from '../../irq/locking.ts';
import { MACHINE, Machine } from '../../machine-record.ts';
import { lookupFile } from '../../process/fd-table.ts';
import { userRangeOk } from '../../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../../task/task.ts';
import { Frame, PROCEED, WAIT } from '../../task/task.ts';
import { clockNow } from '../../time/clock.ts';
import { standInQueue } from '../../wait/wait-queue.ts';
import type { EpollOps } from '../design-ops.ts';
import { epollEventSize, eventDataHigh, eventDataLow, eventMask } from '../event-store.ts';
import { kevlarCollect } from './collect.ts';
import type { KevlarEpollPtr, KevlarInterestPtr } from './interest.ts';
import { attachKevlar, KevlarEpoll, KevlarInterest, kevlarOf } from './interest.ts';
import { mayNest } from './nesting.ts';

const EDGE = EPOLLET | 0;

/** Any flags will do; only EPOLL_CLOEXEC means something, to the caller. @returns the file, or -ENFILE */
function kevlarCreate(_t: TaskPtr, _flags: number): number {
  const e = allocRecord(Machine.epolls.at(MACHINE)) as KevlarEpollPtr;
  if (e === 0) return -ENFILE;
  const f = newFile(KIND_EPOLL, O_RDWR);
  if (f === 0) {
    freeRecord(Machine.epolls.at(MACHINE), e);
    return -ENFILE;
  }
  initClassLock(KevlarEpoll.lock.at(e), CLASS_EPOLL, 0);
  // An instance is ready or not as its sources are, so it has no generation of its own.
  Changes.count.store(File.ownChanges.at(f), 0);
  KevlarEpoll.file.set(e, f);
  attachKevlar(f, e);
  lock(Machine.nestingLock.at(MACHINE));
  listAppend(Machine.allEpolls.at(MACHINE), KevlarEpoll.node.at(e));
  unlock(Machine.nestingLock.at(MACHINE));
  return f;
}

function kevlarControl(t: TaskPtr, epfd: number, op: number, fd: number, event: number): number {
  if (op !== EPOLL_CTL_DEL && userRangeOk(t, event, epollEventSize()) === 0) return -EFAULT;
  const f = lookupFile(t, epfd);
  if (f === 0) return -EBADF;
  if (File.kind.get(f) !== KIND_EPOLL) return -EINVAL;
  const e = kevlarOf(f);
  if (op === EPOLL_CTL_ADD) return kevlarAdd(t, f, e, fd, event);
  if (op === EPOLL_CTL_MOD) return kevlarModify(e, fd, event);
  if (op === EPOLL_CTL_DEL) return kevlarDelete(e, fd);
  return -EINVAL;
}

function kevlarAdd(t: TaskPtr, f: FilePtr, e: KevlarEpollPtr, fd: number, event: number): number {
  const target = lookupFile(t, fd);
  if (target === 0 || tryHoldFile(target) === 0) return -EBADF;
  const nested = File.kind.get(target) === KIND_EPOLL;
  if (!nested) return insertInterest(e, target, fd, event);
  let r = target === f ? -EINVAL : 0;
  lock(Machine.nestingLock.at(MACHINE));
  if (r === 0) r = mayNest(e, kevlarOf(target));
  if (r === 0) {
    KevlarEpoll.nested.add(e, 1);
    unlock(Machine.nestingLock.at(MACHINE));
    r = insertInterest(e, target, fd, event);
    if (r < 0) KevlarEpoll.nested.sub(e, 1);
    return r;
  }
  unlock(Machine.nestingLock.at(MACHINE));
  releaseFile(target);
  return r;
}

/** Takes over the caller's reference to `target`. */
function insertInterest(e: KevlarEpollPtr, target: FilePtr, fd: number, event: number): number {
  const i = allocRecord(Machine.interests.at(MACHINE)) as KevlarInterestPtr;
  if (i === 0) {
    releaseFile(target);
    return -ENOMEM;
  }
  KevlarInterest.fd.set(i, fd);
  KevlarInterest.file.set(i, target);
  let r = 0;
  lock(KevlarEpoll.lock.at(e));
  if (KevlarEpoll.dead.get(e) === 1) r = -EBADF;
  else if (mapFind(KevlarEpoll.byFd.at(e), fd) !== 0) r = -EEXIST;
  else if (mapInsert(KevlarEpoll.byFd.at(e), Machine.mapNodes.at(MACHINE), fd, i) === 0) r = -ENOMEM;
  if (r === 0) {
    const next = mapCeiling(KevlarEpoll.byFd.at(e), fd + 1) as KevlarInterestPtr;
    const before = next === 0 ? NULL : KevlarInterest.node.at(next);
    listInsertBefore(KevlarEpoll.inOrder.at(e), before, KevlarInterest.node.at(i));
    armInterest(i, event);
    watchEdges(i, KevlarInterest.events.get(i));
    watchAlways(target, 1);
  }
  unlock(KevlarEpoll.lock.at(e));
  if (r === 0) return 0;
  freeRecord(Machine.interests.at(MACHINE), i);
  releaseFile(target);
  return r;
}

/** MOD keeps `lastGeneration`: re-arming an edge with unread data loses the event. */
function kevlarModify(e: KevlarEpollPtr, fd: number, event: number): number {
  lock(KevlarEpoll.lock.at(e));
  const i = mapFind(KevlarEpoll.byFd.at(e), fd) as KevlarInterestPtr;
  if (i !== 0) {
    armInterest(i, event);
    watchEdges(i, KevlarInterest.events.get(i));
    KevlarInterest.cachedGeneration.set(i, 0);
  }
  unlock(KevlarEpoll.lock.at(e));
  return i === 0 ? -ENOENT : 0;
}

function armInterest(i: KevlarInterestPtr, event: number): void {
  KevlarInterest.events.set(i, eventMask(event));
  KevlarInterest.dataLow.set(i, eventDataLow(event));
  KevlarInterest.dataHigh.set(i, eventDataHigh(event));
}

/**
 * Keeps the source's count of edge-triggered watchers: while it is not 0 the source keeps a generation. An interest that
 * fired once and is disarmed goes on counting, until it is asked for something else. An eventfd of Kevlar's keeps a
 * generation always; here it does from the first interest on, which nobody can tell apart, for the generation before that
 * was never looked at.
 */
function watchEdges(i: KevlarInterestPtr, events: number): void {
  const edge = (events & EDGE) !== 0 ? 1 : 0;
  const delta = edge - KevlarInterest.watchesEdges.get(i);
  if (delta === 0) return;
  KevlarInterest.watchesEdges.set(i, edge);
  Changes.watchers.add(File.changes.get(KevlarInterest.file.get(i)), delta);
}

function kevlarDelete(e: KevlarEpollPtr, fd: number): number {
  lock(KevlarEpoll.lock.at(e));
  const i = mapRemove(KevlarEpoll.byFd.at(e), Machine.mapNodes.at(MACHINE), fd) as KevlarInterestPtr;
  if (i !== 0) unlinkInterest(e, i);
  unlock(KevlarEpoll.lock.at(e));
  if (i === 0) return -ENOENT;
  dropInterest(e, i);
  return 0;
}

function unlinkInterest(e: KevlarEpollPtr, i: KevlarInterestPtr): void {
  listRemove(KevlarEpoll.inOrder.at(e), KevlarInterest.node.at(i));
  watchEdges(i, 0);
  watchAlways(KevlarInterest.file.get(i), -1);
}

function watchAlways(f: FilePtr, delta: number): void {
  if (File.kind.get(f) === KIND_EVENTFD) Changes.watchers.add(File.changes.get(f), delta);
}

/** Outside the lock: releasing the file may end it, and with it another epoll. */
function dropInterest(e: KevlarEpollPtr, i: KevlarInterestPtr): void {
  const f = KevlarInterest.file.get(i);
  if (File.kind.get(f) === KIND_EPOLL) KevlarEpoll.nested.sub(e, 1);
  freeRecord(Machine.interests.at(MACHINE), i);
  releaseFile(f);
}

/** maxevents first, then the buffer (NULL alone is refused), then the descriptor. */
function kevlarWaitBegin(t: TaskPtr, fr: FramePtr, epfd: number, buffer: number, maxEvents: number): number {
  if (buffer === 0) return -EFAULT;
  if (maxEvents <= 0) return -EINVAL;
  const f = lookupFile(t, epfd);
  if (f === 0) return -EBADF;
  if (File.kind.get(f) !== KIND_EPOLL) return -EINVAL;
  Frame.file.set(fr, f);
  return PROCEED;
}

/**
 * The timeout is looked at before the interests, so an event that arrives with it is not reported (its tick is 10 ms
 * wide). With timeout 0 there is one look, and the queue is never touched.
 */
function kevlarAttempt(t: TaskPtr, fr: FramePtr): number {
  const deadlineNs = Frame.deadlineNs.get(fr);
  const waited = Frame.waited.get(fr) === 1;
  if (waited && deadlineNs !== Number.POSITIVE_INFINITY && clockNow() >= deadlineNs) return 0;
  const count = kevlarCollect(kevlarOf(Frame.file.get(fr) as FilePtr), t, Frame.buffer.get(fr), Frame.length.get(fr));
  return count !== 0 || Frame.nonblocking.get(fr) === 1 ? count : WAIT;
}

function kevlarEnqueue(t: TaskPtr, _fr: FramePtr): number {
  return standInQueue(Machine.globalQueue.at(MACHINE), t, 0, 0) === 1 ? 0 : -ENOMEM;
}

function kevlarWatches(epoll: FilePtr, source: FilePtr): number {
  const e = kevlarOf(epoll);
  let found = 0;
  lock(KevlarEpoll.lock.at(e));
  let node = List.first.get(KevlarEpoll.inOrder.at(e));
  while (node !== 0 && found === 0) {
    if (KevlarInterest.file.get(KevlarInterest.node.outer(node)) === source) found = 1;
    node = ListNode.next.get(node);
  }
  unlock(KevlarEpoll.lock.at(e));
  return found;
}

/** A nested instance is asked for one event, which consumes what asking consumes: edges and one-shots. */
function kevlarPoll(epoll: FilePtr, t: TaskPtr): number {
  return kevlarCollect(kevlarOf(epoll), t, -1, 1) > 0 ? EPOLLIN : 0;
}

/** Lets every watched file go, one at a time, outside the lock. */
function kevlarRelease(epoll: FilePtr): number {
  const e = kevlarOf(epoll);
  lock(Machine.nestingLock.at(MACHINE));
  listRemove(Machine.allEpolls.at(MACHINE), KevlarEpoll.node.at(e));
  unlock(Machine.nestingLock.at(MACHINE));
  for (;;) {
    lock(KevlarEpoll.lock.at(e));
    KevlarEpoll.dead.set(e, 1);
    const node = List.first.get(KevlarEpoll.inOrder.at(e));
    const fd = node === 0 ? -1 : KevlarInterest.fd.get(KevlarInterest.node.outer(node));
    unlock(KevlarEpoll.lock.at(e));
    if (fd < 0) return 0;
    kevlarDelete(e, fd);
  }
}

function kevlarReclaim(epoll: FilePtr): number {
  freeRecord(Machine.epolls.at(MACHINE), kevlarOf(epoll));
  return 0;
}

/** An interest keeps its file alive, so no watched file ever ends. */
function kevlarSourceGone(_f: FilePtr): number {
  return 0;
}

export const kevlarOps: EpollOps = {
  usesMask: 0,
  signalsInterrupt: 1,
  foreverNs: Number.POSITIVE_INFINITY,
  transferError: EINVAL,
  create: kevlarCreate,
  control: kevlarControl,
  waitBegin: kevlarWaitBegin,
  collect: kevlarAttempt,
  enqueue: kevlarEnqueue,
  watches: kevlarWatches,
  poll: kevlarPoll,
  sourceGone: kevlarSourceGone,
  release: kevlarRelease,
  reclaim: kevlarReclaim,
};
