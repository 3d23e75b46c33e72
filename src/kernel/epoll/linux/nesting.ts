/**
 * What stands against one epoll watching another: a cycle, or a chain of more than four links (ELOOP); and against any
 * file being watched in too many ways through chains (EINVAL), for each of its changes would go up all of them (C1 to C3).
 *
 * Under the nesting lock, under which alone links between instances are made, so what a search sees cannot grow while
 * it looks; items may leave meanwhile, which breaks no promise. A search takes the mutex of one instance, or the lock of one
 * file, at a time. It bears a number, and what it found under or over an instance it finds there when another way leads
 * back to it: instances that all watch each other, layer by layer, are looked at once and not once a way.
 *
 * Linux: fs/eventpoll.c, ep_loop_check, ep_get_upwards_depth_proc, reverse_path_check.
 */
import { mapCeiling, mapFind } from '../../../shared-mem/int-map.ts';
import { List, ListNode } from '../../../shared-mem/list.ts';
import type { Ptr } from '../../../shared-mem/pointer.ts';
import { NULL } from '../../../shared-mem/pointer.ts';
import { EINVAL, ELOOP } from '../../abi/errno.ts';
import type { FilePtr } from '../../file/file.ts';
import { File, KIND_EPOLL } from '../../file/file.ts';
import { lock, unlock } from '../../irq/locking.ts';
import { MACHINE, Machine } from '../../machine-record.ts';
import type { LinuxEpollPtr, LinuxItemPtr } from './records.ts';
import { LinuxEpoll, LinuxItem, linuxOf } from './records.ts';

/** Links from epoll to epoll in one chain (C1). */
const LINKS_MAX = 4;
/** Ways of each length, in links, in which one file may be watched; directly, in any number. */
const PATHS_MAX: readonly number[] = [Number.POSITIVE_INFINITY, 500, 100, 50, 10];

/** @returns 0, or -ELOOP if `outer` watching the epoll `target` would close a cycle or make too long a chain */
export function mayWatchEpoll(outer: LinuxEpollPtr, target: FilePtr): number {
  beginSearch();
  const below = chainUnder(linuxOf(target), outer, 0);
  if (below > LINKS_MAX) return -ELOOP;
  beginSearch();
  return below + 1 + chainOver(LinuxEpoll.file.get(outer), 0) > LINKS_MAX ? -ELOOP : 0;
}

function beginSearch(): void {
  Machine.searches.set(MACHINE, (Machine.searches.get(MACHINE) + 1) | 0);
}
/** Has this search found something about `e` already? */
function isSearched(e: LinuxEpollPtr): boolean {
  return LinuxEpoll.search.get(e) === Machine.searches.get(MACHINE);
}
function noteSearched(e: LinuxEpollPtr, found: number): void {
  LinuxEpoll.search.set(e, Machine.searches.get(MACHINE));
  LinuxEpoll.searchFound.set(e, found);
}

/** The longest chain under `e`; more than LINKS_MAX if it is too long or reaches `forbidden`. */
function chainUnder(e: LinuxEpollPtr, forbidden: LinuxEpollPtr, depth: number): number {
  if (e === forbidden || depth > LINKS_MAX) return LINKS_MAX + 1;
  if (LinuxEpoll.nested.load(e) === 0) return 0;
  if (isSearched(e)) return LinuxEpoll.searchFound.get(e);
  let longest = 0;
  for (let fd = nextFd(e, 0); fd >= 0 && longest <= LINKS_MAX; fd = nextFd(e, fd + 1)) {
    for (let skip = 0; longest <= LINKS_MAX; skip++) {
      const f = fileAt(e, fd, skip);
      if (f === 0) break;
      if (File.kind.get(f) !== KIND_EPOLL) continue;
      longest = Math.max(longest, 1 + chainUnder(linuxOf(f), forbidden, depth + 1));
    }
  }
  noteSearched(e, longest);
  return longest;
}

/** The longest chain over an epoll file: whoever watches it, and whoever watches them. */
function chainOver(f: FilePtr, depth: number): number {
  if (depth > LINKS_MAX || File.watcherCount.load(f) === 0) return 0;
  const e = linuxOf(f);
  if (isSearched(e)) return LinuxEpoll.searchFound.get(e);
  let longest = 0;
  for (let skip = 0; longest <= LINKS_MAX; skip++) {
    const outer = watcherOf(f, skip);
    if (outer === 0) break;
    longest = Math.max(longest, 1 + chainOver(outer, depth + 1));
  }
  noteSearched(e, longest);
  return longest;
}

/**
 * With its new item listed already, is `f` (or, of an epoll, any file under it) watched in too many ways?
 * @returns 0 or -EINVAL
 */
export function checkPaths(f: FilePtr): number {
  if (File.kind.get(f) === KIND_EPOLL) {
    beginSearch();
    return checkPathsUnder(linuxOf(f), 0);
  }
  for (let length = 0; length <= LINKS_MAX; length++) Machine.pathCounts.setAt(MACHINE, length, 0);
  return countPaths(f, 0) === 1 ? -EINVAL : 0;
}

function checkPathsUnder(e: LinuxEpollPtr, depth: number): number {
  if (depth > LINKS_MAX || isSearched(e)) return 0;
  noteSearched(e, 0);
  for (let fd = nextFd(e, 0); fd >= 0; fd = nextFd(e, fd + 1)) {
    for (let skip = 0; ; skip++) {
      const f = fileAt(e, fd, skip);
      if (f === 0) break;
      const r = File.kind.get(f) === KIND_EPOLL ? checkPathsUnder(linuxOf(f), depth + 1) : checkPaths(f);
      if (r < 0) return r;
    }
  }
  return 0;
}

/** @returns 1 if some length of path occurs too often */
function countPaths(f: FilePtr, depth: number): number {
  if (depth > LINKS_MAX) return 1;
  if (endingHere(f, depth) === 1) return 1;
  for (let skip = 0; ; skip++) {
    const outer = watchedWatcherOf(f, skip);
    if (outer === 0) return 0;
    if (countPaths(outer, depth + 1) === 1) return 1;
  }
}

/** Counts the watchers that nobody watches. @returns 1 if that makes too many paths of their length */
function endingHere(f: FilePtr, depth: number): number {
  let ending = 0;
  lock(File.lock.at(f));
  for (let node = List.first.get(File.watchers.at(f)); node !== 0; node = ListNode.next.get(node)) {
    if (File.watcherCount.load(outerFile(node)) === 0) ending++;
  }
  unlock(File.lock.at(f));
  const paths = Machine.pathCounts.getAt(MACHINE, depth) + ending;
  Machine.pathCounts.setAt(MACHINE, depth, paths);
  return paths > PATHS_MAX[depth]! ? 1 : 0;
}

function outerFile(node: Ptr<'ListNode'>): FilePtr {
  return LinuxEpoll.file.get(LinuxItem.epoll.get(LinuxItem.fileNode.outer(node)));
}

/** Watcher number `skip` of a file, as a file, or 0. Its record stays readable until this trap is over. */
function watcherOf(f: FilePtr, skip: number): FilePtr {
  return nthWatcher(f, skip, 0);
}
/** The same, of those that are watched themselves. */
function watchedWatcherOf(f: FilePtr, skip: number): FilePtr {
  return nthWatcher(f, skip, 1);
}

function nthWatcher(f: FilePtr, skip: number, watchedOnly: number): FilePtr {
  let left = skip;
  let found: FilePtr = NULL;
  lock(File.lock.at(f));
  for (let node = List.first.get(File.watchers.at(f)); node !== 0 && found === 0; node = ListNode.next.get(node)) {
    const outer = outerFile(node);
    if (watchedOnly === 1 && File.watcherCount.load(outer) === 0) continue;
    if (left === 0) found = outer;
    left--;
  }
  unlock(File.lock.at(f));
  return found;
}

/** The lowest number at or above `from` under which `e` watches anything, or -1. */
function nextFd(e: LinuxEpollPtr, from: number): number {
  lock(LinuxEpoll.mutex.at(e));
  const i = mapCeiling(LinuxEpoll.byFd.at(e), from) as LinuxItemPtr;
  const fd = i === 0 ? -1 : LinuxItem.fd.get(i);
  unlock(LinuxEpoll.mutex.at(e));
  return fd;
}

/** File number `skip` that `e` watches under a number, or 0. */
function fileAt(e: LinuxEpollPtr, fd: number, skip: number): FilePtr {
  lock(LinuxEpoll.mutex.at(e));
  let i = mapFind(LinuxEpoll.byFd.at(e), fd) as LinuxItemPtr;
  for (let left = skip; left > 0 && i !== 0; left--) i = LinuxItem.nextSameFd.get(i);
  const f = i === 0 ? NULL : LinuxItem.file.get(i);
  unlock(LinuxEpoll.mutex.at(e));
  return f;
}
