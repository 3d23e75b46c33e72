/**
 * Kevlar's records: an instance is a spinlock around an ordered map fd -> interest. No ready list, no callbacks.
 *
 * Source: levkropp/kevlar, kernel/fs/epoll.rs (EpollInstance, Interest).
 */
import { IntMap } from '../../../shared-mem/int-map.ts';
import { List, ListNode } from '../../../shared-mem/list.ts';
import { CLASS_EPOLL } from '../../../shared-mem/locks/classes.ts';
import { SpinLock } from '../../../shared-mem/locks/spin-lock.ts';
import type { Ptr } from '../../../shared-mem/pointer.ts';
import { RecordHeader } from '../../../shared-mem/slab.ts';
import { atomic, cacheLine, embed, plain, struct } from '../../../shared-mem/struct.ts';
import type { FilePtr } from '../../file/file.ts';
import { bodyOf } from '../../file/file.ts';

const UNDER_EPOLL_LOCK = `class:${CLASS_EPOLL}:epoll`;

export const KevlarEpoll = struct('KevlarEpoll', {
  header: embed(RecordHeader),
  line: cacheLine(),
  lock: embed(SpinLock),
  /** fd -> interest. */
  byFd: embed(IntMap),
  /** The same interests, ascending by fd: the order in which every look visits them. */
  inOrder: embed(List),
  /** Interests in other epolls; so that a search for cycles skips the many that have none. */
  nested: atomic(),
  /** 1: released; a call that looked the descriptor up before must not add to it any more. */
  dead: plain('lock'),
  /** All instances of the machine, for that search. */
  node: embed(ListNode),
  file: plain<FilePtr>('immutable'),
});
export type KevlarEpollPtr = Ptr<'KevlarEpoll'>;

export const KevlarInterest = struct('KevlarInterest', {
  header: embed(RecordHeader),
  node: embed(ListNode),
  fd: plain('immutable'),
  /** Watched, and kept alive: closing the descriptor does not end the interest. */
  file: plain<FilePtr>('immutable'),
  /** Requested events; 0 disarms (ONESHOT after it fired). */
  events: plain(UNDER_EPOLL_LOCK),
  /** 1: counted among its source's edge-triggered watchers. */
  watchesEdges: plain(UNDER_EPOLL_LOCK),
  dataLow: plain(UNDER_EPOLL_LOCK),
  dataHigh: plain(UNDER_EPOLL_LOCK),
  /** The source's generation when this interest was last let through, for edge triggering; 0: never. */
  lastGeneration: plain(UNDER_EPOLL_LOCK),
  /** Poll cache: the generation at the last poll and what that poll said; 0: no cache. */
  cachedGeneration: plain(UNDER_EPOLL_LOCK),
  cachedBits: plain(UNDER_EPOLL_LOCK),
});
export type KevlarInterestPtr = Ptr<'KevlarInterest'>;

export const EpollBody = struct('EpollBody', { epoll: plain<KevlarEpollPtr>('immutable') });

/** The instance behind an epoll file. */
export function kevlarOf(f: FilePtr): KevlarEpollPtr {
  return EpollBody.epoll.get(bodyOf(f) as Ptr<'EpollBody'>);
}
export function attachKevlar(f: FilePtr, e: KevlarEpollPtr): void {
  EpollBody.epoll.set(bodyOf(f) as Ptr<'EpollBody'>, e);
}
