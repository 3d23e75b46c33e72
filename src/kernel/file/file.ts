/**
 * An open file: a record with a kind. What the kinds share stands here; each kind's own state lies in `body`, declared
 * in its own room.
 *
 * Life. A descriptor slot, a queued interest, a sleeping call each hold a reference. A call that only looks a
 * descriptor up takes none: the record cannot be reused under it, because a released file goes to limbo until every
 * CPU has passed a boundary between traps (cpu/quiescence.ts). So `refs` at 0 means dead, and a dead file is never
 * revived: `tryHoldFile` refuses. What is done with a file's life stands in lifetime.ts.
 */
import { List } from '../../shared-mem/list.ts';
import { SpinLock } from '../../shared-mem/locks/spin-lock.ts';
import { CLASS_FILE } from '../../shared-mem/locks/classes.ts';
import type { Ptr } from '../../shared-mem/pointer.ts';
import { RecordHeader } from '../../shared-mem/slab.ts';
import { atomic, cacheLine, embed, plain, plains, struct } from '../../shared-mem/struct.ts';
import { WaitQueue } from '../wait/wait-queue-struct.ts';

export type FilePtr = Ptr<'File'>;

/** The guard of every field in a body: the file's lock, or (pipes, sockets) that of the object two files share. */
export const UNDER_FILE_LOCK = `class:${CLASS_FILE}:file`;

export type ChangesPtr = Ptr<'Changes'>;

/**
 * How often a source changed: what Kevlar calls its generation. Kept only while a watcher needs it, for it costs an
 * atomic add with every read and write.
 */
export const Changes = struct('Changes', {
  count: atomic(),
  watchers: atomic(),
});

export const File = struct('File', {
  header: embed(RecordHeader),
  line: cacheLine(),
  refs: atomic(),
  /** O_ACCMODE | O_NONBLOCK | O_DIRECT ..., as F_GETFL answers. */
  flags: atomic(),
  /**
   * What poll answers (EPOLL bits). Written under the lock of the file's state, read with one atomic load; kinds whose
   * readiness is a matter of time or of who asks compute it instead (timerfd, signalfd, epoll).
   */
  readiness: atomic(),
  /** Its own, or that of the object which it shares with another file (the two ends of a pipe). */
  changes: plain<ChangesPtr>('immutable'),
  ownChanges: embed(Changes),
  kind: plain('immutable'),
  lock: embed(SpinLock),
  /** The kind's own state. Its first words lie on the line of the lock that guards them. */
  body: plains(20, UNDER_FILE_LOCK),
  /** Where those stand who wait for this file, in designs that give each file a queue. */
  queue: embed(WaitQueue),
  /** Who is told of input (F_SETOWN): a task, or with a minus a group; and by which signal (F_SETSIG). Nobody ever is. */
  owner: atomic(),
  ownerSignal: atomic(),
  /** Items of epolls that watch it (epoll/linux/items.ts), under `lock`, and how many, for a look without it. */
  watchers: embed(List),
  watcherCount: atomic(),
  limboNext: plain<Ptr<'File'>>('owned:limbo'),
  limboEpoch: plain('owned:limbo'),
});

export const KIND_NONE = 0;
export const KIND_EVENTFD = 1;
export const KIND_PIPE = 2;
export const KIND_TIMERFD = 3;
export const KIND_SIGNALFD = 4;
export const KIND_SOCKET = 5;
export const KIND_MEMFD = 6;
export const KIND_DEVICE = 7;
export const KIND_EPOLL = 8;
export const KIND_NAMES: readonly string[] = [
  'none',
  'eventfd',
  'pipe',
  'timerfd',
  'signalfd',
  'socket',
  'memfd',
  'device',
  'epoll',
];

/** Where the kind's own state begins; each kind casts it to its struct. */
export function bodyOf(f: FilePtr): number {
  return (f as number) + File.body.off;
}
