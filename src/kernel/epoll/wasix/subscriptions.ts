/**
 * Subscriptions: adding, changing and removing what an instance watches. The instance's mutex is held throughout.
 *
 * A subscription is reached in three ways, and is free once it is out of all three: from the queue of its file (its
 * handler, under the queue's lock), from its instance (under the mutex), from the list of the file's watchers (under the
 * file's lock; the file's end looks for its subscriptions there). It holds no reference to the file. Taking the handler out
 * is what WASIX's guards do when they are dropped; here it is always done before another is put in, and outside of the
 * source's own lock (bugs 22 and 23 of its history).
 *
 * Source: wasmerio/wasmer, lib/wasix/src/os/epoll/mod.rs and lib/wasix/src/syscalls/wasix/epoll_ctl.rs.
 */
import { mapFind, mapInsert, mapRemove } from '../../../shared-mem/int-map.ts';
import { listAppend, listRemove } from '../../../shared-mem/list.ts';
import { NULL } from '../../../shared-mem/pointer.ts';
import { allocRecord, freeRecord } from '../../../shared-mem/slab.ts';
import { ENOENT, ENOMEM, ENOSPC } from '../../abi/errno.ts';
import type { FilePtr } from '../../file/file.ts';
import { File, KIND_DEVICE, KIND_MEMFD } from '../../file/file.ts';
import { fileOps } from '../../file/ops-table.ts';
import { lock, unlock } from '../../irq/locking.ts';
import { MACHINE, Machine } from '../../machine-record.ts';
import type { TaskPtr } from '../../task/task.ts';
import { leaveCallback, standCallback } from '../callback-stand.ts';
import { eventDataHigh, eventDataLow, eventMask } from '../event-store.ts';
import { queueForFile } from '../source.ts';
import { notifyInstance } from './drain.ts';
import { pendingBitsOf, pushBits, trackedBits } from './push.ts';
import { freeEntry, mayAddEntry, nameEntry, newEntry, returnEntry, sweepQueue, takeSpare } from './queue.ts';
import type { WasixEpollPtr, WasixSubPtr } from './records.ts';
import { WasixEpoll, WasixSub } from './records.ts';

/**
 * @returns the subscription of a number, or 0. One whose file has ended, but whose end is not through yet, is none any
 * more, and its number is free.
 */
export function findSubscription(e: WasixEpollPtr, fd: number): WasixSubPtr {
  const s = mapFind(WasixEpoll.byFd.at(e), fd) as WasixSubPtr;
  if (s === 0 || File.refs.load(WasixSub.file.get(s)) > 0) return s;
  unmapSubscription(e, s);
  return NULL;
}

function unmapSubscription(e: WasixEpollPtr, s: WasixSubPtr): void {
  if (WasixSub.mapped.get(s) === 0) return;
  WasixSub.mapped.set(s, 0);
  mapRemove(WasixEpoll.byFd.at(e), Machine.mapNodes.at(MACHINE), WasixSub.fd.get(s));
}

/** A new subscription, of generation 1; then it is told what is so already. The caller holds the file. @returns 0 or -errno */
export function addSubscription(e: WasixEpollPtr, f: FilePtr, fd: number, event: number, t: TaskPtr): number {
  const s = allocRecord(Machine.interests.at(MACHINE)) as WasixSubPtr;
  if (s === 0) return -ENOSPC;
  WasixSub.epoll.set(s, e);
  WasixSub.fd.set(s, fd);
  WasixSub.generation.set(s, 1);
  const entry = newEntry(e, s);
  if (entry === 0) {
    freeRecord(Machine.interests.at(MACHINE), s);
    return -ENOSPC;
  }
  if (mapInsert(WasixEpoll.byFd.at(e), Machine.mapNodes.at(MACHINE), fd, s) === 0) {
    freeEntry(e, entry);
    freeRecord(Machine.interests.at(MACHINE), s);
    return -ENOMEM;
  }
  WasixSub.mapped.set(s, 1);
  WasixEpoll.subscriptions.set(e, WasixEpoll.subscriptions.get(e) + 1);
  storeMeta(s, event);
  returnEntry(e, s, entry);
  attachSource(e, s, f, t);
  return 0;
}

/**
 * MOD makes a subscription anew, of the next generation and without pending bits: first its handler goes, so that nobody
 * pushes; then it is what its number names now that it watches. @returns 0 or -errno
 */
export function modifySubscription(e: WasixEpollPtr, s: WasixSubPtr, f: FilePtr, event: number, t: TaskPtr): number {
  if (detachSource(s, 0) === 0) return -ENOENT;
  WasixSub.generation.set(s, (WasixSub.generation.get(s) + 1) | 0);
  WasixSub.pending.store(s, 0);
  WasixSub.enqueued.store(s, 0);
  const spare = takeSpare(e, s);
  if (spare !== 0) nameEntry(spare, s);
  if (spare === 0 && !mayAddEntry(e)) sweepQueue(e);
  const entry = spare !== 0 ? spare : newEntry(e, s);
  storeMeta(s, event);
  returnEntry(e, s, entry);
  attachSource(e, s, f, t);
  return 0;
}

function storeMeta(s: WasixSubPtr, event: number): void {
  WasixSub.events.set(s, eventMask(event));
  WasixSub.dataLow.set(s, eventDataLow(event));
  WasixSub.dataHigh.set(s, eventDataHigh(event));
}

/** Regular files and devices have no handlers: they are watched, and never ready. */
function callsHandlers(f: FilePtr): boolean {
  const kind = File.kind.get(f);
  return kind !== KIND_MEMFD && kind !== KIND_DEVICE;
}

/** The handler comes before the look: a change after the look finds the handler, one before it is found by the look. */
function attachSource(e: WasixEpollPtr, s: WasixSubPtr, f: FilePtr, t: TaskPtr): void {
  WasixSub.file.set(s, f);
  lock(File.lock.at(f));
  listAppend(File.watchers.at(f), WasixSub.fileNode.at(s));
  File.watcherCount.add(f, 1);
  unlock(File.lock.at(f));
  if (!callsHandlers(f)) return;
  standCallback(queueForFile(f), WasixSub.stand.at(s), s, 0);
  const ready = pendingBitsOf(fileOps[File.kind.get(f)]!.poll(f, t));
  if (pushBits(s, ready & trackedBits(WasixSub.events.get(s))) === 1) notifyInstance(e, f, WasixSub.events.get(s));
}

/** @param ofFile 1: the file's end, which has marked it @returns 0 if that has found it first, and will come for it */
function detachSource(s: WasixSubPtr, ofFile: number): number {
  leaveCallback(WasixSub.stand.at(s));
  const f = WasixSub.file.get(s);
  lock(File.lock.at(f));
  const theirs = WasixSub.dying.get(s) === 1 && ofFile === 0;
  if (!theirs) {
    listRemove(File.watchers.at(f), WasixSub.fileNode.at(s));
    File.watcherCount.sub(f, 1);
  }
  unlock(File.lock.at(f));
  return theirs ? 0 : 1;
}

/** Its entry, if it is in the queue, stays there and names nobody. @returns 0 if the file's end will come for it */
export function removeSubscription(e: WasixEpollPtr, s: WasixSubPtr, ofFile: number): number {
  if (detachSource(s, ofFile) === 0) return 0;
  unmapSubscription(e, s);
  const spare = takeSpare(e, s);
  if (spare !== 0) freeEntry(e, spare);
  freeRecord(Machine.interests.at(MACHINE), s);
  WasixEpoll.subscriptions.set(e, WasixEpoll.subscriptions.get(e) - 1);
  if (!mayAddEntry(e)) sweepQueue(e);
  return 1;
}
