/**
 * Descriptor tables. A slot is one atomic word, so that looking a descriptor up takes no lock and no reference:
 *
 *     bit 31      close-on-exec
 *     bits 24..30 the low bits of the file's generation
 *     bits 0..23  the file's index in its slab, plus one; 0: closed
 *
 * Numbers are handed out lowest first, under the table's lock. Closing empties the slot with one exchange; who gets
 * the old word drops the reference, after the lock.
 */
import { CHECKS } from '../../shared-mem/boot-constants.ts';
import { CLASS_FDTABLE } from '../../shared-mem/locks/classes.ts';
import { SpinLock } from '../../shared-mem/locks/spin-lock.ts';
import { panic } from '../../shared-mem/panic.ts';
import { AtomicArray } from '../../shared-mem/atomic.ts';
import type { Address, Ptr } from '../../shared-mem/pointer.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { allocRecord, generationOf, recordAt, RecordHeader, recordIndex } from '../../shared-mem/slab.ts';
import { atomic, embed, plain, struct } from '../../shared-mem/struct.ts';
import { EBADF, EMFILE } from '../abi/errno.ts';
import type { FilePtr } from '../file/file.ts';
import { holdFile } from '../file/lifetime.ts';
import { initClassLock, lock, unlock } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';

export type FdTablePtr = Ptr<'FdTable'>;

export const FdTable = struct('FdTable', {
  header: embed(RecordHeader),
  lock: embed(SpinLock),
  refs: atomic(),
  /** RLIMIT_NOFILE: numbers below it may be handed out. */
  limit: plain('lock'),
  /** How far the limit may be raised again; 0: as far as the machine has slots. */
  hardLimit: plain('lock'),
  /** No number below this one is free. */
  lowestFree: plain('lock'),
  /** One above the highest slot ever used. */
  top: plain('lock'),
  slots: plain<Address>('immutable'),
});

/** The slots themselves, addressed by their own first word. */
const SLOTS = { word: new AtomicArray<Address>(0) };

const CLOEXEC_BIT = 0x80000000 | 0;
export const SLOT_INDEX_MASK = 0xffffff;
export const SLOT_GENERATION_MASK = 0x7f;

/** @returns an empty table with one reference and a limit of 0, or 0 when none is left */
export function newFdTable(): FdTablePtr {
  const table = allocRecord(Machine.fdTables.at(MACHINE)) as FdTablePtr;
  if (table === 0) return NULL;
  initClassLock(FdTable.lock.at(table), CLASS_FDTABLE, 0);
  const index = recordIndex(Machine.fdTables.at(MACHINE), table);
  FdTable.slots.set(table, Machine.fdSlots.get(MACHINE) + index * Machine.nofile.get(MACHINE));
  FdTable.refs.store(table, 1);
  return table;
}

/** Another task uses the table. */
export function shareFdTable(table: FdTablePtr): FdTablePtr {
  FdTable.refs.add(table, 1);
  return table;
}

/**
 * A table with the same files under the same numbers, and the same limits. While the old table is locked each of its
 * slots keeps its file alive, so the copy may take references of its own.
 * @returns the copy, or 0 when none is left
 */
export function copyFdTable(from: FdTablePtr): FdTablePtr {
  const to = newFdTable();
  if (to === 0) return NULL;
  lock(FdTable.lock.at(from));
  const top = FdTable.top.get(from);
  const limit = FdTable.limit.get(from);
  const hardLimit = FdTable.hardLimit.get(from);
  const lowestFree = FdTable.lowestFree.get(from);
  for (let fd = 0; fd < top; fd++) {
    const slot = SLOTS.word.loadAt(FdTable.slots.get(from), fd);
    if (slot === 0) continue;
    holdFile(fileOfSlot(slot));
    SLOTS.word.storeAt(FdTable.slots.get(to), fd, slot);
  }
  unlock(FdTable.lock.at(from));
  lock(FdTable.lock.at(to));
  FdTable.top.set(to, top);
  FdTable.limit.set(to, limit);
  FdTable.hardLimit.set(to, hardLimit);
  FdTable.lowestFree.set(to, lowestFree);
  unlock(FdTable.lock.at(to));
  return to;
}

/** @returns the file behind a descriptor of the task, without a reference, or 0 */
export function lookupFile(t: TaskPtr, fd: number): FilePtr {
  const table = Task.fdTable.get(t);
  if (fd < 0 || fd >= Machine.nofile.get(MACHINE)) return NULL;
  // A plain read. Who finds a file that another CPU has just put there sees all of it (followAt). And the boundary between
  // traps ends in an atomic load (noteQuiescence), before which no later read can be taken, so a slot emptied before a grace
  // period is never seen filled after it.
  return fileOfSlot(SLOTS.word.followAt(FdTable.slots.get(table), fd));
}

function fileOfSlot(slot: number): FilePtr {
  if (slot === 0) return NULL;
  const f = recordAt(Machine.files.at(MACHINE), (slot & SLOT_INDEX_MASK) - 1) as FilePtr;
  // The record is not reused while this CPU looks (quiescence); a mismatch would be that promise broken.
  if (CHECKS && (generationOf(f) & SLOT_GENERATION_MASK) !== ((slot >> 24) & SLOT_GENERATION_MASK)) {
    panic('a descriptor leads to a record that was reused');
  }
  return f;
}

function slotOfFile(f: FilePtr, cloexec: number): number {
  const index = recordIndex(Machine.files.at(MACHINE), f) + 1;
  return index | ((generationOf(f) & SLOT_GENERATION_MASK) << 24) | (cloexec !== 0 ? CLOEXEC_BIT : 0);
}

/**
 * Gives `f` the lowest free number that is at least `from`; the slot takes over the caller's reference.
 * @returns the number or -EMFILE
 */
export function installFd(table: FdTablePtr, f: FilePtr, cloexec: number, from: number): number {
  lock(FdTable.lock.at(table));
  const slots = FdTable.slots.get(table);
  const limit = FdTable.limit.get(table);
  const lowestFree = FdTable.lowestFree.get(table);
  let fd = Math.max(from, lowestFree);
  while (fd < limit && SLOTS.word.loadAt(slots, fd) !== 0) fd++;
  if (fd >= limit) {
    unlock(FdTable.lock.at(table));
    return -EMFILE;
  }
  SLOTS.word.storeAt(slots, fd, slotOfFile(f, cloexec));
  if (from <= lowestFree) FdTable.lowestFree.set(table, fd + 1);
  if (fd >= FdTable.top.get(table)) FdTable.top.set(table, fd + 1);
  unlock(FdTable.lock.at(table));
  return fd;
}

/** Puts `f` at exactly `fd` (dup2). @returns the file that stood there, whose reference is the caller's now, or 0 */
export function replaceFd(table: FdTablePtr, f: FilePtr, cloexec: number, fd: number): FilePtr {
  lock(FdTable.lock.at(table));
  const old = SLOTS.word.exchangeAt(FdTable.slots.get(table), fd, slotOfFile(f, cloexec));
  if (fd >= FdTable.top.get(table)) FdTable.top.set(table, fd + 1);
  unlock(FdTable.lock.at(table));
  return fileOfSlot(old);
}

/** Empties a slot. @returns the file that stood there, whose reference is the caller's now, or 0 */
export function removeFd(table: FdTablePtr, fd: number): FilePtr {
  if (fd < 0 || fd >= Machine.nofile.get(MACHINE)) return NULL;
  lock(FdTable.lock.at(table));
  const old = SLOTS.word.exchangeAt(FdTable.slots.get(table), fd, 0);
  if (old !== 0 && fd < FdTable.lowestFree.get(table)) FdTable.lowestFree.set(table, fd);
  unlock(FdTable.lock.at(table));
  return fileOfSlot(old);
}

/** @returns 0, 1 (FD_CLOEXEC) or -EBADF */
export function getCloexec(table: FdTablePtr, fd: number): number {
  if (fd < 0 || fd >= Machine.nofile.get(MACHINE)) return -EBADF;
  const slot = SLOTS.word.loadAt(FdTable.slots.get(table), fd);
  return slot === 0 ? -EBADF : slot >>> 31;
}

export function setCloexec(table: FdTablePtr, fd: number, cloexec: number): number {
  if (fd < 0 || fd >= Machine.nofile.get(MACHINE)) return -EBADF;
  lock(FdTable.lock.at(table));
  const slots = FdTable.slots.get(table);
  const slot = SLOTS.word.loadAt(slots, fd);
  if (slot !== 0) SLOTS.word.storeAt(slots, fd, cloexec !== 0 ? slot | CLOEXEC_BIT : slot & ~CLOEXEC_BIT);
  unlock(FdTable.lock.at(table));
  return slot === 0 ? -EBADF : 0;
}

/** The lowest number at or above `from` that is open, or -1; for closing all of them at exit. */
export function nextOpenFd(table: FdTablePtr, from: number): number {
  lock(FdTable.lock.at(table));
  const top = FdTable.top.get(table);
  const slots = FdTable.slots.get(table);
  let fd = from;
  while (fd < top && SLOTS.word.loadAt(slots, fd) === 0) fd++;
  unlock(FdTable.lock.at(table));
  return fd < top ? fd : -1;
}
