/**
 * poll, ppoll: one pass over an array of descriptors asks each file what it is ready for.
 *
 * The descriptors are looked up anew in every pass, as Linux does: one that was closed meanwhile is POLLNVAL. Where a
 * poller stands is poll-common.ts.
 */
import { cpu } from '../../shared-mem/self.ts';
import { EFAULT, EINVAL } from '../abi/errno.ts';
import { POLLERR, POLLHUP, POLLNVAL } from '../abi/flags-event.ts';
import { pollfdLayout, SIGSET_SIZE } from '../abi/layout.ts';
import { Cpu } from '../cpu/cpu.ts';
import type { FilePtr } from '../file/file.ts';
import { File } from '../file/file.ts';
import { fileOps } from '../file/ops-table.ts';
import { FdTable, lookupFile } from '../process/fd-table.ts';
import {
  BAD_TIMESPEC,
  readTimespec,
  readUser16,
  readUser32,
  userRangeOk,
  writeUser16,
} from '../process/user-memory.ts';
import { swapMask } from '../signal/deliver.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { ERESTARTNOHAND, Frame, PROCEED, WAIT } from '../task/task.ts';
import { closeClockPass, openClockPass } from '../time/clock.ts';
import { standAgain } from '../wait/stand-again.ts';
import { tableOf } from './create-files.ts';
import { beginTimeout, nothingCame, standAtFile, writeTimespecLeft } from './poll-common.ts';
import type { SyscallOps } from './syscall-ops.ts';
import { intArgument, wordArgument } from './syscall-ops.ts';

/** Reported whether asked for or not (L1). */
const ALWAYS = POLLERR | POLLHUP;

/** Takes array and count from arguments 0 and 1. @param timeoutNs Infinity: for ever @returns PROCEED or -errno */
function beginPoll(t: TaskPtr, fr: FramePtr, timeoutNs: number): number {
  const array = wordArgument(fr, 0);
  const nfds = intArgument(fr, 1) >>> 0;
  // A limit that is being lowered by another thread may be seen early or late.
  if (nfds > FdTable.limit.peek(tableOf(t))) return -EINVAL;
  if (nfds > 0 && userRangeOk(t, array, nfds * pollfdLayout.size) === 0) return -EFAULT;
  Frame.buffer.set(fr, array);
  Frame.length.set(fr, nfds);
  beginTimeout(fr, timeoutNs);
  return PROCEED;
}

function pollBegin(t: TaskPtr, fr: FramePtr): number {
  const milliseconds = intArgument(fr, 2);
  return beginPoll(t, fr, milliseconds < 0 ? Number.POSITIVE_INFINITY : milliseconds * 1e6);
}

function ppollBegin(t: TaskPtr, fr: FramePtr): number {
  const timeout = wordArgument(fr, 2);
  const mask = wordArgument(fr, 3);
  let timeoutNs = Number.POSITIVE_INFINITY;
  if (timeout !== 0) {
    timeoutNs = readTimespec(t, timeout);
    if (timeoutNs === BAD_TIMESPEC) return -EINVAL;
    if (timeoutNs < 0) return timeoutNs;
  }
  if (mask !== 0) {
    if (wordArgument(fr, 4) !== SIGSET_SIZE) return -EINVAL;
    if (userRangeOk(t, mask, SIGSET_SIZE) === 0) return -EFAULT;
  }
  const r = beginPoll(t, fr, timeoutNs);
  if (r === PROCEED && mask !== 0) swapMask(t, fr, readUser32(mask), readUser32(mask + 4));
  return r;
}

/** What one descriptor is ready for, of what its entry asks. */
function reventsOf(t: TaskPtr, entry: number): number {
  const fd = readUser32(entry + pollfdLayout.fd);
  if (fd < 0) return 0;
  const f = lookupFile(t, fd);
  if (f === 0) return POLLNVAL;
  return fileOps[File.kind.get(f)]!.poll(f, t) & (askedFor(entry) | ALWAYS);
}
function askedFor(entry: number): number {
  return readUser16(entry + pollfdLayout.events) & 0xffff;
}

function pollAttempt(t: TaskPtr, fr: FramePtr): number {
  const nfds = Frame.length.get(fr);
  const array = Frame.buffer.get(fr);
  const end = array + nfds * pollfdLayout.size;
  let ready = 0;
  openClockPass();
  for (let entry = array; entry < end; entry += pollfdLayout.size) {
    const revents = reventsOf(t, entry);
    writeUser16(entry + pollfdLayout.revents, revents);
    if (revents !== 0) ready++;
  }
  closeClockPass();
  Cpu.workLeft.set(cpu, Cpu.workLeft.get(cpu) - nfds);
  if (ready !== 0) return ready;
  return Frame.nonblocking.get(fr) === 1 ? nothingCame(t) : WAIT;
}

function pollExpired(t: TaskPtr, _fr: FramePtr): number {
  return nothingCame(t);
}

function pollEnqueue(t: TaskPtr, fr: FramePtr): number {
  if (standAgain(t, fr) === 1) return 0;
  const array = Frame.buffer.get(fr);
  const end = array + Frame.length.get(fr) * pollfdLayout.size;
  let inGlobal = 0;
  for (let entry = array; entry < end; entry += pollfdLayout.size) {
    const f = lookupFile(t, readUser32(entry + pollfdLayout.fd));
    if (f === 0) continue;
    inGlobal = standAtFile(t, f, askedFor(entry) | ALWAYS, inGlobal);
    if (inGlobal < 0) return inGlobal;
  }
  return 0;
}

function pollInterrupted(_t: TaskPtr, _fr: FramePtr): number {
  return -ERESTARTNOHAND;
}

function pollWatches(t: TaskPtr, fr: FramePtr, source: FilePtr): number {
  const array = Frame.buffer.get(fr);
  const end = array + Frame.length.get(fr) * pollfdLayout.size;
  for (let entry = array; entry < end; entry += pollfdLayout.size) {
    if (lookupFile(t, readUser32(entry + pollfdLayout.fd)) === source) return 1;
  }
  return 0;
}

function ppollAttempt(t: TaskPtr, fr: FramePtr): number {
  const r = pollAttempt(t, fr);
  if (r !== WAIT) writeTimespecLeft(t, fr, wordArgument(fr, 2));
  return r;
}
function ppollExpired(t: TaskPtr, fr: FramePtr): number {
  writeTimespecLeft(t, fr, wordArgument(fr, 2));
  return nothingCame(t);
}
function ppollInterrupted(t: TaskPtr, fr: FramePtr): number {
  writeTimespecLeft(t, fr, wordArgument(fr, 2));
  return -ERESTARTNOHAND;
}

export const pollCallOps: SyscallOps = {
  begin: pollBegin,
  attempt: pollAttempt,
  enqueue: pollEnqueue,
  expired: pollExpired,
  interrupted: pollInterrupted,
  watches: pollWatches,
};
export const ppollCallOps: SyscallOps = {
  ...pollCallOps,
  begin: ppollBegin,
  attempt: ppollAttempt,
  expired: ppollExpired,
  interrupted: ppollInterrupted,
};
