/**
 * WASIX's design, upper half: an instance is a map of subscriptions by number and a queue of those that have something
 * to report. Sources push: each keeps handlers, and calls them with what happened; nothing is ever polled again.
 *
 * What it does, and where that is not Linux: readiness is handed out once for each time that a source told of it, so every
 * entry behaves as an edge-triggered one, whether what was told still holds or not; EPOLLET, EPOLLONESHOT and
 * EPOLLEXCLUSIVE are never looked at. The number alone is the key, and MOD looks it up anew. A regular file is watched and
 * never ready. An instance is no source, so none watches another. RDHUP and PRI do not exist. The checks and their order
 * are its own. Each divergence is declared, with its rule and its reason, at the end of this file.
 *
 * Mended, because the original hangs: a source of WASIX has room for one handler, and a second subscription takes the
 * first one's place without a word, whose waiters then sleep for ever; here a source calls all of its handlers. The write
 * end of a pipe has none there, for its pipes are never full; here they can be, so it has.
 *
 * Locks: `epoll` (an instance's mutex: subscriptions, drain), then `file` (a file's watchers), `waitqueue` (a file's
 * handlers; inside of it the queues of who waits at the instance), `epoll ready` (an instance's queue of entries).
 *
 * Source: wasmerio/wasmer, lib/wasix/src/os/epoll/mod.rs, lib/wasix/src/syscalls/wasix/epoll_ctl.rs and epoll_wait.rs.
 */
import { mapCeiling } from '../../../shared-mem/int-map.ts';
import { List, ListNode } from '../../../shared-mem/list.ts';
import { CLASS_EPOLL, CLASS_READY } from '../../../shared-mem/locks/classes.ts';
import { allocRecord, freeRecord } from '../../../shared-mem/slab.ts';
import { EBADF, EEXIST, EFAULT, EINVAL, ENFILE, ENOENT, ENOMEM } from '../../abi/errno.ts';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLIN, EPOLLRDNORM } from '../../abi/flags-event.ts';
import { O_RDWR } from '../../abi/flags-file.ts';
import type { FilePtr } from '../../file/file.ts';
import { Changes, File, KIND_EPOLL } from '../../file/file.ts';
import { newFile, tryHoldFile } from '../../file/lifetime.ts';
import { releaseFile } from '../../file/ops-table.ts';
import { initClassLock, lock, unlock } from '../../irq/locking.ts';
import { MACHINE, Machine } from '../../machine-record.ts';
import { lookupFile } from '../../process/fd-table.ts';
import { inUserRange, userRangeOk } from '../../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../../task/task.ts';
import { Frame, PROCEED, WAIT } from '../../task/task.ts';
import { EXCLUSIVE, initWaitQueue, standInQueue } from '../../wait/wait-queue.ts';
import type { EpollOps } from '../design-ops.ts';
import { epollEventSize } from '../event-store.ts';
import { drainReadyEvents } from './drain.ts';
import { freeEntry, holdsEvents, takeEntry } from './queue.ts';
import type { WasixEpollPtr, WasixSubPtr } from './records.ts';
import { attachWasix, WasixEpoll, wasixOf, WasixSub } from './records.ts';
import { addSubscription, findSubscription, modifySubscription, removeSubscription } from './subscriptions.ts';

/** Any flags will do; only EPOLL_CLOEXEC means something, to the caller. */
function wasixCreate(_t: TaskPtr, _flags: number): number {
  const e = allocRecord(Machine.epolls.at(MACHINE)) as WasixEpollPtr;
  if (e === 0) return -ENOMEM;
  const f = newFile(KIND_EPOLL, O_RDWR);
  if (f === 0) {
    freeRecord(Machine.epolls.at(MACHINE), e);
    return -ENFILE;
  }
  initClassLock(WasixEpoll.mutex.at(e), CLASS_EPOLL, 0);
  initClassLock(WasixEpoll.readyLock.at(e), CLASS_READY, 0);
  initWaitQueue(WasixEpoll.waiters.at(e));
  Changes.count.store(File.ownChanges.at(f), 0);
  WasixEpoll.file.set(e, f);
  attachWasix(f, e);
  return f;
}

/** The event is read first, whatever the operation, if there is one; a number that is the instance's own is refused early. */
function wasixControl(t: TaskPtr, epfd: number, op: number, fd: number, event: number): number {
  if (event !== 0 && userRangeOk(t, event, epollEventSize()) === 0) return -EFAULT;
  if (op !== EPOLL_CTL_ADD && op !== EPOLL_CTL_MOD && op !== EPOLL_CTL_DEL) return -EINVAL;
  if (op !== EPOLL_CTL_DEL && event === 0) return -EINVAL;
  if (fd === epfd) return -EINVAL;
  const target = lookupFile(t, fd);
  if (target === 0) return -EBADF;
  const f = lookupFile(t, epfd);
  if (f === 0) return -EBADF;
  if (File.kind.get(f) !== KIND_EPOLL) return -EINVAL;
  const e = wasixOf(f);
  // The file is held meanwhile: its descriptor was looked up without a reference, and may be closed.
  if (tryHoldFile(target) === 0) return -EBADF;
  lock(WasixEpoll.mutex.at(e));
  const r = controlLocked(t, e, op, target, fd, event);
  unlock(WasixEpoll.mutex.at(e));
  releaseFile(target);
  return r;
}

function controlLocked(t: TaskPtr, e: WasixEpollPtr, op: number, target: FilePtr, fd: number, event: number): number {
  if (WasixEpoll.dead.get(e) === 1) return -EBADF;
  const s = findSubscription(e, fd);
  if (op === EPOLL_CTL_DEL) {
    if (s === 0) return -ENOENT;
    return removeSubscription(e, s, 0) === 1 ? 0 : -ENOENT;
  }
  if (op === EPOLL_CTL_ADD && s !== 0) return -EEXIST;
  if (op === EPOLL_CTL_MOD && s === 0) return -ENOENT;
  // An instance keeps no handlers, and nothing else to watch it by.
  if (File.kind.get(target) === KIND_EPOLL) return -EBADF;
  return s === 0 ? addSubscription(e, target, fd, event, t) : modifySubscription(e, s, target, event, t);
}

/** maxevents first, without an upper bound. Only a buffer that no process can have is refused before there is an event. */
function wasixWaitBegin(t: TaskPtr, fr: FramePtr, epfd: number, buffer: number, maxEvents: number): number {
  if (maxEvents <= 0) return -EINVAL;
  const f = lookupFile(t, epfd);
  if (f === 0) return -EBADF;
  if (File.kind.get(f) !== KIND_EPOLL) return -EINVAL;
  if (inUserRange(buffer, 0) === 0) return -EFAULT;
  Frame.file.set(fr, f);
  return PROCEED;
}

function wasixCollect(t: TaskPtr, fr: FramePtr): number {
  const e = wasixOf(Frame.file.get(fr) as FilePtr);
  const count = drainReadyEvents(e, t, Frame.buffer.get(fr), Frame.length.get(fr));
  return count !== 0 || Frame.nonblocking.get(fr) === 1 ? count : WAIT;
}

/** The first to come is the first to be woken, one for each entry. */
function wasixEnqueue(t: TaskPtr, fr: FramePtr): number {
  const e = wasixOf(Frame.file.get(fr) as FilePtr);
  return standInQueue(WasixEpoll.waiters.at(e), t, 0, EXCLUSIVE) === 1 ? 0 : -ENOMEM;
}

function wasixWatches(epoll: FilePtr, source: FilePtr): number {
  const e = wasixOf(epoll);
  let found = 0;
  lock(File.lock.at(source));
  let node = List.first.get(File.watchers.at(source));
  while (node !== 0 && found === 0) {
    if (WasixSub.epoll.get(WasixSub.fileNode.outer(node)) === e) found = 1;
    node = ListNode.next.get(node);
  }
  unlock(File.lock.at(source));
  return found;
}

/** Is there anything to hand out? Nothing is consumed, and no file is looked at. */
function wasixPoll(epoll: FilePtr, _t: TaskPtr): number {
  const e = wasixOf(epoll);
  lock(WasixEpoll.mutex.at(e));
  const found = holdsEvents(e);
  unlock(WasixEpoll.mutex.at(e));
  return found === 1 ? EPOLLIN | EPOLLRDNORM : 0;
}

/** Removes every subscription but those that the ends of their files have found: they come for these themselves. */
function wasixRelease(epoll: FilePtr): number {
  const e = wasixOf(epoll);
  lock(WasixEpoll.mutex.at(e));
  WasixEpoll.dead.set(e, 1);
  for (let fd = 0; ; fd++) {
    const s = mapCeiling(WasixEpoll.byFd.at(e), fd) as WasixSubPtr;
    if (s === 0) break;
    fd = WasixSub.fd.get(s);
    removeSubscription(e, s, 0);
  }
  for (;;) {
    const entry = takeEntry(e);
    if (entry === 0) break;
    freeEntry(e, entry);
  }
  unlock(WasixEpoll.mutex.at(e));
  return 0;
}

function wasixReclaim(epoll: FilePtr): number {
  freeRecord(Machine.epolls.at(MACHINE), wasixOf(epoll));
  return 0;
}

/** The last reference to a watched file is gone: its subscriptions end with it, and no waiter is woken for that. */
function wasixSourceGone(f: FilePtr): number {
  for (;;) {
    lock(File.lock.at(f));
    const node = List.first.get(File.watchers.at(f));
    if (node !== 0) WasixSub.dying.set(WasixSub.fileNode.outer(node), 1);
    unlock(File.lock.at(f));
    if (node === 0) return 0;
    const s = WasixSub.fileNode.outer(node);
    const e = WasixSub.epoll.get(s);
    lock(WasixEpoll.mutex.at(e));
    removeSubscription(e, s, 1);
    unlock(WasixEpoll.mutex.at(e));
  }
}

export const wasixOps: EpollOps = {
  usesMask: 1,
  signalsInterrupt: 1,
  foreverNs: Number.POSITIVE_INFINITY,
  transferError: EINVAL,
  create: wasixCreate,
  control: wasixControl,
  waitBegin: wasixWaitBegin,
  collect: wasixCollect,
  enqueue: wasixEnqueue,
  watches: wasixWatches,
  poll: wasixPoll,
  sourceGone: wasixSourceGone,
  release: wasixRelease,
  reclaim: wasixReclaim,
};

/** Where its answers are not Linux's: the rule, and why. What it answers instead: conform/divergences/wasix.ts. */
export const wasixDeclared = {
  A2: 'epoll_create1 takes any flags',
  A8: 'polling an instance asks whether anything was told and not handed out, and looks at no file',
  B1: 'an event is read whenever there is one, for DEL too; for ADD and MOD none at all is EINVAL',
  B2: 'an instance given its own number refuses it before it looks whether it is open',
  B3: 'a file that cannot be polled is watched, and never ready',
  B4: 'what is no instance is noticed after the watched descriptor, and an instance by its number alone',
  B5: 'EXCLUSIVE is not looked at, so a MOD with it of a stranger finds no subscription',
  C1: 'an instance has no handlers, so none can be watched',
  D1: 'of all readiness only IN, OUT, ERR and HUP are told',
  D2: 'readiness is handed out once for each time it is told, level-triggered or not',
  D4: 'a write that finds the pipe full tells nobody',
  D7: 'what was told is handed out without a look at the file, though it holds no more',
  D8: 'an event says what was told since the last one, and not all that holds',
  D10: 'ONESHOT is not looked at: a subscription is never disarmed',
  E1: 'maxevents has no upper bound',
  E2: 'maxevents is looked at before the descriptor',
  E4: 'events are taken before they are stored, so what cannot be stored is lost',
  E16: 'what keeps its place here was moved back by Linux, or the other way round',
  F1: 'the first to wait is the first to be woken',
  F9: 'EXCLUSIVE is not looked at: MOD may bring it, or change a subscription that has it',
  F10: 'EXCLUSIVE is not looked at: it goes with every other flag and with every file',
  F11: 'EXCLUSIVE is not looked at: every instance that watches is told',
  G4: 'subscriptions are keyed by descriptor alone, so a reused number is taken while the file lives',
  M4: 'RDHUP is never told',
} as const;
