/**
 * select, pselect6: poll by three sets of bits.
 *
 * A set is an array of 64-bit words in user memory, read here by their halves. Every pass reads the sets anew and changes
 * nothing until a pass finds something ready: then the results take the sets' place, half by half. So there is no copy
 * of them in the kernel, which Linux makes; a guest whose threads change a set during the call can tell.
 *
 * Bits at or above the capacity of the process's descriptor table are not looked at, not even to say EBADF, and not
 * changed (L6). A descriptor that was closed during the call is ready in every set that names it.
 *
 * Linux: fs/select.c core_sys_select, do_select.
 */
import { cpu } from '../../shared-mem/self.ts';
import { EBADF, EFAULT, EINVAL } from '../abi/errno.ts';
import {
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  POLLPRI,
  POLLRDBAND,
  POLLRDNORM,
  POLLWRBAND,
  POLLWRNORM,
} from '../abi/flags-event.ts';
import { sigsetArgumentLayout, SIGSET_SIZE, timevalLayout } from '../abi/layout.ts';
import { Cpu } from '../cpu/cpu.ts';
import type { FilePtr } from '../file/file.ts';
import { File } from '../file/file.ts';
import { fileOps } from '../file/ops-table.ts';
import { FdTable, lookupFile } from '../process/fd-table.ts';
import {
  BAD_TIMESPEC,
  readTimespec,
  readUser32,
  readUser64,
  userRangeOk,
  writeUser32,
  zeroBytes,
} from '../process/user-memory.ts';
import { swapMask } from '../signal/deliver.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { ERESTARTNOHAND, Frame, PROCEED, WAIT } from '../task/task.ts';
import { closeClockPass, openClockPass } from '../time/clock.ts';
import { standAgain } from '../wait/stand-again.ts';
import { tableOf } from './create-files.ts';
import { beginTimeout, nothingCame, standAtFile, writeTimespecLeft, writeTimevalLeft } from './poll-common.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { intArgument, wordArgument } from './syscall-ops.ts';

/** What puts a descriptor into each set (L7). */
const IN_SET = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR | POLLNVAL;
const OUT_SET = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR | POLLNVAL;
const EXCEPT_SET = POLLPRI | POLLNVAL;

/** The arguments that are the sets. */
const IN = 1;
const OUT = 2;
const EXCEPT = 3;

/** Descriptors that the table has room for as Linux would have grown it: 64, then the next power of two. */
function capacityOf(t: TaskPtr): number {
  let capacity = 64;
  // Another thread may be opening files: it is seen early or late.
  while (capacity < FdTable.top.peek(tableOf(t))) capacity *= 2;
  return capacity;
}

/** Half `index` of a set, its 32 descriptors from `32 * index` on; those from `nfds` on left out. */
function halfOf(fr: FramePtr, set: number, index: number, nfds: number): number {
  const at = wordArgument(fr, set);
  if (at === 0) return 0;
  const bits = readUser32(at + index * 4);
  const last = nfds - index * 32;
  return last >= 32 ? bits : bits & ((1 << last) - 1);
}
function storeHalf(fr: FramePtr, set: number, index: number, bits: number): void {
  const at = wordArgument(fr, set);
  if (at !== 0) writeUser32(at + index * 4, bits);
}
/** Clears the sets from byte `from` to byte `end`. */
function clearSets(fr: FramePtr, from: number, end: number): void {
  for (let set = IN; set <= EXCEPT; set++) {
    const at = wordArgument(fr, set);
    if (at !== 0) zeroBytes(at + from, end - from);
  }
}
function descriptorOf(index: number, bit: number): number {
  return index * 32 + 31 - Math.clz32(bit);
}

/** Leaves in the frame how many descriptors are to be looked at (length) and the size of a set (buffer). */
function beginSelect(t: TaskPtr, fr: FramePtr): number {
  const wanted = intArgument(fr, 0);
  if (wanted < 0) return -EINVAL;
  const nfds = Math.min(wanted, capacityOf(t));
  const bytes = Math.ceil(nfds / 64) * 8;
  for (let set = IN; set <= EXCEPT; set++) {
    const at = wordArgument(fr, set);
    if (bytes > 0 && at !== 0 && userRangeOk(t, at, bytes) === 0) return -EFAULT;
  }
  let end = 0;
  for (let index = 0; index * 32 < nfds; index++) {
    let left = halfOf(fr, IN, index, nfds) | halfOf(fr, OUT, index, nfds) | halfOf(fr, EXCEPT, index, nfds);
    while (left !== 0) {
      const bit = left & -left;
      left ^= bit;
      const fd = descriptorOf(index, bit);
      if (lookupFile(t, fd) === 0) return -EBADF;
      end = fd + 1;
    }
  }
  Frame.length.set(fr, end);
  Frame.buffer.set(fr, bytes);
  return PROCEED;
}

/** A timeval may have a million microseconds and more, and fewer than none if the whole is no negative time (L5). */
function selectBegin(t: TaskPtr, fr: FramePtr): number {
  const at = wordArgument(fr, 4);
  let timeoutNs = Number.POSITIVE_INFINITY;
  if (at !== 0) {
    if (userRangeOk(t, at, timevalLayout.size) === 0) return -EFAULT;
    const microseconds = readUser64(at + timevalLayout.microseconds);
    const seconds = readUser64(at + timevalLayout.seconds) + Math.trunc(microseconds / 1e6);
    if (seconds < 0 || microseconds % 1e6 < 0) return -EINVAL;
    timeoutNs = seconds * 1e9 + (microseconds % 1e6) * 1000;
  }
  beginTimeout(fr, timeoutNs);
  const r = beginSelect(t, fr);
  if (r !== PROCEED) writeTimevalLeft(t, fr, at);
  return r;
}

function pselectBegin(t: TaskPtr, fr: FramePtr): number {
  const at = wordArgument(fr, 4);
  const argument = wordArgument(fr, 5);
  if (argument !== 0 && userRangeOk(t, argument, sigsetArgumentLayout.size) === 0) return -EFAULT;
  const mask = argument === 0 ? 0 : readUser64(argument + sigsetArgumentLayout.mask);
  let timeoutNs = Number.POSITIVE_INFINITY;
  if (at !== 0) {
    timeoutNs = readTimespec(t, at);
    if (timeoutNs === BAD_TIMESPEC) return -EINVAL;
    if (timeoutNs < 0) return timeoutNs;
  }
  if (mask !== 0) {
    if (readUser64(argument + sigsetArgumentLayout.maskSize) !== SIGSET_SIZE) return -EINVAL;
    if (userRangeOk(t, mask, SIGSET_SIZE) === 0) return -EFAULT;
  }
  beginTimeout(fr, timeoutNs);
  const r = beginSelect(t, fr);
  if (r !== PROCEED) writeTimespecLeft(t, fr, at);
  else if (mask !== 0) swapMask(t, fr, readUser32(mask), readUser32(mask + 4));
  return r;
}

function readinessOfFd(t: TaskPtr, fd: number): number {
  const f = lookupFile(t, fd);
  return f === 0 ? POLLNVAL : fileOps[File.kind.get(f)]!.poll(f, t);
}

/** @returns bits set in the results, or 0, and then the sets are as they were */
function selectPass(t: TaskPtr, fr: FramePtr): number {
  const nfds = Frame.length.get(fr);
  let ready = 0;
  let visited = 0;
  let index = 0;
  for (; index * 32 < nfds; index++) {
    const ins = halfOf(fr, IN, index, nfds);
    const outs = halfOf(fr, OUT, index, nfds);
    const excepts = halfOf(fr, EXCEPT, index, nfds);
    let left = ins | outs | excepts;
    let resultIn = 0;
    let resultOut = 0;
    let resultExcept = 0;
    const before = ready;
    while (left !== 0) {
      const bit = left & -left;
      left ^= bit;
      visited++;
      const readiness = readinessOfFd(t, descriptorOf(index, bit));
      if ((readiness & IN_SET) !== 0) resultIn |= ins & bit;
      if ((readiness & OUT_SET) !== 0) resultOut |= outs & bit;
      if ((readiness & EXCEPT_SET) !== 0) resultExcept |= excepts & bit;
      ready += ((resultIn & bit) !== 0 ? 1 : 0) + ((resultOut & bit) !== 0 ? 1 : 0);
      if ((resultExcept & bit) !== 0) ready++;
    }
    if (ready === 0) continue;
    if (before === 0) clearSets(fr, 0, index * 4);
    // In this order: where one array serves as two sets, Linux leaves the later one's results in it.
    storeHalf(fr, IN, index, resultIn);
    storeHalf(fr, OUT, index, resultOut);
    storeHalf(fr, EXCEPT, index, resultExcept);
  }
  if (ready > 0) clearSets(fr, index * 4, Frame.buffer.get(fr));
  Cpu.workLeft.set(cpu, Cpu.workLeft.get(cpu) - visited);
  return ready;
}

function selectNothingCame(t: TaskPtr, fr: FramePtr): number {
  const r = nothingCame(t);
  if (r === 0) clearSets(fr, 0, Frame.buffer.get(fr));
  return r;
}

function attemptSelect(t: TaskPtr, fr: FramePtr): number {
  openClockPass();
  const ready = selectPass(t, fr);
  closeClockPass();
  if (ready > 0) return ready;
  return Frame.nonblocking.get(fr) === 1 ? selectNothingCame(t, fr) : WAIT;
}

function selectEnqueue(t: TaskPtr, fr: FramePtr): number {
  if (standAgain(t, fr) === 1) return 0;
  const nfds = Frame.length.get(fr);
  let inGlobal = 0;
  for (let index = 0; index * 32 < nfds; index++) {
    const ins = halfOf(fr, IN, index, nfds);
    const outs = halfOf(fr, OUT, index, nfds);
    let left = ins | outs | halfOf(fr, EXCEPT, index, nfds);
    while (left !== 0) {
      const bit = left & -left;
      left ^= bit;
      const f = lookupFile(t, descriptorOf(index, bit));
      if (f === 0) continue;
      const keys = EXCEPT_SET | ((ins & bit) !== 0 ? IN_SET : 0) | ((outs & bit) !== 0 ? OUT_SET : 0);
      inGlobal = standAtFile(t, f, keys, inGlobal);
      if (inGlobal < 0) return inGlobal;
    }
  }
  return 0;
}

function selectWatches(t: TaskPtr, fr: FramePtr, source: FilePtr): number {
  const nfds = Frame.length.get(fr);
  for (let index = 0; index * 32 < nfds; index++) {
    let left = halfOf(fr, IN, index, nfds) | halfOf(fr, OUT, index, nfds) | halfOf(fr, EXCEPT, index, nfds);
    while (left !== 0) {
      const bit = left & -left;
      left ^= bit;
      if (lookupFile(t, descriptorOf(index, bit)) === source) return 1;
    }
  }
  return 0;
}

function selectAttempt(t: TaskPtr, fr: FramePtr): number {
  const r = attemptSelect(t, fr);
  if (r !== WAIT) writeTimevalLeft(t, fr, wordArgument(fr, 4));
  return r;
}
function selectExpired(t: TaskPtr, fr: FramePtr): number {
  writeTimevalLeft(t, fr, wordArgument(fr, 4));
  return selectNothingCame(t, fr);
}
function selectInterrupted(t: TaskPtr, fr: FramePtr): number {
  writeTimevalLeft(t, fr, wordArgument(fr, 4));
  return -ERESTARTNOHAND;
}

function pselectAttempt(t: TaskPtr, fr: FramePtr): number {
  const r = attemptSelect(t, fr);
  if (r !== WAIT) writeTimespecLeft(t, fr, wordArgument(fr, 4));
  return r;
}
function pselectExpired(t: TaskPtr, fr: FramePtr): number {
  writeTimespecLeft(t, fr, wordArgument(fr, 4));
  return selectNothingCame(t, fr);
}
function pselectInterrupted(t: TaskPtr, fr: FramePtr): number {
  writeTimespecLeft(t, fr, wordArgument(fr, 4));
  return -ERESTARTNOHAND;
}

export const selectCallOps: SyscallOps = {
  begin: selectBegin,
  attempt: selectAttempt,
  enqueue: selectEnqueue,
  expired: selectExpired,
  interrupted: selectInterrupted,
  watches: selectWatches,
};
export const pselect6CallOps: SyscallOps = {
  ...selectCallOps,
  begin: pselectBegin,
  attempt: pselectAttempt,
  expired: pselectExpired,
  interrupted: pselectInterrupted,
};
