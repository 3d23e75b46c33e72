/**
 * Kevlar's interests: entering one into an instance's map, asking it for something else, taking it out. Each holds its file,
 * and counts among those for whose sake a source keeps a generation.
 *
 * Source: levkropp/kevlar at e4fb1b5, kernel/fs/epoll.rs (add, modify, delete).
 */
import { mapCeiling, mapFind, mapInsert, mapRemove } from '../../../shared-mem/int-map.ts';
import { listInsertBefore, listRemove } from '../../../shared-mem/list.ts';
import { NULL } from '../../../shared-mem/pointer.ts';
import { allocRecord, freeRecord } from '../../../shared-mem/slab.ts';
import { EBADF, EEXIST, ENOENT, ENOMEM } from '../../abi/errno.ts';
import { EPOLLET } from '../../abi/flags-event.ts';
import type { FilePtr } from '../../file/file.ts';
import { Changes, File, KIND_EPOLL, KIND_EVENTFD } from '../../file/file.ts';
import { releaseFile } from '../../file/ops-table.ts';
import { lock, unlock } from '../../irq/locking.ts';
import { MACHINE, Machine } from '../../machine-record.ts';
import { eventDataHigh, eventDataLow, eventMask } from '../event-store.ts';
import type { KevlarEpollPtr, KevlarInterestPtr } from './interest.ts';
import { KevlarEpoll, KevlarInterest } from './interest.ts';

const EDGE = EPOLLET | 0;

/** Takes over the caller's reference to `target`. */
export function insertInterest(e: KevlarEpollPtr, target: FilePtr, fd: number, event: number): number {
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
export function kevlarModify(e: KevlarEpollPtr, fd: number, event: number): number {
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

export function kevlarDelete(e: KevlarEpollPtr, fd: number): number {
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
