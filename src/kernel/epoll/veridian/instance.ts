/**
 * VeridianOS, upper half: one registry under one lock around every operation, 256 instances of 1024 descriptors each. A
 * wait scans under the lock, unlocks, yields, and scans again.
 *
 * Where it is not Linux; each is declared by its rule, with the reason, at the end of this file:
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

/** Where its answers are not Linux's: the rule, and why. What it answers instead: conform/divergences/veridian.ts. */
export const veridianDeclared = {
  A2: 'epoll_create1 takes any flags',
  A6: 'an instance refuses to be read or written with EPERM',
  A7: 'an instance does not say what it is ready for, so it is for reading and writing, always',
  B1: 'the instance is looked at first, then the event, of DEL too; none at all is EINVAL',
  B2: 'the watched descriptor is never looked up',
  B3: 'a file that cannot be polled is watched like any other, and always ready',
  B4: 'what is no instance is a bad descriptor, and an instance may watch itself',
  B5: 'EXCLUSIVE is not looked at, so a MOD with it of a stranger finds no entry',
  B16: 'ERR and HUP are reported only if they are asked for',
  C1: 'an entry is a number, and nobody looks what lies behind it',
  C3: 'nobody counts the ways through instances to one file',
  C4: 'an instance is ready for reading and writing, whatever it watches',
  D1: 'of all readiness only IN, OUT, ERR and HUP are reported',
  D3: 'EPOLLET is stored and not read, so an edge is told as long as its level holds',
  E10: 'a wait does not look at signals',
  E1: 'maxevents has no upper bound',
  E3: 'a buffer at 0 is refused whether or not there is an event',
  E5: 'a descriptor of another kind is a bad one',
  E16: 'events come in ascending order of descriptor',
  E17: 'the lowest descriptors fill the slots, and there are no turns',
  F1: 'whoever scans first takes what is told once, whenever it began to wait',
  F9: 'EXCLUSIVE is not looked at: MOD may bring it, or change an entry that has it',
  F10: 'EXCLUSIVE is not looked at: it goes with every other flag and with every file',
  F11: 'EXCLUSIVE is not looked at: every instance that watches reports',
  F14: 'all who wait look again in turn, and the first to look is served',
  G1: 'an entry outlives its file, and is ERR and HUP once its number is closed',
  G2: 'an entry is a number: closed, it says nothing of what a duplicate keeps open, and can be removed',
  G4: 'an entry is a number: given to another file, it is an entry of that',
  L1: 'a poll that waits looks its descriptors up anew, so one that was closed meanwhile is told',
  M4: 'RDHUP is never reported',
} as const;
