/**
 * clone, clone3: threads and processes, by flags. unshare: a descriptor table of one's own.
 *
 * A newborn's "stack" carries what it runs, as a C library puts it there: at the address given, three eight-byte words:
 * the entry's number, its argument (float64), its home CPU (-1: any that the caller's affinity allows). It is looked at
 * once, before the newborn exists.
 * A clone without a stack, fork and vfork would return twice, which a generator cannot: ENOSYS.
 *
 * With CLONE_VFORK the caller waits until the child has ended or begun another program. Only death interrupts that.
 *
 * Not here, and refused: namespaces (EPERM, as without CAP_SYS_ADMIN), CLONE_PIDFD, CLONE_SIGHAND without CLONE_THREAD,
 * and the numbers of set_tid (EINVAL).
 *
 * Linux: kernel/fork.c, copy_process, clone3_args_valid.
 */
import { generationOf, isAlive } from '../../shared-mem/slab.ts';
import { E2BIG, EAGAIN, EFAULT, EINVAL, ENOMEM, ENOSYS, EPERM } from '../abi/errno.ts';
import { SIGRTMAX } from '../abi/flags-signal.ts';
import {
  CLONE_CHILD_CLEARTID,
  CLONE_CHILD_SETTID,
  CLONE_CLEAR_SIGHAND,
  CLONE_DETACHED,
  CLONE_FILES,
  CLONE_FS,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  CLONE_PARENT_SETTID,
  CLONE_PIDFD,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VFORK,
  CLONE_VM,
  CSIGNAL,
} from '../abi/flags-task.ts';
import { cloneArgumentsLayout } from '../abi/layout.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { ownFdTable } from '../process/exec.ts';
import { dropFdTable } from '../process/exit.ts';
import type { FdTablePtr } from '../process/fd-table.ts';
import { copyFdTable, shareFdTable } from '../process/fd-table.ts';
import { forkProcess } from '../process/fork.ts';
import type { ProcessPtr } from '../process/process.ts';
import { MEMORY_KEY, Process } from '../process/process.ts';
import { ANY_CPU, launchThread, prepareThread } from '../process/spawn.ts';
import { readUser64, readUser8, readUserFloat, userRangeOk, writeUser32 } from '../process/user-memory.ts';
import { mayRunOn } from '../task/affinity.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Frame, PROCEED, Task, WAIT } from '../task/task.ts';
import { standInQueue } from '../wait/wait-queue.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { immediateOps, intArgument, wordArgument } from './syscall-ops.ts';

const NAMESPACES =
  CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
/** Bytes that a newborn's stack begins with: entry, argument, home. */
const START_BYTES = 24;
/** Linux reads no larger struct clone_args. */
const CLONE_ARGUMENTS_MAX = 4096;

function cloneBegin(t: TaskPtr, fr: FramePtr): number {
  const flags = wordArgument(fr, 0);
  const childTid = wordArgument(fr, Machine.abi.get(MACHINE) === 0 ? 3 : 4);
  return clone(t, fr, flags & ~CSIGNAL, false, flags & CSIGNAL, wordArgument(fr, 1), wordArgument(fr, 2), childTid);
}

function clone3Begin(t: TaskPtr, fr: FramePtr): number {
  const at = wordArgument(fr, 0);
  const size = wordArgument(fr, 1);
  if (size > CLONE_ARGUMENTS_MAX) return -E2BIG;
  if (size < cloneArgumentsLayout.sizeVersion0) return -EINVAL;
  if (userRangeOk(t, at, size) === 0) return -EFAULT;
  // A newer caller's fields must be zero.
  for (let i: number = cloneArgumentsLayout.size; i < size; i++) if (readUser8(at + i) !== 0) return -E2BIG;
  const flags = readUser64(at + cloneArgumentsLayout.flags);
  const exitSignal = readUser64(at + cloneArgumentsLayout.exit_signal);
  const stack = readUser64(at + cloneArgumentsLayout.stack);
  const stackSize = readUser64(at + cloneArgumentsLayout.stack_size);
  if (size > cloneArgumentsLayout.set_tid && readUser64(at + cloneArgumentsLayout.set_tid) !== 0) return -EINVAL;
  if (exitSignal < 0 || exitSignal > SIGRTMAX) return -EINVAL;
  if (flags < 0 || flags >= CLONE_CLEAR_SIGHAND * 2) return -EINVAL;
  const clearHandlers = flags >= CLONE_CLEAR_SIGHAND;
  const low = flags | 0;
  if ((low & (CLONE_DETACHED | CSIGNAL)) !== 0) return -EINVAL;
  if (clearHandlers && (low & CLONE_SIGHAND) !== 0) return -EINVAL;
  if ((low & CLONE_THREAD) !== 0 && exitSignal !== 0) return -EINVAL;
  if ((stack === 0) !== (stackSize === 0)) return -EINVAL;
  const parentTid = readUser64(at + cloneArgumentsLayout.parent_tid);
  const childTid = readUser64(at + cloneArgumentsLayout.child_tid);
  return clone(t, fr, low, clearHandlers, exitSignal, stack, parentTid, childTid);
}

function clone(
  t: TaskPtr,
  fr: FramePtr,
  flags: number,
  clearHandlers: boolean,
  exitSignal: number,
  stack: number,
  parentTid: number,
  childTid: number,
): number {
  const isThread = (flags & CLONE_THREAD) !== 0;
  if (isThread && (flags & CLONE_SIGHAND) === 0) return -EINVAL;
  if ((flags & CLONE_SIGHAND) !== 0 && (flags & CLONE_VM) === 0) return -EINVAL;
  if ((flags & NAMESPACES) !== 0) return -EPERM;
  if ((flags & CLONE_PIDFD) !== 0) return -EINVAL;
  if (!isThread && (flags & CLONE_SIGHAND) !== 0) return -EINVAL;
  if (stack === 0) return -ENOSYS;
  if (userRangeOk(t, stack, START_BYTES) === 0) return -EFAULT;
  const home = readUser64(stack + 16);
  if (home !== ANY_CPU && (home < 0 || home >= Machine.cpus.get(MACHINE) || !mayRunOn(t, home))) return -EINVAL;
  const entry = readUser64(stack);
  const argument = readUserFloat(stack + 8);
  const born = isThread
    ? newThread(t, flags, entry, argument, home)
    : forkProcess(t, flags, clearHandlers, exitSignal, entry, argument, home);
  if (born < 0) return born;
  const child = born as TaskPtr;
  // Stored before the newborn can run: one that ends at once clears the same word, and must do so last.
  const tid = Task.tid.get(child);
  storeTid(t, 0, flags & CLONE_PARENT_SETTID, parentTid, tid);
  const moved = Process.userBase.get(Task.process.get(child)) - Process.userBase.get(Task.process.get(t));
  storeTid(t, moved, flags & CLONE_CHILD_SETTID, childTid, tid);
  if ((flags & CLONE_CHILD_CLEARTID) !== 0) Task.clearTid.set(child, childTid + moved);
  const waits = !isThread && (flags & CLONE_VFORK) !== 0;
  const p = Task.process.get(child);
  const generation = generationOf(p);
  launchThread(child);
  if (!waits) return tid;
  Frame.buffer.set(fr, tid);
  Frame.first.set(fr, p);
  Frame.second.set(fr, generation);
  return PROCEED;
}

/** @returns a thread that is not launched yet, or -errno as of `forkProcess` */
function newThread(t: TaskPtr, flags: number, entry: number, argument: number, home: number): number {
  const own = Task.fdTable.get(t) as FdTablePtr;
  const table = (flags & CLONE_FILES) !== 0 ? shareFdTable(own) : copyFdTable(own);
  if (table === 0) return -ENOMEM;
  const child = prepareThread(Task.process.get(t), t, table, entry, argument, home);
  if (child !== 0) return child;
  dropFdTable(table);
  return -EAGAIN;
}

/** A bad address is ignored, as Linux ignores it. @param moved how far the child's copy of the memory lies away */
function storeTid(t: TaskPtr, moved: number, wanted: number, address: number, tid: number): void {
  if (wanted !== 0 && userRangeOk(t, address, 4) === 1) writeUser32(address + moved, tid);
}

/** Has the child of a vfork ended, or begun another program? */
function vforkAttempt(_t: TaskPtr, fr: FramePtr): number {
  const child = Frame.first.get(fr) as ProcessPtr;
  const gone = !isAlive(child, Frame.second.get(fr)) || Process.memoryReturned.load(child) === 1;
  return gone ? Frame.buffer.get(fr) : WAIT;
}
function vforkEnqueue(t: TaskPtr, _fr: FramePtr): number {
  const p = Task.process.get(t) as ProcessPtr;
  return standInQueue(Process.childQueue.at(p), t, MEMORY_KEY, 0) === 1 ? 0 : -ENOMEM;
}
/** The lender's memory is in use: no handler may run in it. */
function vforkInterrupted(_t: TaskPtr, _fr: FramePtr): number {
  return WAIT;
}

function unshareBegin(t: TaskPtr, fr: FramePtr): number {
  const flags = intArgument(fr, 0);
  const alone = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
  if ((flags & ~(alone | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | NAMESPACES)) !== 0) return -EINVAL;
  if ((flags & alone) !== 0 && Process.liveThreads.peek(Task.process.get(t)) > 1) return -EINVAL;
  if ((flags & NAMESPACES) !== 0) return -EPERM;
  return (flags & CLONE_FILES) === 0 || ownFdTable(t) !== 0 ? 0 : -ENOMEM;
}

const vforkOps: SyscallOps = {
  ...immediateOps,
  attempt: vforkAttempt,
  enqueue: vforkEnqueue,
  interrupted: vforkInterrupted,
};
export const cloneCallOps: SyscallOps = { ...vforkOps, begin: cloneBegin };
export const clone3CallOps: SyscallOps = { ...vforkOps, begin: clone3Begin };
export const unshareCallOps: SyscallOps = { ...immediateOps, begin: unshareBegin };
