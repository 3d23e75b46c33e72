/**
 * VeridianOS's interest list: the entries of one instance, ordered by descriptor. The registry's lock is held throughout.
 *
 * The number is taken as it is given: nobody looks whether a descriptor has it, so it may as well be negative. Such
 * strangers have no place in the map, which holds numbers that a descriptor can have, and are found in the list.
 *
 * Source: doublegate/VeridianOS v0.25.2, kernel/src/net/epoll.rs (ctl_add, ctl_del, ctl_mod).
 */
import { MAP_KEYS, mapCeiling, mapFind, mapInsert, mapRemove } from '../../../shared-mem/int-map.ts';
import { List, listInsertBefore, ListNode, listRemove } from '../../../shared-mem/list.ts';
import { NULL } from '../../../shared-mem/pointer.ts';
import { allocRecord, freeRecord } from '../../../shared-mem/slab.ts';
import { EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC } from '../../abi/errno.ts';
import { EPOLLET, EPOLLONESHOT } from '../../abi/flags-event.ts';
import { MACHINE, Machine } from '../../machine-record.ts';
import { eventDataHigh, eventDataLow, eventMask } from '../event-store.ts';
import type { VeridianEntryPtr, VeridianInstancePtr } from './records.ts';
import { ENTRIES_MAX, VeridianEntry, VeridianInstance } from './records.ts';

const EDGE = EPOLLET | 0;
const MODES = EDGE | EPOLLONESHOT;

function canBeDescriptor(fd: number): boolean {
  return fd >= 0 && fd < MAP_KEYS;
}

function entryOfLocked(e: VeridianInstancePtr, fd: number): VeridianEntryPtr {
  if (canBeDescriptor(fd)) return mapFind(VeridianInstance.byFd.at(e), fd) as VeridianEntryPtr;
  const before = entryAboveLocked(e, fd - 1);
  return before !== 0 && VeridianEntry.fd.get(before) === fd ? before : (0 as VeridianEntryPtr);
}

/** The first entry whose number is above `fd`, or 0. */
function entryAboveLocked(e: VeridianInstancePtr, fd: number): VeridianEntryPtr {
  let above = 0 as VeridianEntryPtr;
  if (canBeDescriptor(fd)) above = mapCeiling(VeridianInstance.byFd.at(e), fd + 1) as VeridianEntryPtr;
  if (above !== 0) return above;
  let node = List.last.get(VeridianInstance.inOrder.at(e));
  while (node !== 0 && VeridianEntry.fd.get(VeridianEntry.node.outer(node)) > fd) {
    above = VeridianEntry.node.outer(node);
    node = ListNode.prev.get(node);
  }
  return above;
}

/** @param event user address of the event, checked; 0 for none @returns 0 or -errno */
export function addEntryLocked(e: VeridianInstancePtr, fd: number, event: number): number {
  if (event === 0) return -EINVAL;
  if (entryOfLocked(e, fd) !== 0) return -EEXIST;
  if (List.count.get(VeridianInstance.inOrder.at(e)) >= ENTRIES_MAX) return -ENOSPC;
  const i = allocRecord(Machine.interests.at(MACHINE)) as VeridianEntryPtr;
  if (i === 0) return -ENOSPC;
  if (canBeDescriptor(fd) && mapInsert(VeridianInstance.byFd.at(e), Machine.mapNodes.at(MACHINE), fd, i) === 0) {
    freeRecord(Machine.interests.at(MACHINE), i);
    return -ENOMEM;
  }
  VeridianEntry.fd.set(i, fd);
  storeRequest(i, event);
  const above = entryAboveLocked(e, fd);
  listInsertBefore(
    VeridianInstance.inOrder.at(e),
    above === 0 ? NULL : VeridianEntry.node.at(above),
    VeridianEntry.node.at(i),
  );
  return 0;
}

/** A one-shot entry that was told is told again from here on. */
export function changeEntryLocked(e: VeridianInstancePtr, fd: number, event: number): number {
  if (event === 0) return -EINVAL;
  const i = entryOfLocked(e, fd);
  if (i === 0) return -ENOENT;
  storeRequest(i, event);
  return 0;
}

export function removeEntryLocked(e: VeridianInstancePtr, fd: number): number {
  const i = entryOfLocked(e, fd);
  if (i === 0) return -ENOENT;
  if (canBeDescriptor(fd)) mapRemove(VeridianInstance.byFd.at(e), Machine.mapNodes.at(MACHINE), fd);
  listRemove(VeridianInstance.inOrder.at(e), VeridianEntry.node.at(i));
  freeRecord(Machine.interests.at(MACHINE), i);
  return 0;
}

/** The instance ends. */
export function removeAllLocked(e: VeridianInstancePtr): void {
  for (;;) {
    const node = List.first.get(VeridianInstance.inOrder.at(e));
    if (node === 0) return;
    removeEntryLocked(e, VeridianEntry.fd.get(VeridianEntry.node.outer(node)));
  }
}

function storeRequest(i: VeridianEntryPtr, event: number): void {
  const mask = eventMask(event);
  VeridianEntry.events.set(i, mask & ~MODES);
  VeridianEntry.edgeTriggered.set(i, (mask & EDGE) !== 0 ? 1 : 0);
  VeridianEntry.oneShot.set(i, (mask & EPOLLONESHOT) !== 0 ? 1 : 0);
  VeridianEntry.disabled.set(i, 0);
  VeridianEntry.dataLow.set(i, eventDataLow(event));
  VeridianEntry.dataHigh.set(i, eventDataHigh(event));
}
