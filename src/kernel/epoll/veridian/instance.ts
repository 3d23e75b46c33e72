/**
 * VeridianOS, upper half: one registry under one lock around every operation, 256 instances of 1024 descriptors each. A
 * wait scans under the lock, unlocks, yields, and scans again.
 *
 * Where it is not Linux; each is declared by its rule in src/conform/divergences/veridian.ts, with the reason:
 *
 *     the key is a number      nothing is looked up when an entry is made: any number will do, open or not, of whatever
 *                              kind, the instance itself included. The wait asks what the waiting process has there.
 *     edges are levels         EPOLLET is stored and not read. EPOLLEXCLUSIVE, RDHUP, PRI are not known at all.
 *     ERR and HUP              are told if asked for; a number that was closed is ERR|HUP.
 *     for ever is 30 s         and then 0, with no event.
 *     signals                  are not looked at until the wait has ended.
 *     an instance as a file    is ready for reading and writing, always, and refuses both with EPERM.
 *
 * Errors, by their kind in its source: NotFound ENOENT (EBADF where it is the instance), AlreadyExists EEXIST,
 * InvalidArgument EINVAL, ResourceExhausted ENOSPC for entries and ENFILE for instances, PermissionDenied EPERM. Its
 * system call boundary folds the kinds of epoll_ctl into one; here they stay apart, for a guest is to see which it was.
 *
 * Mended: a wait holds the registry's lock and takes the descriptor table's, a close the other way round, and both hang
 * (AB-BA); here looking a descriptor up takes no lock, and a node is dropped with none held. What ends or stops a
 * process does so in the midst of a wait.
 *
 * Source: doublegate/VeridianOS v0.25.2, kernel/src/net/epoll.rs, and EpollCreate, EpollCtl, EpollWait of
 * kernel/src/syscall/mod.rs.
 */
import { EBADF, EFAULT, EINVAL, ENFILE, EPERM } from '../../abi/errno.ts';
import { EPOLLIN, EPOLLOUT } from '../../abi/flags-event.ts';
import { O_RDWR } from '../../abi/flags-file.ts';
import type { FilePtr } from '../../file/file.ts';
import { File, KIND_EPOLL } from '../../file/file.ts';
import { newFile } from '../../file/lifetime.ts';
import { lookupFile } from '../../process/fd-table.ts';
import { inUserRange, userRangeOk } from '../../process/user-memory.ts';
import type { FramePtr, TaskPtr } from '../../task/task.ts';
import { Frame, PROCEED, WAIT, YIELD } from '../../task/task.ts';
import type { EpollOps } from '../design-ops.ts';
import { epollEventSize } from '../event-store.ts';
import { attachNumber, numberOfNode } from './records.ts';
import { controlInstance, destroyInstance, registerInstance } from './registry.ts';
import { scanInstance } from './scan.ts';

/** "Cap infinite wait to 30 seconds to prevent permanent hangs". */
const FOREVER_NS = 30e9;

/** Any flags will do; only EPOLL_CLOEXEC means something, to the caller. */
function veridianCreate(_t: TaskPtr, _flags: number): number {
  const number = registerInstance();
  if (number < 0) return number;
  const f = newFile(KIND_EPOLL, O_RDWR);
  if (f === 0) {
    destroyInstance(number);
    return -ENFILE;
  }
  attachNumber(f, number);
  return f;
}

/** The instance first: a descriptor of any other kind is a bad one. Then the event, whatever the operation. */
function veridianControl(t: TaskPtr, epfd: number, op: number, fd: number, event: number): number {
  const f = lookupFile(t, epfd);
  if (f === 0 || File.kind.get(f) !== KIND_EPOLL) return -EBADF;
  if (event !== 0 && userRangeOk(t, event, epollEventSize()) === 0) return -EFAULT;
  return controlInstance(numberOfNode(f), op, fd, event);
}

/**
 * maxevents has no upper bound: whatever its length, an array that begins below the top ends far below that of a real
 * address space. That it is mapped is not looked at before there is an event.
 */
function veridianWaitBegin(t: TaskPtr, fr: FramePtr, epfd: number, buffer: number, maxEvents: number): number {
  const f = lookupFile(t, epfd);
  if (f === 0 || File.kind.get(f) !== KIND_EPOLL) return -EBADF;
  if (maxEvents <= 0) return -EINVAL;
  if (buffer === 0 || inUserRange(buffer, 0) === 0) return -EFAULT;
  Frame.file.set(fr, f);
  return PROCEED;
}

function veridianCollect(t: TaskPtr, fr: FramePtr): number {
  const number = numberOfNode(Frame.file.get(fr) as FilePtr);
  const count = scanInstance(number, t, Frame.buffer.get(fr), Frame.length.get(fr));
  return count !== 0 || Frame.nonblocking.get(fr) === 1 ? count : WAIT;
}

/** Stands nowhere: it yields, and scans again. */
function veridianEnqueue(_t: TaskPtr, _fr: FramePtr): number {
  return YIELD;
}

/** No change of a source ever wakes a wait. */
function veridianWatches(_epoll: FilePtr, _source: FilePtr): number {
  return 0;
}

/** A node that does not say what it is ready for is ready for reading and writing. */
function veridianPoll(_epoll: FilePtr, _t: TaskPtr): number {
  return EPOLLIN | EPOLLOUT;
}

/** An entry knows no file, so no file's end concerns it. */
function veridianSourceGone(_f: FilePtr): number {
  return 0;
}

function veridianRelease(epoll: FilePtr): number {
  destroyInstance(numberOfNode(epoll));
  return 0;
}

/** The node held a number; the instance went with the release. */
function veridianReclaim(_epoll: FilePtr): number {
  return 0;
}

export const veridianOps: EpollOps = {
  usesMask: 1,
  signalsInterrupt: 0,
  foreverNs: FOREVER_NS,
  transferError: EPERM,
  create: veridianCreate,
  control: veridianControl,
  waitBegin: veridianWaitBegin,
  collect: veridianCollect,
  enqueue: veridianEnqueue,
  watches: veridianWatches,
  poll: veridianPoll,
  sourceGone: veridianSourceGone,
  release: veridianRelease,
  reclaim: veridianReclaim,
};
