/**
 * getrlimit, setrlimit, prlimit64, uname: what a process may have, and where it runs.
 *
 * One limit is enforced, that of open files, which belongs to the descriptor table. The others are infinite until they are
 * lowered, kept by the process, handed on to its children, and told. Nobody has the capability to raise a hard limit.
 */
import { EFAULT, EINVAL, EPERM, ESRCH } from '../abi/errno.ts';
import { RLIMIT_NOFILE, RLIMIT_RTTIME } from '../abi/flags-task.ts';
import { rlimitLayout, utsnameLayout } from '../abi/layout.ts';
import { lock, unlock } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { FdTablePtr } from '../process/fd-table.ts';
import { dropFdTable } from '../process/exit.ts';
import { FdTable, shareFdTable } from '../process/fd-table.ts';
import type { ProcessPtr } from '../process/process.ts';
import { Process } from '../process/process.ts';
import { readUser64, userRangeOk, writeUser32, writeUser64, writeUser8, zeroBytes } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';
import { taskByTid } from '../task/tid.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { immediateOps, intArgument, wordArgument } from './syscall-ops.ts';

/** How far a limit may be raised. The lock of its table, or of its process, is held. */
function hardLimitLocked(p: ProcessPtr, table: FdTablePtr, resource: number): number {
  if (resource !== RLIMIT_NOFILE) return finiteOr(Process.limits.getAt(p, resource * 2 + 1));
  const hard = FdTable.hardLimit.get(table);
  return hard === 0 ? Machine.nofile.get(MACHINE) : hard;
}
function softLimitLocked(p: ProcessPtr, table: FdTablePtr, resource: number): number {
  return resource === RLIMIT_NOFILE ? FdTable.limit.get(table) : finiteOr(Process.limits.getAt(p, resource * 2));
}
/** A process keeps its limits plus one, so that a fresh record has none. */
function finiteOr(kept: number): number {
  return kept === 0 ? Number.POSITIVE_INFINITY : kept - 1;
}
function kept(limit: number): number {
  return limit === Number.POSITIVE_INFINITY ? 0 : limit + 1;
}

function setLimitLocked(p: ProcessPtr, table: FdTablePtr, resource: number, soft: number, hard: number): void {
  if (resource !== RLIMIT_NOFILE) {
    Process.limits.setAt(p, resource * 2, kept(soft));
    Process.limits.setAt(p, resource * 2 + 1, kept(hard));
    return;
  }
  // A hard limit of 0 is kept as one of 1: 0 says that none was set, and no descriptor fits either way but number 0.
  FdTable.hardLimit.set(table, Math.max(1, hard));
  FdTable.limit.set(table, soft);
}

/**
 * Tells a limit of the target's and changes it, at once.
 * @param oldAt checked address for what it was, or 0
 * @param newAt checked address of what it is to be, or 0; may be the same
 * @returns 0 or -errno, and then nothing is told or changed
 */
function exchangeLimit(target: TaskPtr, resource: number, oldAt: number, newAt: number): number {
  const soft = newAt === 0 ? 0 : readLimit(newAt + rlimitLayout.current);
  const hard = newAt === 0 ? 0 : readLimit(newAt + rlimitLayout.maximum);
  if (soft > hard) return -EINVAL;
  const p = Task.process.get(target) as ProcessPtr;
  const table = holdTableOf(target, p);
  // It is ending.
  if (table === 0) return -ESRCH;
  const guard = resource === RLIMIT_NOFILE ? FdTable.lock.at(table) : Process.lock.at(p);
  lock(guard);
  const allowed = newAt === 0 || hard <= hardLimitLocked(p, table, resource);
  if (allowed && oldAt !== 0) {
    writeLimit(oldAt + rlimitLayout.current, softLimitLocked(p, table, resource));
    writeLimit(oldAt + rlimitLayout.maximum, hardLimitLocked(p, table, resource));
  }
  if (allowed && newAt !== 0) setLimitLocked(p, table, resource, soft, hard);
  unlock(guard);
  dropFdTable(table);
  return allowed ? 0 : -EPERM;
}

/** A reference to the descriptor table of any task, or 0 if it has none any more. */
function holdTableOf(target: TaskPtr, p: ProcessPtr): FdTablePtr {
  lock(Process.lock.at(p));
  const table = Task.fdTable.get(target) as FdTablePtr;
  if (table !== 0) shareFdTable(table);
  unlock(Process.lock.at(p));
  return table;
}

/** An unsigned 64-bit limit as a number; one with the highest bit set is no limit at all. */
function readLimit(address: number): number {
  const value = readUser64(address);
  return value < 0 ? Number.POSITIVE_INFINITY : value;
}
function writeLimit(address: number, limit: number): void {
  if (limit !== Number.POSITIVE_INFINITY) {
    writeUser64(address, limit);
    return;
  }
  writeUser32(address, -1);
  writeUser32(address + 4, -1);
}

function getrlimitBegin(t: TaskPtr, fr: FramePtr): number {
  const resource = intArgument(fr, 0) >>> 0;
  const address = wordArgument(fr, 1);
  if (resource > RLIMIT_RTTIME) return -EINVAL;
  if (userRangeOk(t, address, rlimitLayout.size) === 0) return -EFAULT;
  return exchangeLimit(t, resource, address, 0);
}

function setrlimitBegin(t: TaskPtr, fr: FramePtr): number {
  const resource = intArgument(fr, 0) >>> 0;
  const address = wordArgument(fr, 1);
  if (userRangeOk(t, address, rlimitLayout.size) === 0) return -EFAULT;
  if (resource > RLIMIT_RTTIME) return -EINVAL;
  return exchangeLimit(t, resource, 0, address);
}

/** A bad address for the old limit is found out last, when the new one holds already. */
function prlimit64Begin(t: TaskPtr, fr: FramePtr): number {
  const pid = intArgument(fr, 0);
  const resource = intArgument(fr, 1) >>> 0;
  const newAt = wordArgument(fr, 2);
  const oldAt = wordArgument(fr, 3);
  if (newAt !== 0 && userRangeOk(t, newAt, rlimitLayout.size) === 0) return -EFAULT;
  const target = pid === 0 ? t : taskByTid(pid);
  if (target === 0) return -ESRCH;
  if (resource > RLIMIT_RTTIME) return -EINVAL;
  const oldOk = oldAt !== 0 && userRangeOk(t, oldAt, rlimitLayout.size) === 1;
  const r = exchangeLimit(target, resource, oldOk ? oldAt : 0, newAt);
  return r === 0 && oldAt !== 0 && !oldOk ? -EFAULT : r;
}

function storeField(address: number, text: string): void {
  for (let i = 0; i < text.length; i++) writeUser8(address + i, text.charCodeAt(i));
}

/** The release is that of the Linux whose answers this kernel gives. */
function unameBegin(t: TaskPtr, fr: FramePtr): number {
  const address = wordArgument(fr, 0);
  if (userRangeOk(t, address, utsnameLayout.size) === 0) return -EFAULT;
  zeroBytes(address, utsnameLayout.size);
  storeField(address + utsnameLayout.sysname, 'Linux');
  storeField(address + utsnameLayout.nodename, 'smplab');
  storeField(address + utsnameLayout.release, '6.18.0-smplab');
  storeField(address + utsnameLayout.version, '#1 SMP');
  storeField(address + utsnameLayout.machine, Machine.abi.get(MACHINE) === 0 ? 'x86_64' : 'aarch64');
  storeField(address + utsnameLayout.domainname, '(none)');
  return 0;
}

export const getrlimitCallOps: SyscallOps = { ...immediateOps, begin: getrlimitBegin };
export const setrlimitCallOps: SyscallOps = { ...immediateOps, begin: setrlimitBegin };
export const prlimit64CallOps: SyscallOps = { ...immediateOps, begin: prlimit64Begin };
export const unameCallOps: SyscallOps = { ...immediateOps, begin: unameBegin };
