/**
 * getrlimit, setrlimit, prlimit64, uname: what a process may have, and where it runs.
 *
 * One limit is enforced, that of open files; the others are infinite and stay so (setting them is EPERM).
 */
import { EFAULT, EINVAL, EPERM, ESRCH } from '../abi/errno.ts';
import { RLIMIT_NOFILE, RLIMIT_RTTIME } from '../abi/flags-task.ts';
import { rlimitLayout, utsnameLayout } from '../abi/layout.ts';
import { lock, unlock } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { FdTablePtr } from '../process/fd-table.ts';
import { FdTable } from '../process/fd-table.ts';
import { readUser64, userRangeOk, writeUser32, writeUser64, writeUser8, zeroBytes } from '../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';
import { taskByTid } from '../task/tid.ts';
import { tableOf } from './create-files.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { immediateOps, intArgument, wordArgument } from './syscall-ops.ts';

/** How far the limit of open files may be raised. */
function hardLimitLocked(table: FdTablePtr): number {
  const hard = FdTable.hardLimit.get(table);
  return hard === 0 ? Machine.nofile.get(MACHINE) : hard;
}

function storeLimit(table: FdTablePtr, resource: number, address: number): void {
  if (resource !== RLIMIT_NOFILE) {
    for (let word = 0; word < rlimitLayout.size; word += 4) writeUser32(address + word, -1);
    return;
  }
  lock(FdTable.lock.at(table));
  const current = FdTable.limit.get(table);
  const hard = hardLimitLocked(table);
  unlock(FdTable.lock.at(table));
  writeUser64(address + rlimitLayout.current, current);
  writeUser64(address + rlimitLayout.maximum, hard);
}

/** An unsigned 64-bit limit as a number; one with the highest bit set is no limit at all. */
function readLimit(address: number): number {
  const value = readUser64(address);
  return value < 0 ? Number.POSITIVE_INFINITY : value;
}

/** @returns 0 or -errno */
function setLimit(table: FdTablePtr, resource: number, current: number, maximum: number): number {
  if (current > maximum) return -EINVAL;
  if (resource !== RLIMIT_NOFILE) {
    return current === Number.POSITIVE_INFINITY && maximum === Number.POSITIVE_INFINITY ? 0 : -EPERM;
  }
  lock(FdTable.lock.at(table));
  const allowed = maximum <= hardLimitLocked(table);
  // A hard limit of 0 is kept as one of 1: 0 says that none was set, and no descriptor fits either way but number 0.
  if (allowed) {
    FdTable.hardLimit.set(table, Math.max(1, maximum));
    FdTable.limit.set(table, current);
  }
  unlock(FdTable.lock.at(table));
  return allowed ? 0 : -EPERM;
}

function getrlimitBegin(t: TaskPtr, fr: FramePtr): number {
  const resource = intArgument(fr, 0) >>> 0;
  const address = wordArgument(fr, 1);
  if (resource > RLIMIT_RTTIME) return -EINVAL;
  if (userRangeOk(t, address, rlimitLayout.size) === 0) return -EFAULT;
  storeLimit(tableOf(t), resource, address);
  return 0;
}

function setrlimitBegin(t: TaskPtr, fr: FramePtr): number {
  const resource = intArgument(fr, 0) >>> 0;
  const address = wordArgument(fr, 1);
  if (userRangeOk(t, address, rlimitLayout.size) === 0) return -EFAULT;
  if (resource > RLIMIT_RTTIME) return -EINVAL;
  const maximum = readLimit(address + rlimitLayout.maximum);
  return setLimit(tableOf(t), resource, readLimit(address + rlimitLayout.current), maximum);
}

/** The new limit is read before the old one is stored: both may lie at one address. */
function prlimit64Begin(t: TaskPtr, fr: FramePtr): number {
  const pid = intArgument(fr, 0);
  const resource = intArgument(fr, 1) >>> 0;
  const newLimit = wordArgument(fr, 2);
  const oldLimit = wordArgument(fr, 3);
  if (newLimit !== 0 && userRangeOk(t, newLimit, rlimitLayout.size) === 0) return -EFAULT;
  const target = pid === 0 ? t : taskByTid(pid);
  if (target === 0) return -ESRCH;
  if (resource > RLIMIT_RTTIME) return -EINVAL;
  // Limits stand in the descriptor table, which another process may drop while we look: only one's own are shown.
  if (Task.process.get(target) !== Task.process.get(t)) return -EPERM;
  const table = tableOf(t);
  const current = newLimit === 0 ? 0 : readLimit(newLimit + rlimitLayout.current);
  const maximum = newLimit === 0 ? 0 : readLimit(newLimit + rlimitLayout.maximum);
  const oldOk = oldLimit === 0 || userRangeOk(t, oldLimit, rlimitLayout.size) === 1;
  if (oldLimit !== 0 && oldOk) storeLimit(table, resource, oldLimit);
  const r = newLimit === 0 ? 0 : setLimit(table, resource, current, maximum);
  if (r !== 0) return r;
  return oldOk ? 0 : -EFAULT;
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
