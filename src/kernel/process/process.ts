/**
 * A process: what its threads share. User memory, signal dispositions and the signals pending for the process as a
 * whole, its place in the tree of processes (children.ts).
 */
import { List, ListNode } from '../../shared-mem/list.ts';
import { CLASS_TREE } from '../../shared-mem/locks/classes.ts';
import { SpinLock } from '../../shared-mem/locks/spin-lock.ts';
import type { Ptr } from '../../shared-mem/pointer.ts';
import { RecordHeader } from '../../shared-mem/slab.ts';
import { atomic, cacheLine, embed, f64, plain, plains, struct } from '../../shared-mem/struct.ts';
import { WaitQueue } from '../wait/wait-queue-struct.ts';

export type ProcessPtr = Ptr<'Process'>;

/** Words of one signal's disposition: handler, flags, mask low, mask high. */
export const ACTION_WORDS = 4;
export const ACTION_HANDLER = 0;
export const ACTION_FLAGS = 1;
export const ACTION_MASK_LOW = 2;
export const ACTION_MASK_HIGH = 3;

const UNDER_TREE_LOCK = `class:${CLASS_TREE}:process tree`;

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
  mainThread: plain<Ptr<'Task'>>('lock'),
  /** PROCESS_* below. */
  state: atomic(),
  /** As wait4 would give it: exit code << 8, or the number of the signal that ended it. */
  exitStatus: atomic(),
  /** System calls that its threads completed; counted with checks on, for `smplab_settle`. */
  completedCalls: atomic(),
  limboEpoch: plain('owned:limbo'),
  startedAtNs: f64('immutable'),
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
  pendingLow: atomic(),
  pendingHigh: atomic(),
  /** Where readers of its signalfds stand, in designs that give each source a queue. */
  signalQueue: embed(WaitQueue),
  /** ACTION_WORDS for each of 64 signals. */
  actions: plains(64 * ACTION_WORDS, 'signalLock'),
  /** Sender's si_code and pid of each pending signal, for signalfd_siginfo. */
  senderCode: plains(64, 'signalLock'),
  senderPid: plains(64, 'signalLock'),
});

/** Keys of those who stand in `childQueue`. */
export const CHILD_KEY = 1;
export const MEMORY_KEY = 2;
export const THREAD_KEY = 4;

export const PROCESS_LIVE = 1;
export const PROCESS_EXITING = 2;
export const PROCESS_ZOMBIE = 3;
