/**
 * Doubly linked lists threaded through the records themselves: no allocation, removal in one step from anywhere.
 *
 *   List   first ─▶ node ⇄ node ⇄ node ◀─ last
 *
 * A node is embedded in its record; `Embedded.outer` leads back. Whoever guards the list guards its nodes.
 */
import { CHECKS } from './boot-constants.ts';
import { panic } from './panic.ts';
import type { Ptr } from './pointer.ts';
import { NULL } from './pointer.ts';
import { plain, struct } from './struct.ts';

export type ListPtr = Ptr<'List'>;
export type ListNodePtr = Ptr<'ListNode'>;

export const ListNode = struct('ListNode', {
  next: plain<ListNodePtr>('owned:list'),
  prev: plain<ListNodePtr>('owned:list'),
  /** The list it is in, or 0. */
  list: plain<ListPtr>('owned:list'),
});

export const List = struct('List', {
  first: plain<ListNodePtr>('owned:list'),
  last: plain<ListNodePtr>('owned:list'),
  count: plain('owned:list'),
});

export function listAppend(list: ListPtr, node: ListNodePtr): void {
  if (CHECKS && ListNode.list.get(node) !== 0) panic('a node can be in one list only');
  const last = List.last.get(list);
  ListNode.list.set(node, list);
  ListNode.prev.set(node, last);
  ListNode.next.set(node, NULL);
  if (last === 0) List.first.set(list, node);
  else ListNode.next.set(last, node);
  List.last.set(list, node);
  List.count.set(list, List.count.get(list) + 1);
}

/** Puts `node` before all others. */
export function listPrepend(list: ListPtr, node: ListNodePtr): void {
  if (CHECKS && ListNode.list.get(node) !== 0) panic('a node can be in one list only');
  const first = List.first.get(list);
  ListNode.list.set(node, list);
  ListNode.next.set(node, first);
  ListNode.prev.set(node, NULL);
  if (first === 0) List.last.set(list, node);
  else ListNode.prev.set(first, node);
  List.first.set(list, node);
  List.count.set(list, List.count.get(list) + 1);
}

/** Puts `node` right before `next`, or last if `next` is 0. */
export function listInsertBefore(list: ListPtr, next: ListNodePtr, node: ListNodePtr): void {
  if (next === 0) {
    listAppend(list, node);
    return;
  }
  const prev = ListNode.prev.get(next);
  if (prev === 0) {
    listPrepend(list, node);
    return;
  }
  if (CHECKS && ListNode.list.get(node) !== 0) panic('a node can be in one list only');
  ListNode.list.set(node, list);
  ListNode.prev.set(node, prev);
  ListNode.next.set(node, next);
  ListNode.next.set(prev, node);
  ListNode.prev.set(next, node);
  List.count.set(list, List.count.get(list) + 1);
}

export function listRemove(list: ListPtr, node: ListNodePtr): void {
  if (CHECKS && ListNode.list.get(node) !== list) panic('a node is removed from a list that it is not in');
  const prev = ListNode.prev.get(node);
  const next = ListNode.next.get(node);
  if (prev === 0) List.first.set(list, next);
  else ListNode.next.set(prev, next);
  if (next === 0) List.last.set(list, prev);
  else ListNode.prev.set(next, prev);
  ListNode.list.set(node, NULL);
  List.count.set(list, List.count.get(list) - 1);
}

/** @returns the first node, now in no list, or 0 */
export function listTakeFirst(list: ListPtr): ListNodePtr {
  const first = List.first.get(list);
  if (first !== 0) listRemove(list, first);
  return first;
}

export function inList(node: ListNodePtr): boolean {
  return ListNode.list.get(node) !== 0;
}
