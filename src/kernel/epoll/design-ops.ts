/**
 * A design of epoll, upper half: the epoll verbs. The machine is booted with one design; the lower half, what a change
 * of a source does, is source.ts.
 *
 * What is common to all designs, descriptors and argument checks that the design does not order otherwise, stands in
 * syscall/epoll-calls.ts.
 */
import type { FilePtr } from '../file/file.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { FramePtr, TaskPtr } from '../task/task.ts';
import { kevlarDeclared, kevlarOps } from './kevlar/instance.ts';
import { linuxDeclared, linuxOps } from './linux/instance.ts';
import { veridianDeclared, veridianOps } from './veridian/instance.ts';
import { wasixDeclared, wasixOps } from './wasix/instance.ts';

export interface EpollOps {
  /** 0: epoll_pwait ignores its mask. */
  readonly usesMask: number;
  /** 0: a wait does not look at signals, but for those that end or stop its process. */
  readonly signalsInterrupt: number;
  /** How long a wait without a timeout waits. */
  readonly foreverNs: number;
  /** What reading and writing an instance answers. */
  readonly transferError: number;
  /** Checks the flags of epoll_create1. @returns a new epoll file, or -errno */
  readonly create: (t: TaskPtr, flags: number) => number;
  /**
   * EPOLL_CTL_*, from raw arguments, with the design's own order of checks.
   * @param eventAddress user address of a struct epoll_event
   */
  readonly control: (t: TaskPtr, epfd: number, op: number, fd: number, eventAddress: number) => number;
  /** The design's checks at the start of a wait, in its order. @returns PROCEED (the frame holds the file) or -errno */
  readonly waitBegin: (t: TaskPtr, fr: FramePtr, epfd: number, buffer: number, maxEvents: number) => number;
  /** One look for events: stored to the frame's buffer. @returns how many, -errno, WAIT or YIELD */
  readonly collect: (t: TaskPtr, fr: FramePtr) => number;
  /** Stands where wakes for this wait come from. @returns 0, -errno, or YIELD: it stands nowhere */
  readonly enqueue: (t: TaskPtr, fr: FramePtr) => number;
  /** Does this instance watch `source`? */
  readonly watches: (epoll: FilePtr, source: FilePtr) => number;
  /** Readiness of an epoll file as a source of another epoll, of poll and select. */
  readonly poll: (epoll: FilePtr, t: TaskPtr) => number;
  /** The last reference to a watched file is gone (File.watcherCount is not 0). @returns 0 */
  readonly sourceGone: (f: FilePtr) => number;
  readonly release: (epoll: FilePtr) => number;
  readonly reclaim: (epoll: FilePtr) => number;
}

/** In the order of DESIGN_NAMES. */
export const epollOps: readonly EpollOps[] = [kevlarOps, linuxOps, wasixOps, veridianOps];

export function designIndex(): number {
  return Machine.design.get(MACHINE);
}

/** By design: the rules of Linux that it answers otherwise, and why. */
export const declaredDivergences = {
  kevlar: kevlarDeclared,
  linux: linuxDeclared,
  wasix: wasixDeclared,
  veridian: veridianDeclared,
} as const;
