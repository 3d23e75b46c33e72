/**
 * The records of WASIX's design: an instance (EpollState), a subscription (EpollSubState, one for each watched number),
 * and an entry of the ready queue (ReadyItem), which names a subscription and does not point to it:
 *
 *     file ──queue──▶ subscription.stand       its handler, among those who wait for the file
 *     file ──watchers─▶ subscription.fileNode  so that the file's end finds its subscriptions
 *     instance ──byFd──▶ subscription
 *     instance ──ready──▶ entry {fd, generation}   first in, first out
 *     subscription.spare ──▶ entry                 its own, while that is not in the queue
 *
 * A handler must not run out of entries, so a subscription owns one from its birth: in the queue, or spare. What MOD and
 * DEL leave behind in the queue is stale, and counted, and swept out before it could use the entries up (queue.ts).
 *
 * Source: wasmerio/wasmer, lib/wasix/src/os/epoll/mod.rs.
 */
import { IntMap } from '../../../shared-mem/int-map.ts';
import { List, ListNode } from '../../../shared-mem/list.ts';
import { CLASS_EPOLL, CLASS_FILE, CLASS_READY } from '../../../shared-mem/locks/classes.ts';
import { SpinLock } from '../../../shared-mem/locks/spin-lock.ts';
import type { Ptr } from '../../../shared-mem/pointer.ts';
import { RecordHeader } from '../../../shared-mem/slab.ts';
import { atomic, cacheLine, embed, plain, struct } from '../../../shared-mem/struct.ts';
import type { FilePtr } from '../../file/file.ts';
import { bodyOf } from '../../file/file.ts';
import { WaitEntry, WaitQueue } from '../../wait/wait-queue-struct.ts';

const UNDER_MUTEX = `class:${CLASS_EPOLL}:epoll`;
const UNDER_READY_LOCK = `class:${CLASS_READY}:epoll ready`;
const UNDER_FILE_LOCK = `class:${CLASS_FILE}:file`;

export const WasixEpoll = struct('WasixEpoll', {
  header: embed(RecordHeader),
  line: cacheLine(),
  /** Guards which subscriptions there are; who drains holds it too. */
  mutex: embed(SpinLock),
  /** fd -> subscription. The number alone is the key. */
  byFd: embed(IntMap),
  file: plain<FilePtr>('immutable'),
  /** 1: released; a call that looked the descriptor up before must not add to it any more. */
  dead: plain('mutex'),
  subscriptions: plain('mutex'),
  /** How often its queue was swept. */
  sweeps: plain('mutex'),
  /** Entries of its subscriptions and stale ones, in the queue or spare. */
  entries: plain('mutex'),
  readyLine: cacheLine(),
  /** Guards the ready queue. Taken by every handler, so it is held for a few lines only. */
  readyLock: embed(SpinLock),
  ready: embed(List),
  /** Who waits for events: WASIX's `notify`. The first to come is the first to be woken. */
  waiters: embed(WaitQueue),
});
export type WasixEpollPtr = Ptr<'WasixEpoll'>;

export const WasixSub = struct('WasixSub', {
  header: embed(RecordHeader),
  /** In the queue of the file: its handler (wait/wait-queue.ts). */
  stand: embed(WaitEntry),
  epoll: plain<WasixEpollPtr>('immutable'),
  fd: plain('immutable'),
  file: plain<FilePtr>(UNDER_MUTEX),
  events: plain(UNDER_MUTEX),
  dataLow: plain(UNDER_MUTEX),
  dataHigh: plain(UNDER_MUTEX),
  /** READABLE, WRITABLE, HUNG_UP, FAILED: readiness that was told and not yet handed out. */
  pending: atomic(),
  /** 1: it has an entry in the ready queue, as far as handlers are concerned. */
  enqueued: atomic(),
  /** 1 after ADD, one more with each MOD: an entry of another one is stale. */
  generation: plain(UNDER_MUTEX),
  spare: plain<Ptr<'WasixEntry'>>(UNDER_READY_LOCK),
  /** The last sweep of the queue that met an entry of it. */
  swept: plain(UNDER_MUTEX),
  fileNode: embed(ListNode),
  /** 1: the end of the file has found it, and will remove it. */
  dying: plain(UNDER_FILE_LOCK),
  /** 1: its number leads to it. 0: the number was given to another file before the end of this one was through. */
  mapped: plain(UNDER_MUTEX),
});
export type WasixSubPtr = Ptr<'WasixSub'>;

export const WasixEntry = struct('WasixEntry', {
  header: embed(RecordHeader),
  node: embed(ListNode),
  /** Written while it is spare, by who holds the mutex; read by who took it out of the queue. */
  fd: plain('owned:entry'),
  generation: plain('owned:entry'),
});
export type WasixEntryPtr = Ptr<'WasixEntry'>;

/** How many entries an instance may have: two for each of its subscriptions, its own and a stale one, and some more. */
export const WASIX_ENTRIES_EACH = 2;
export const SPARE_ENTRIES = 8;

const EpollBody = struct('EpollBody', { epoll: plain<WasixEpollPtr>('immutable') });

/** The instance behind an epoll file. */
export function wasixOf(f: FilePtr): WasixEpollPtr {
  return EpollBody.epoll.get(bodyOf(f) as Ptr<'EpollBody'>);
}
export function attachWasix(f: FilePtr, e: WasixEpollPtr): void {
  EpollBody.epoll.set(bodyOf(f) as Ptr<'EpollBody'>, e);
}
