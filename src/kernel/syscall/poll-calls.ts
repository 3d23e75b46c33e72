/**
 * poll, ppoll: one pass over an array of descriptors asks each file what it is ready for.
 *
 * The descriptors are looked up anew in every pass, as Linux does: one that was closed meanwhile is POLLNVAL. Where the
 * design gives each file a queue, a poller stands in every one of them, and each stand keeps its file alive, for the
 * queue lies in the file's record; leaving the queues drops those references (wait/wait-queue.ts). In a global queue it
 * stands once and keeps nothing.
 */
import { cpu } from '../../shared-mem/self.ts';
import { EFAULT, EINVAL, ENOMEM } from '../abi/errno.ts';
import { POLLERR, POLLHUP, POLLNVAL } from '../abi/flags-event.ts';
import { pollfdLayout, SIGSET_SIZE, timespecLayout } from '../abi/layout.ts';
import { Cpu } from '../cpu/cpu.ts';
import { queueForFile } from '../epoll/source.ts';
import type { FilePtr } from '../file/file.ts';
import { File } from '../file/file.ts';
import { tryHoldFile } from '../file/lifetime.ts';
import { fileOps, releaseFile } from '../file/ops-table.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { FdTable, lookupFile } from '../process/fd-table.ts';
import {
  BAD_TIMESPEC,
  readTimespec,
  readUser16,
  readUser32,
  userRangeOk,
  writeTimespec,
  writeUser16,
} from '../process/user-memory.ts';
import { signalDeliverable, swapMask } from '../signal/deliver.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { ERESTARTNOHAND, Frame, PROCEED, Task, WAIT } from '../task/task.ts';
import { clockNow, closeClockPass, openClockPass } from '../time/clock.ts';
import { standHolding, standInQueue } from '../wait/wait-queue.ts';
import { tableOf } from './create-files.ts';
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
  Frame.nonblocking.set(fr, timeoutNs === 0 ? 1 : 0);
  const waits = timeoutNs > 0 && timeoutNs !== Number.POSITIVE_INFINITY;
  Frame.deadlineNs.set(fr, waits ? clockNow() + timeoutNs : Number.POSITIVE_INFINITY);
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
  return Frame.nonblocking.get(fr) === 1 ? timedOut(t) : WAIT;
}

/** Nothing ready and the time over: Linux looks at signals even then, with a timeout of 0 too (do_poll). */
function timedOut(t: TaskPtr): number {
  return Task.attention.load(t) !== 0 && signalDeliverable(t) === 1 ? -ERESTARTNOHAND : 0;
}
function pollExpired(t: TaskPtr, _fr: FramePtr): number {
  return timedOut(t);
}

function pollEnqueue(t: TaskPtr, fr: FramePtr): number {
  const array = Frame.buffer.get(fr);
  const end = array + Frame.length.get(fr) * pollfdLayout.size;
  let inGlobal = false;
  for (let entry = array; entry < end; entry += pollfdLayout.size) {
    const f = lookupFile(t, readUser32(entry + pollfdLayout.fd));
    const q = f === 0 ? 0 : queueForFile(f);
    if (q === 0) continue;
    if (q === Machine.globalQueue.at(MACHINE)) {
      if (!inGlobal && standInQueue(q, t, 0, 0) === 0) return -ENOMEM;
      inGlobal = true;
    } else if (standAtFile(t, f, entry) === 0) {
      return -ENOMEM;
    }
  }
  return 0;
}

/** @returns 0 when no stand is left; a file that just died needs none, for the next pass finds its slot empty */
function standAtFile(t: TaskPtr, f: FilePtr, entry: number): number {
  if (tryHoldFile(f) === 0) return 1;
  if (standHolding(queueForFile(f), t, askedFor(entry) | ALWAYS, f) === 1) return 1;
  releaseFile(f);
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

/** ppoll tells what is left of its timeout, however it ends (L4). A timeout of 0, or one unwritable by now, stays. */
function writeTimeLeft(t: TaskPtr, fr: FramePtr): void {
  const at = wordArgument(fr, 2);
  const deadlineNs = Frame.deadlineNs.get(fr);
  if (deadlineNs === Number.POSITIVE_INFINITY || userRangeOk(t, at, timespecLayout.size) === 0) return;
  writeTimespec(at, Math.max(0, deadlineNs - clockNow()));
}
function ppollAttempt(t: TaskPtr, fr: FramePtr): number {
  const r = pollAttempt(t, fr);
  if (r !== WAIT) writeTimeLeft(t, fr);
  return r;
}
function ppollExpired(t: TaskPtr, fr: FramePtr): number {
  writeTimeLeft(t, fr);
  return timedOut(t);
}
function ppollInterrupted(t: TaskPtr, fr: FramePtr): number {
  writeTimeLeft(t, fr);
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
