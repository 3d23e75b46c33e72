/**
 * May one epoll watch another? Kevlar does not ask: an epoll added to itself, or a cycle, makes its next wait take a
 * spinlock that it holds, for ever (bug 27 of its history). That hang is mended here as Linux does it: EINVAL for
 * itself, ELOOP for a cycle or for a chain of more than four links. The rest of its nesting is Kevlar's.
 *
 * The caller holds the nesting lock, under which alone an epoll enters another, so what this search sees cannot grow
 * while it looks; interests may still leave, which breaks no promise.
 */
import { List, ListNode } from '../../../shared-mem/list.ts';
import { ELOOP } from '../../abi/errno.ts';
import type { FilePtr } from '../../file/file.ts';
import { File, KIND_EPOLL } from '../../file/file.ts';
import { lock, unlock } from '../../irq/locking.ts';
import { MACHINE, Machine } from '../../machine-record.ts';
import type { KevlarEpollPtr } from './interest.ts';
import { KevlarEpoll, KevlarInterest, kevlarOf } from './interest.ts';

/** Links from epoll to epoll in one chain (C1). */
export const MAX_LINKS = 4;

/** @returns 0, or -ELOOP if watching `target` from `outer` would close a cycle or make too long a chain */
export function mayNest(outer: KevlarEpollPtr, target: KevlarEpollPtr): number {
  const below = linksBelow(target, outer, 0);
  if (below > MAX_LINKS) return -ELOOP;
  const above = linksAbove(outer, 0);
  return below + 1 + above > MAX_LINKS ? -ELOOP : 0;
}

/** The longest chain under `e`; more than MAX_LINKS if it is too long or reaches `forbidden`. */
function linksBelow(e: KevlarEpollPtr, forbidden: KevlarEpollPtr, depth: number): number {
  if (e === forbidden || depth > MAX_LINKS) return MAX_LINKS + 1;
  if (KevlarEpoll.nested.load(e) === 0) return 0;
  let longest = 0;
  for (let fd = nextNestedFd(e, 0); fd >= 0; fd = nextNestedFd(e, fd + 1)) {
    const child = nestedAt(e, fd);
    if (child !== 0) longest = Math.max(longest, 1 + linksBelow(child, forbidden, depth + 1));
  }
  return longest;
}

/** The longest chain over `e`: whoever watches it, and whoever watches them. */
function linksAbove(e: KevlarEpollPtr, depth: number): number {
  if (depth > MAX_LINKS) return depth;
  let longest = 0;
  let node = List.first.get(Machine.allEpolls.at(MACHINE));
  while (node !== 0) {
    const other = KevlarEpoll.node.outer(node);
    node = ListNode.next.get(node);
    if (KevlarEpoll.nested.load(other) === 0) continue;
    for (let fd = nextNestedFd(other, 0); fd >= 0; fd = nextNestedFd(other, fd + 1)) {
      if (nestedAt(other, fd) !== e) continue;
      longest = Math.max(longest, 1 + linksAbove(other, depth + 1));
      break;
    }
  }
  return longest;
}

/** The first descriptor at or above `from` under which `e` watches an epoll, or -1. */
function nextNestedFd(e: KevlarEpollPtr, from: number): number {
  let found = -1;
  lock(KevlarEpoll.lock.at(e));
  let node = List.first.get(KevlarEpoll.inOrder.at(e));
  while (node !== 0 && found < 0) {
    const i = KevlarInterest.node.outer(node);
    node = ListNode.next.get(node);
    if (KevlarInterest.fd.get(i) >= from && File.kind.get(KevlarInterest.file.get(i)) === KIND_EPOLL) {
      found = KevlarInterest.fd.get(i);
    }
  }
  unlock(KevlarEpoll.lock.at(e));
  return found;
}

function nestedAt(e: KevlarEpollPtr, fd: number): KevlarEpollPtr {
  let child = 0 as KevlarEpollPtr;
  lock(KevlarEpoll.lock.at(e));
  let node = List.first.get(KevlarEpoll.inOrder.at(e));
  while (node !== 0) {
    const i = KevlarInterest.node.outer(node);
    node = ListNode.next.get(node);
    const f = KevlarInterest.file.get(i) as FilePtr;
    if (KevlarInterest.fd.get(i) === fd && File.kind.get(f) === KIND_EPOLL) child = kevlarOf(f);
  }
  unlock(KevlarEpoll.lock.at(e));
  return child;
}
