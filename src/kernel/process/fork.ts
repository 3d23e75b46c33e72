/**
 * Birth of a process by another one. What a child gets is decided by clone's flags:
 *
 *     memory        a copy at other addresses, or with CLONE_VM the parent's own
 *     descriptors   a copy of the table, or with CLONE_FILES the parent's own
 *     dispositions  a copy; CLONE_CLEAR_SIGHAND: handlers become defaults
 *     mask, group, session, limits   as the parent's
 *     pending signals, timers        none
 *
 * A generator cannot be copied, so the child does not return from clone: it starts at an entry of the program, as a
 * thread does.
 *
 * Linux: kernel/fork.c, copy_process.
 */
import { setWordAt, wordAt } from '../../shared-mem/plain.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { freeRecord, generationOf } from '../../shared-mem/slab.ts';
import { EAGAIN, ENOMEM } from '../abi/errno.ts';
import { SIG_DFL, SIG_IGN } from '../abi/flags-signal.ts';
import { CLONE_FILES, CLONE_PARENT, CLONE_VFORK, CLONE_VM } from '../abi/flags-task.ts';
import { lock, lockIrqOff, unlock, unlockIrqOn } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';
import type { AddressSpacePtr } from './address-space.ts';
import { dropAddressSpace, newAddressSpace, shareAddressSpace } from './address-space.ts';
import { adoptChild } from './children.ts';
import { dropFdTable } from './exit.ts';
import type { FdTablePtr } from './fd-table.ts';
import { copyFdTable, shareFdTable } from './fd-table.ts';
import type { ProcessPtr } from './process.ts';
import { ACTION_HANDLER, ACTION_WORDS, Process, PROCESS_LIVE, RESOURCES } from './process.ts';
import { newProcess, prepareThread } from './spawn.ts';

/** What the 64 dispositions of a process take. */
const ALL_ACTION_WORDS = 64 * ACTION_WORDS;
/** And its limits: two float64 for each resource. */
const LIMIT_WORDS = RESOURCES * 4;

/**
 * A child of the calling task's process, with one thread that is not launched yet.
 * @param flags of clone, @param clearHandlers CLONE_CLEAR_SIGHAND, which has no place among 32 bits
 * @returns its first thread; or -ENOMEM when memory or tables are exhausted, -EAGAIN when processes or tasks are
 */
export function forkProcess(
  t: TaskPtr,
  flags: number,
  clearHandlers: boolean,
  exitSignal: number,
  entry: number,
  argument: number,
  home: number,
): number {
  const creator = Task.process.get(t) as ProcessPtr;
  const space = memoryFor(creator, flags);
  if (space === 0) return -ENOMEM;
  const p = newProcess(space, Process.image.get(creator), exitSignal);
  const table = p === 0 ? NULL : tableFor(t, flags);
  const child = table === 0 ? NULL : prepareThread(p, t, table, entry, argument, home);
  if (child === 0) {
    if (table !== 0) dropFdTable(table);
    if (p !== 0) freeRecord(Machine.processes.at(MACHINE), p);
    dropAddressSpace(space);
    return p !== 0 && table === 0 ? -ENOMEM : -EAGAIN;
  }
  copyActions(creator, p, clearHandlers);
  copyLimits(creator, p);
  if ((flags & CLONE_VFORK) !== 0) {
    Process.lender.set(p, creator);
    Process.lenderGeneration.set(p, generationOf(creator));
  }
  Process.state.store(p, PROCESS_LIVE);
  adoptChild(creator, p, (flags & CLONE_PARENT) !== 0);
  return child;
}

function memoryFor(creator: ProcessPtr, flags: number): AddressSpacePtr {
  if ((flags & CLONE_VM) === 0) return newAddressSpace(Process.userBase.get(creator));
  return shareAddressSpace(Process.addressSpace.get(creator) as AddressSpacePtr);
}

function tableFor(t: TaskPtr, flags: number): FdTablePtr {
  const table = Task.fdTable.get(t) as FdTablePtr;
  return (flags & CLONE_FILES) !== 0 ? shareFdTable(table) : copyFdTable(table);
}

/** The limit of descriptors came with their table. */
function copyLimits(from: ProcessPtr, to: ProcessPtr): void {
  lock(Process.lock.at(from));
  for (let word = 0; word < LIMIT_WORDS; word++) {
    setWordAt(to + Process.limits.off + word, wordAt(from + Process.limits.off + word));
  }
  unlock(Process.lock.at(from));
}

/** Nobody else reaches the newborn yet, so its words are written without its lock. */
function copyActions(from: ProcessPtr, to: ProcessPtr, clearHandlers: boolean): void {
  lockIrqOff(Process.signalLock.at(from));
  for (let word = 0; word < ALL_ACTION_WORDS; word++) {
    const value = Process.actions.getAt(from, word);
    const cleared = clearHandlers && word % ACTION_WORDS === ACTION_HANDLER && value !== SIG_IGN;
    setWordAt(to + Process.actions.off + word, cleared ? SIG_DFL : value);
  }
  unlockIrqOn(Process.signalLock.at(from));
}
