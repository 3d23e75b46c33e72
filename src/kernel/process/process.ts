/**
 * A process: what its threads share. User memory, signal dispositions and the signals pending for the process as a
 * whole, its place in the tree of processes (children.ts).
 */
import { List, ListNode } from '../../shared-mem/list.ts';
import { CLASS_TREE } from '../../shared-mem/locks/classes.ts';
import { SpinLock } from '../../shared-mem/locks/spin-lock.ts';
import type { Ptr } from '../../shared-mem/pointer.ts';
import { RecordHeader } from '../../shared-mem/slab.ts';
import { atomic, cacheLine, embed, f64, f64s, plain, plains, struct } from '../../shared-mem/struct.ts';
import { PendingSet } from '../signal/pending-struct.ts';
import { Timer } from '../time/timers.ts';
import { WaitQueue } from '../wait/wait-queue-struct.ts';

export type ProcessPtr = Ptr<'Process'>;

/** Words of one signal's disposition: handler, flags, mask low, mask high. */
export const ACTION_WORDS = 4;
export const ACTION_HANDLER = 0;
export const ACTION_FLAGS = 1;
export const ACTION_MASK_LOW = 2;
export const ACTION_MASK_HIGH = 3;

const UNDER_TREE_LOCK = `class:${CLASS_TREE}:process tree`;

/** Resources that have a limit: RLIMIT_CPU to RLIMIT_RTTIME. */
export const RESOURCES = 16;

/** Timers that count the process's time on CPUs. */
export const CPU_TIMERS = 2;

export const Process = struct('Process', {
  header: embed(RecordHeader),
  line: cacheLine(),
  pid: plain('immutable'),
  addressSpace: plain<Ptr<'AddressSpace'>>('owned:exec'),
  /** First byte of its user memory, and how many there are; execve, which leaves one thread, alone changes it. */
  userBase: plain('owned:exec'),
  userBytes: plain('immutable'),
  /** Which program (and arguments) its tasks run: an index that every CPU knows. */
  image: plain('immutable'),
  /** Guards the list of threads and the way out. */
  lock: embed(SpinLock),
  threads: embed(List),
  liveThreads: plain('lock'),
  /** Soft and hard limit of each resource (syscall/limits.ts). */
  limits: f64s(2 * RESOURCES, 'lock'),
  mainThread: plain<Ptr<'Task'>>('lock'),
  /** PROCESS_* below. */
  state: atomic(),
  /** As wait4 would give it: exit code << 8, or the number of the signal that ended it. */
  exitStatus: atomic(),
  /** System calls that its threads completed; counted with checks on, for `smplab_settle`. */
  completedCalls: atomic(),
  startedAtNs: f64('immutable'),
  /** Switches of the threads that have ended: voluntary, involuntary. And of the children that were waited for. */
  endedSwitches: f64s(2, 'lock'),
  childSwitches: f64s(2, UNDER_TREE_LOCK),
  /** 1: the host started it, and is told of its end. */
  hostBorn: plain('immutable'),
  /** The process that waits for its end; 0: the host, as init stands outside of a container. */
  parent: plain<Ptr<'Process'>>(UNDER_TREE_LOCK),
  parentPid: atomic(),
  children: embed(List),
  siblingNode: embed(ListNode),
  group: atomic(),
  session: atomic(),
  /** What its parent gets at its end: SIGCHLD, another signal, or 0. */
  exitSignal: plain('immutable'),
  /** 1: its parent, which minded its group, has ended (signal/orphans.ts). */
  leftBehind: atomic(),
  /** 1: the orphans among its descendants become its children (PR_SET_CHILD_SUBREAPER). */
  subreaper: atomic(),
  /** The process that lent it its memory and waits (vfork), and the generation of its record; or 0. */
  lender: plain<Ptr<'Process'>>('owned:exec'),
  lenderGeneration: plain('owned:exec'),
  /** 1: it has let go of the memory that it borrowed from a waiting parent (vfork). */
  memoryReturned: atomic(),
  /** Where its threads wait for children (CHILD_KEY), for returned memory (MEMORY_KEY), for the others' end (THREAD_KEY). */
  childQueue: embed(WaitQueue),
  /** Guards dispositions and pending signals. */
  signalLock: embed(SpinLock),
  /** Signals for whichever thread takes them first. */
  pending: embed(PendingSet),
  /** Where readers of its signalfds stand, in designs that give each source a queue. */
  signalQueue: embed(WaitQueue),
  /** ACTION_WORDS for each of 64 signals. */
  actions: plains(64 * ACTION_WORDS, 'signalLock'),
  /** The signal of the stop in force, or 0 (signal/job-control.ts). Written under both locks, read under either. */
  stopSignal: atomic(),
  /** Threads that have not stopped yet; 0 in a stop: all have. */
  stopLeft: plain('signalLock'),
  /** A stop signal that a thread has taken and not acted upon yet, or 0. */
  stopTaken: plain('signalLock'),
  /** What wait4 may still be told: CLD_STOPPED, CLD_CONTINUED, or 0. */
  stopNews: plain('signalLock'),
  /** What the parent is to be told by the next thread that looks: CLD_STOPPED, CLD_CONTINUED, or 0. */
  stopTelling: plain('signalLock'),
  /** ITIMER_REAL (signal/itimer.ts): in a heap while armed; its last expiry, or the next; 0 interval: one shot. */
  realTimer: embed(Timer),
  realExpiryNs: f64('signalLock'),
  realIntervalNs: f64('signalLock'),
  realArmed: plain('signalLock'),
  /** ITIMER_VIRTUAL and ITIMER_PROF: what is left of each, and their intervals. */
  cpuLeftNs: f64s(CPU_TIMERS, 'signalLock'),
  cpuIntervalNs: f64s(CPU_TIMERS, 'signalLock'),
  /** How many of the two are armed, so that a tick need not take the lock. */
  cpuTimersArmed: atomic(),
});

/** Keys of those who stand in `childQueue`. */
export const CHILD_KEY = 1;
export const MEMORY_KEY = 2;
export const THREAD_KEY = 4;

export const PROCESS_LIVE = 1;
export const PROCESS_EXITING = 2;
export const PROCESS_ZOMBIE = 3;
