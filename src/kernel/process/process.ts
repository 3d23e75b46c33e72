/**
 * A process: what its threads share. Descriptor table, user memory, signal dispositions and the signals pending for
 * the process as a whole.
 */
import { List } from '../../shared-mem/list.ts';
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

export const Process = struct('Process', {
  header: embed(RecordHeader),
  line: cacheLine(),
  pid: plain('immutable'),
  /** The process that started it; 0: the host did. */
  parent: plain<Ptr<'Process'>>('immutable'),
  parentPid: plain('immutable'),
  fdTable: plain<Ptr<'FdTable'>>('immutable'),
  /** First byte of its user memory, and how many there are. */
  userBase: plain('immutable'),
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

export const PROCESS_LIVE = 1;
export const PROCESS_EXITING = 2;
export const PROCESS_ZOMBIE = 3;
