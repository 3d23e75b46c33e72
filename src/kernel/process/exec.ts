/**
 * execve: the process goes on as another program, by which this kernel means another entry of the same one.
 *
 *     goes     memory, other threads, handlers (defaults now; what is ignored stays ignored), descriptors with FD_CLOEXEC
 *     stays    number, parent, group, other descriptors, signal mask, pending signals, timers
 *
 * The new memory is made before the old one is let go, so that the arguments can be copied straight over; a parent that
 * lent its memory (vfork) goes on from there. The entry's argument is an address:
 *
 *     far end of the new memory:   argc | pointers, and a null one | strings
 *
 * Linux: fs/exec.c, begin_new_exec; fs/binfmt_elf.c, create_elf_tables.
 */
import { NULL } from '../../shared-mem/pointer.ts';
import { E2BIG, EFAULT, ENOMEM } from '../abi/errno.ts';
import { SIG_DFL, SIG_IGN } from '../abi/flags-signal.ts';
import { memoryHeadLayout, POINTER_SIZE } from '../abi/layout.ts';
import { releaseFile } from '../file/ops-table.ts';
import { lockIrqOff, unlockIrqOn } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { TaskPtr } from '../task/task.ts';
import { EXECED, Frame, Task } from '../task/task.ts';
import type { AddressSpacePtr } from './address-space.ts';
import { dropAddressSpace, newAddressSpace, userBaseOf } from './address-space.ts';
import { clearTidWord, dropFdTable, freeFrames, replaceFdTable, returnMemory } from './exit.ts';
import type { FdTablePtr } from './fd-table.ts';
import { copyFdTable, FdTable, getCloexec, nextOpenFd, removeFd } from './fd-table.ts';
import type { ProcessPtr } from './process.ts';
import { ACTION_FLAGS, ACTION_HANDLER, ACTION_WORDS, Process } from './process.ts';
import { copyBytes, readUser64, userRangeOk, userStringLength, writeUser32, writeUser64 } from './user-memory.ts';

/**
 * The calling task, alone in its process, becomes another program.
 * @param argv user address of pointers to strings, a null one last; or 0
 * @returns EXECED, or -errno with nothing changed
 */
export function becomeProgram(t: TaskPtr, entry: number, argv: number): number {
  const bytes = argumentBytes(t, argv);
  if (bytes < 0) return bytes;
  const p = Task.process.get(t) as ProcessPtr;
  const space = newAddressSpace(0);
  if (space === 0) return -ENOMEM;
  const table = ownFdTable(t);
  if (table === 0) {
    dropAddressSpace(space);
    return -ENOMEM;
  }
  const argument = argv === 0 ? 0 : copyArguments(t, space, argv, bytes);
  closeOnExec(table);
  clearTidWord(t);
  forgetHandlers(p);
  returnMemory(p);
  Process.addressSpace.set(p, space);
  Process.userBase.set(p, userBaseOf(space));
  freeFrames(t);
  Frame.call.set(Task.firstFrame.at(t), -1);
  Frame.maskSaved.set(Task.firstFrame.at(t), 0);
  Task.entry.set(t, entry);
  Task.entryArgument.set(t, argument);
  return EXECED;
}

/** @returns what the arguments take at the far end: a quarter of the memory at most (E2BIG); or -EFAULT */
function argumentBytes(t: TaskPtr, argv: number): number {
  if (argv === 0) return 0;
  const most = Machine.userBytes.get(MACHINE) / 4;
  // argc, and the null pointer at the end.
  let bytes = 2 * POINTER_SIZE;
  for (let at = argv; ; at += POINTER_SIZE) {
    if (userRangeOk(t, at, POINTER_SIZE) === 0) return -EFAULT;
    const text = readUser64(at);
    if (text === 0) return Math.ceil(bytes / 16) * 16;
    const length = userStringLength(t, text, most);
    if (length < 0) return length;
    bytes += POINTER_SIZE + length + 1;
    if (bytes > most) return -E2BIG;
  }
}

/** @returns the address of argc in the new memory */
function copyArguments(t: TaskPtr, space: AddressSpacePtr, argv: number, bytes: number): number {
  const base = userBaseOf(space);
  const start = base + Machine.userBytes.get(MACHINE) - bytes;
  let argc = 0;
  while (readUser64(argv + argc * POINTER_SIZE) !== 0) argc++;
  let text = start + (argc + 2) * POINTER_SIZE;
  for (let i = 0; i < argc; i++) {
    const from = readUser64(argv + i * POINTER_SIZE);
    const length = userStringLength(t, from, bytes);
    copyBytes(text, from, length);
    writeUser64(start + (1 + i) * POINTER_SIZE, text);
    text += length + 1;
  }
  writeUser64(start, argc);
  writeUser32(base + memoryHeadLayout.reservedAtEnd, bytes);
  return start;
}

/** A table that no other task uses, so that what closes here stays open there. @returns it, or 0: none is left */
export function ownFdTable(t: TaskPtr): FdTablePtr {
  const table = Task.fdTable.get(t) as FdTablePtr;
  if (FdTable.refs.load(table) === 1) return table;
  const own = copyFdTable(table);
  if (own === 0) return NULL;
  dropFdTable(replaceFdTable(t, own));
  return own;
}

function closeOnExec(table: FdTablePtr): void {
  for (let fd = nextOpenFd(table, 0); fd >= 0; fd = nextOpenFd(table, fd + 1)) {
    if (getCloexec(table, fd) !== 1) continue;
    const f = removeFd(table, fd);
    if (f !== 0) releaseFile(f);
  }
}

/** No handler of the old program exists in the new one. */
function forgetHandlers(p: ProcessPtr): void {
  lockIrqOff(Process.signalLock.at(p));
  for (let at = 0; at < 64 * ACTION_WORDS; at += ACTION_WORDS) {
    if (Process.actions.getAt(p, at + ACTION_HANDLER) !== SIG_IGN)
      Process.actions.setAt(p, at + ACTION_HANDLER, SIG_DFL);
    Process.actions.setAt(p, at + ACTION_FLAGS, 0);
  }
  unlockIrqOn(Process.signalLock.at(p));
}
