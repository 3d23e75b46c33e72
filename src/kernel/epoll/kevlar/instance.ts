/**
 * Kevlar, upper half: EpollInstance, one spinlock around an ordered map of interests, re-polled whole at every wake.
 *
 * What it does, and where that is not Linux; each divergence is declared by its rule, with the reason, at the end of this
 * file. The checks and their order are its own: the event is read first; MOD and DEL look at the number alone and never at the file behind it; a regular
 * file may be added; closing a descriptor ends no interest, for the interest keeps the file alive. Mended, because the
 * original hangs: an epoll that watches itself, directly or through others (nesting.ts).
 *
 * Source: levkropp/kevlar at e4fb1b5, kernel/fs/epoll.rs and kernel/syscalls/epoll.rs.
 */
import { List, listAppend, ListNode, listRemove } from '../../../shared-mem/list.ts';
import { CLASS_EPOLL } from '../../../shared-mem/locks/classes.ts';
import { allocRecord, freeRecord } from '../../../shared-mem/slab.ts';
import { EBADF, EFAULT, EINVAL, ENFILE, ENOMEM } from '../../abi/errno.ts';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLIN } from '../../abi/flags-event.ts';
import { O_RDWR } from '../../abi/flags-file.ts';
import type { FilePtr } from '../../file/file.ts';
import { Changes, File, KIND_EPOLL } from '../../file/file.ts';
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
import { epollEventSize } from '../event-store.ts';
import { kevlarCollect } from './collect.ts';
import type { KevlarEpollPtr } from './interest.ts';
import { attachKevlar, KevlarEpoll, KevlarInterest, kevlarOf } from './interest.ts';
import { insertInterest, kevlarDelete, kevlarModify } from './interest-list.ts';
import { mayNest } from './nesting.ts';

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

/** Where its answers are not Linux's: the rule, and why. What it answers instead: conform/divergences/kevlar.ts. */
export const kevlarDeclared = {
  A2: 'epoll_create1 takes any flags',
  B2: 'MOD and DEL never look the watched descriptor up, and ADD does so last',
  B3: 'a file that cannot be polled is watched like any other',
  B4: 'MOD and DEL of the instance itself find no entry, which is all they look for',
  B5: 'EXCLUSIVE is not looked at, so a MOD with it of a stranger finds no entry',
  B16: 'an entry with an empty mask is disabled, ERR and HUP included',
  B18: 'MOD keeps the generation last seen, so what was reported before is no edge',
  D4: 'a write that finds the pipe full is no edge for its reader',
  D9: 'an edge is any change of the source: a write is one for an entry that asks for OUT only',
  D6: 'an edge is any change of the source: a partial read is one',
  K12: 'an edge is any change of the source: any read of a pipe is one for its write end',
  M5: 'an edge is any change of the source: what a socket does itself is one',
  C3: 'nobody counts the ways through instances to one file',
  C4: 'an instance counts no changes, so an edge-triggered entry on one behaves as a level-triggered one',
  D3: 'a timer counts no changes, so an edge-triggered entry on one behaves as a level-triggered one',
  A9: 'polling an instance collects from it, which uses up its edges and one-shots',
  C5: 'an entry keeps an inner instance alive, and is never removed by its close',
  E2: 'buffer and maxevents are looked at before the descriptor',
  E3: 'a buffer at 0 is refused whether or not there is an event',
  E4: 'an edge that could not be stored is lost',
  F1: 'whoever looks first takes an edge, whenever it began to wait',
  E1: 'maxevents has no upper bound',
  F9: 'EXCLUSIVE is not looked at: MOD may bring it, or change an entry that has it',
  F10: 'EXCLUSIVE is not looked at: it goes with every other flag and with every file',
  F11: 'EXCLUSIVE is not looked at: every instance that watches is woken',
  J8: 'there is no ready list, so a signal is found by its thread though another has looked for it in vain',
  F14: 'all who wait are woken, and the first to look is served',
  G2: 'entries are keyed by descriptor alone, so one whose descriptor was closed can be removed',
  G4: 'entries are keyed by descriptor alone, so a reused number is taken',
  G1: 'an entry keeps its file alive and is never removed by close',
  L1: 'a poll that waits looks its descriptors up at every tick, so one that was closed meanwhile is told',
  M4: 'RDHUP is never reported',
  D1: 'of all readiness only IN, OUT, ERR and HUP are reported',
  E17: 'the lowest descriptors fill the slots, and there are no turns',
  E16: 'events come in ascending order of descriptor',
  E13: 'epoll_pwait does not look at its mask, so it refuses none',
  E14: 'epoll_pwait does not look at its mask',
} as const;
