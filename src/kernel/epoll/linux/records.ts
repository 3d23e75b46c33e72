/**
 * The records of Linux's design: an instance (struct eventpoll) and an item (struct epitem), one for each watched file
 * and number.
 *
 *     file ──queue──▶ item.stand      a callback among those who wait for the file
 *     file ──watchers─▶ item.fileNode   so that the file's end finds its items
 *     instance ──byFd──▶ item ─nextSameFd─▶ item    (a number may lead to two files: the old one still open elsewhere)
 *     instance ──ready──▶ item.readyNode
 *     instance ──overflow──▶ item.nextOverflow      what became ready while a harvest runs
 *
 * Linux: fs/eventpoll.c.
 */
import { IntMap } from '../../../shared-mem/int-map.ts';
import { List, ListNode } from '../../../shared-mem/list.ts';
import { CLASS_EPOLL, CLASS_EPOLL_NESTING, CLASS_FILE, CLASS_READY } from '../../../shared-mem/locks/classes.ts';
import { SpinLock } from '../../../shared-mem/locks/spin-lock.ts';
import type { Ptr } from '../../../shared-mem/pointer.ts';
import { RecordHeader } from '../../../shared-mem/slab.ts';
import { atomic, cacheLine, embed, plain, struct } from '../../../shared-mem/struct.ts';
import type { FilePtr } from '../../file/file.ts';
import { bodyOf } from '../../file/file.ts';
import { WaitEntry, WaitQueue } from '../../wait/wait-queue-struct.ts';

const UNDER_MUTEX = `class:${CLASS_EPOLL}:epoll`;
const UNDER_NESTING_LOCK = `class:${CLASS_EPOLL_NESTING}:epoll nesting`;
const UNDER_READY_LOCK = `class:${CLASS_READY}:epoll ready`;
const UNDER_FILE_LOCK = `class:${CLASS_FILE}:file`;

export const LinuxEpoll = struct('LinuxEpoll', {
  header: embed(RecordHeader),
  line: cacheLine(),
  /** Linux's ep->mtx: who changes the set of items, and who harvests. */
  mutex: embed(SpinLock),
  byFd: embed(IntMap),
  file: plain<FilePtr>('immutable'),
  /** 1: released; a call that looked the descriptor up before must not add to it any more. */
  dead: plain('mutex'),
  /** Items that watch epolls: a search passes over the many that have none. */
  nested: atomic(),
  /** The search that looked at this instance last, and what it found (nesting.ts). */
  search: plain(UNDER_NESTING_LOCK),
  searchFound: plain(UNDER_NESTING_LOCK),
  readyLine: cacheLine(),
  /** Linux's ep->lock: which items are ready. Taken by every change of a source, so it is held for a few lines only. */
  readyLock: embed(SpinLock),
  ready: embed(List),
  /** 1: a harvest goes over `ready` without this lock; what becomes ready meanwhile goes to the overflow. */
  harvesting: plain('readyLock'),
  overflowFirst: plain<Ptr<'LinuxItem'>>('readyLock'),
  overflowLast: plain<Ptr<'LinuxItem'>>('readyLock'),
  /** A harvest's own: the first in `ready` of what it delivered and is level-triggered, which stands last there. */
  delivered: plain<Ptr<'ListNode'>>('owned:harvest'),
  /** Linux's ep->wq: who waits for events. */
  waiters: embed(WaitQueue),
});
export type LinuxEpollPtr = Ptr<'LinuxEpoll'>;

export const LinuxItem = struct('LinuxItem', {
  header: embed(RecordHeader),
  /** In the queue of the file: its callback (wait/wait-queue.ts). */
  stand: embed(WaitEntry),
  readyNode: embed(ListNode),
  /** The next in the overflow, OVERFLOW_END for the last, 0 outside of it. */
  nextOverflow: plain<Ptr<'LinuxItem'>>(UNDER_READY_LOCK),
  epoll: plain<LinuxEpollPtr>('immutable'),
  file: plain<FilePtr>('immutable'),
  fd: plain('immutable'),
  /** What is asked for, ERR and HUP always; only private bits: disarmed. Written under the mutex, read by callbacks. */
  events: atomic(),
  dataLow: plain(UNDER_MUTEX),
  dataHigh: plain(UNDER_MUTEX),
  nextSameFd: plain<Ptr<'LinuxItem'>>(UNDER_MUTEX),
  fileNode: embed(ListNode),
  /** 1: the end of the file has found it, and will remove it. */
  dying: plain(UNDER_FILE_LOCK),
});
/** No record lies there. */
export const OVERFLOW_END = 1 as Ptr<'LinuxItem'>;
export type LinuxItemPtr = Ptr<'LinuxItem'>;

const EpollBody = struct('EpollBody', { epoll: plain<LinuxEpollPtr>('immutable') });

/** The instance behind an epoll file. */
export function linuxOf(f: FilePtr): LinuxEpollPtr {
  return EpollBody.epoll.get(bodyOf(f) as Ptr<'EpollBody'>);
}
export function attachLinux(f: FilePtr, e: LinuxEpollPtr): void {
  EpollBody.epoll.set(bodyOf(f) as Ptr<'EpollBody'>, e);
}
