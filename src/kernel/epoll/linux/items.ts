/**
 * Items: adding, changing and removing what an instance watches. The instance's mutex is held throughout.
 *
 * An item is reached in three ways, and is free once it is out of all three: from the queue of its file (a callback,
 * under the queue's lock), from its instance (under the mutex), from the list of the file's watchers (under the file's
 * lock; the file's end looks for its items there). It holds no reference to the file: when the file ends, the item does.
 *
 * Linux: fs/eventpoll.c, ep_insert, ep_modify, __ep_remove.
 */
import { mapFind, mapInsert, mapRemove, mapReplace } from '../../../shared-mem/int-map.ts';
import { listAppend, listRemove } from '../../../shared-mem/list.ts';
import { NULL } from '../../../shared-mem/pointer.ts';
import { allocRecord, freeRecord } from '../../../shared-mem/slab.ts';
import { ENOMEM, ENOSPC } from '../../abi/errno.ts';
import { EPOLLERR, EPOLLEXCLUSIVE, EPOLLHUP, EPOLLWAKEUP } from '../../abi/flags-event.ts';
import type { FilePtr } from '../../file/file.ts';
import { File, KIND_EPOLL } from '../../file/file.ts';
import { fileOps } from '../../file/ops-table.ts';
import { lock, unlock } from '../../irq/locking.ts';
import { MACHINE, Machine } from '../../machine-record.ts';
import type { TaskPtr } from '../../task/task.ts';
import { leaveCallback, standCallback } from '../callback-stand.ts';
import { eventDataHigh, eventDataLow, eventMask } from '../event-store.ts';
import { queueForFile } from '../source.ts';
import { wakeInstance } from './callbacks.ts';
import { forgetReady, listReady } from './ready.ts';
import type { LinuxEpollPtr, LinuxItemPtr } from './records.ts';
import { LinuxEpoll, LinuxItem } from './records.ts';

/** @returns the item of that file under that number, or 0 */
export function findItem(e: LinuxEpollPtr, f: FilePtr, fd: number): LinuxItemPtr {
  let i = mapFind(LinuxEpoll.byFd.at(e), fd) as LinuxItemPtr;
  while (i !== 0 && LinuxItem.file.get(i) !== f) i = LinuxItem.nextSameFd.get(i);
  return i;
}

/**
 * A new item, listed with instance and file, but not yet in the file's queue. The caller holds the file.
 * @returns it, or -ENOSPC (the quota of watches), or -ENOMEM
 */
export function makeItem(e: LinuxEpollPtr, f: FilePtr, fd: number, event: number): number {
  const i = allocRecord(Machine.interests.at(MACHINE)) as LinuxItemPtr;
  if (i === 0) return -ENOSPC;
  LinuxItem.epoll.set(i, e);
  LinuxItem.file.set(i, f);
  LinuxItem.fd.set(i, fd);
  storeEvents(i, event);
  const others = mapFind(LinuxEpoll.byFd.at(e), fd) as LinuxItemPtr;
  if (others !== 0) {
    LinuxItem.nextSameFd.set(i, LinuxItem.nextSameFd.get(others));
    LinuxItem.nextSameFd.set(others, i);
  } else if (mapInsert(LinuxEpoll.byFd.at(e), Machine.mapNodes.at(MACHINE), fd, i) === 0) {
    freeRecord(Machine.interests.at(MACHINE), i);
    return -ENOMEM;
  }
  lock(File.lock.at(f));
  listAppend(File.watchers.at(f), LinuxItem.fileNode.at(i));
  File.watcherCount.add(f, 1);
  unlock(File.lock.at(f));
  if (File.kind.get(f) === KIND_EPOLL) LinuxEpoll.nested.add(e, 1);
  return i;
}

/** From here on changes of the file reach the item; what is so already is noticed now (B18). */
export function activateItem(e: LinuxEpollPtr, i: LinuxItemPtr, t: TaskPtr): void {
  const exclusive = (LinuxItem.events.peek(i) & EPOLLEXCLUSIVE) !== 0 ? 1 : 0;
  standCallback(queueForFile(LinuxItem.file.get(i)), LinuxItem.stand.at(i), i, exclusive);
  announce(e, i, t);
}

/** MOD: mask and data change together as far as anyone under the mutex can see; then the file is looked at (B17, B18). */
export function changeItem(e: LinuxEpollPtr, i: LinuxItemPtr, t: TaskPtr, event: number): void {
  storeEvents(i, event);
  announce(e, i, t);
}

/**
 * The mask is stored before the file is looked at, both sequentially consistent: a change of the file that comes too
 * early for this look finds the new mask, or the look finds the change.
 */
function announce(e: LinuxEpollPtr, i: LinuxItemPtr, t: TaskPtr): void {
  const ready = pollItem(i, t);
  if (ready !== 0 && listReady(e, i) === 1) wakeInstance(e, LinuxItem.file.get(i), ready);
}

/** What of the asked-for readiness holds now. */
export function pollItem(i: LinuxItemPtr, t: TaskPtr): number {
  const f = LinuxItem.file.get(i);
  return fileOps[File.kind.get(f)]!.poll(f, t) & LinuxItem.events.peek(i);
}

/** EPOLLWAKEUP is dropped without a word: nothing here ever suspends (B13). */
function storeEvents(i: LinuxItemPtr, event: number): void {
  LinuxItem.dataLow.set(i, eventDataLow(event));
  LinuxItem.dataHigh.set(i, eventDataHigh(event));
  LinuxItem.events.store(i, (eventMask(event) & ~EPOLLWAKEUP) | EPOLLERR | EPOLLHUP);
}

/**
 * Takes an item away. @param ofFile 1: the file's end, which has marked it
 * @returns 1, or 0 if the file's end has found it first and will come for it
 */
export function removeItem(e: LinuxEpollPtr, i: LinuxItemPtr, ofFile: number): number {
  leaveCallback(LinuxItem.stand.at(i));
  const f = LinuxItem.file.get(i);
  lock(File.lock.at(f));
  const theirs = LinuxItem.dying.get(i) === 1 && ofFile === 0;
  if (!theirs) {
    listRemove(File.watchers.at(f), LinuxItem.fileNode.at(i));
    File.watcherCount.sub(f, 1);
  }
  unlock(File.lock.at(f));
  if (theirs) return 0;
  if (File.kind.get(f) === KIND_EPOLL) LinuxEpoll.nested.sub(e, 1);
  unmapItem(e, i);
  forgetReady(e, i);
  freeRecord(Machine.interests.at(MACHINE), i);
  return 1;
}

function unmapItem(e: LinuxEpollPtr, i: LinuxItemPtr): void {
  const fd = LinuxItem.fd.get(i);
  const next = LinuxItem.nextSameFd.get(i);
  let before = mapFind(LinuxEpoll.byFd.at(e), fd) as LinuxItemPtr;
  if (before !== i) {
    while (LinuxItem.nextSameFd.get(before) !== i) before = LinuxItem.nextSameFd.get(before);
    LinuxItem.nextSameFd.set(before, next);
    return;
  }
  if (next === NULL) mapRemove(LinuxEpoll.byFd.at(e), Machine.mapNodes.at(MACHINE), fd);
  else mapReplace(LinuxEpoll.byFd.at(e), fd, next);
}
