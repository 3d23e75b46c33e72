/**
 * VeridianOS's registry: every instance of the machine, by number, under one lock. An operation takes the lock, finds the
 * instance, does its work and lets go; so operations on different instances wait for each other.
 *
 * A node in the file table holds a number and no instance: what the number leads to is looked up anew each time, and who
 * comes after the instance has ended finds nothing.
 *
 * Source: doublegate/VeridianOS v0.25.2, kernel/src/net/epoll.rs (EPOLL_REGISTRY, epoll_create, epoll_ctl, epoll_destroy).
 */
import { IntMap, MAP_KEYS, mapFind, mapInsert, mapRemove } from '../../../shared-mem/int-map.ts';
import { allocRecord, freeRecord } from '../../../shared-mem/slab.ts';
import { EBADF, EINVAL, ENFILE } from '../../abi/errno.ts';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD } from '../../abi/flags-event.ts';
import { lock, unlock } from '../../irq/locking.ts';
import { MACHINE, Machine } from '../../machine-record.ts';
import { addEntryLocked, changeEntryLocked, removeAllLocked, removeEntryLocked } from './entries.ts';
import type { VeridianInstancePtr, VeridianRegistryPtr } from './records.ts';
import { INSTANCES_MAX, VeridianInstance, VeridianRegistry } from './records.ts';

export function lockRegistry(): VeridianRegistryPtr {
  const r = Machine.epollRegistry.at(MACHINE);
  lock(VeridianRegistry.lock.at(r));
  return r;
}
export function unlockRegistry(r: VeridianRegistryPtr): void {
  unlock(VeridianRegistry.lock.at(r));
}

/** @returns the instance of that number, or 0 */
export function instanceLocked(r: VeridianRegistryPtr, number: number): VeridianInstancePtr {
  return mapFind(VeridianRegistry.byNumber.at(r), number) as VeridianInstancePtr;
}

/** @returns the number of a new instance, from 1 on, or -ENFILE */
export function registerInstance(): number {
  const r = lockRegistry();
  const number = registerLocked(r);
  unlockRegistry(r);
  return number;
}

function registerLocked(r: VeridianRegistryPtr): number {
  if (IntMap.count.get(VeridianRegistry.byNumber.at(r)) >= INSTANCES_MAX) return -ENFILE;
  const e = allocRecord(Machine.epolls.at(MACHINE)) as VeridianInstancePtr;
  if (e === 0) return -ENFILE;
  const number = nextNumberLocked(r);
  if (mapInsert(VeridianRegistry.byNumber.at(r), Machine.mapNodes.at(MACHINE), number, e) === 0) {
    freeRecord(Machine.epolls.at(MACHINE), e);
    return -ENFILE;
  }
  VeridianInstance.number.set(e, number);
  return number;
}

/** Counts up; after 2^30 instances it comes round, past those that still live. */
function nextNumberLocked(r: VeridianRegistryPtr): number {
  let number = VeridianRegistry.lastNumber.get(r);
  do {
    number = number + 1 < MAP_KEYS ? number + 1 : 1;
  } while (instanceLocked(r, number) !== 0);
  VeridianRegistry.lastNumber.set(r, number);
  return number;
}

/** The node is dropped: its instance ends, and all that it watched is forgotten. */
export function destroyInstance(number: number): void {
  const r = lockRegistry();
  const e = mapRemove(VeridianRegistry.byNumber.at(r), Machine.mapNodes.at(MACHINE), number) as VeridianInstancePtr;
  if (e !== 0) {
    removeAllLocked(e);
    freeRecord(Machine.epolls.at(MACHINE), e);
  }
  unlockRegistry(r);
}

/** epoll_ctl, once the descriptor has led to a number. @param event user address, checked; 0 for none */
export function controlInstance(number: number, op: number, fd: number, event: number): number {
  const r = lockRegistry();
  const e = instanceLocked(r, number);
  const answer = e === 0 ? -EBADF : controlInstanceLocked(e, op, fd, event);
  unlockRegistry(r);
  return answer;
}

function controlInstanceLocked(e: VeridianInstancePtr, op: number, fd: number, event: number): number {
  if (op === EPOLL_CTL_ADD) return addEntryLocked(e, fd, event);
  if (op === EPOLL_CTL_DEL) return removeEntryLocked(e, fd);
  return op === EPOLL_CTL_MOD ? changeEntryLocked(e, fd, event) : -EINVAL;
}
