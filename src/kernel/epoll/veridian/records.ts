/**
 * VeridianOS's records: a registry of instances by number, an instance with its entries by descriptor, and the node in the
 * file table, which holds nothing but the number.
 *
 *     descriptor ─▶ file (node) ── number ──▶ registry.byNumber ──▶ instance ──byFd, inOrder──▶ entry
 *
 * One lock, the registry's, guards all of it. An entry knows a descriptor's number and no file: whatever the caller of the
 * wait has under that number is what is looked at.
 *
 * Source: doublegate/VeridianOS v0.25.2, kernel/src/net/epoll.rs (EpollRegistry, EpollInstance, InterestEntry, EpollNode).
 */
import { IntMap } from '../../../shared-mem/int-map.ts';
import { List, ListNode } from '../../../shared-mem/list.ts';
import { CLASS_EPOLL } from '../../../shared-mem/locks/classes.ts';
import { SpinLock } from '../../../shared-mem/locks/spin-lock.ts';
import type { Ptr } from '../../../shared-mem/pointer.ts';
import { RecordHeader } from '../../../shared-mem/slab.ts';
import { embed, plain, struct } from '../../../shared-mem/struct.ts';
import type { FilePtr } from '../../file/file.ts';
import { bodyOf } from '../../file/file.ts';

/** MAX_EPOLL_INSTANCES, of the whole system, and MAX_EPOLL_FDS, of each instance. A machine's own limits may be lower. */
export const INSTANCES_MAX = 256;
export const ENTRIES_MAX = 1024;

const UNDER_REGISTRY_LOCK = `class:${CLASS_EPOLL}:registry`;

/** EPOLL_REGISTRY. There is one, in the machine's record. */
export const VeridianRegistry = struct('VeridianRegistry', {
  /** Around every operation on every instance. */
  lock: embed(SpinLock),
  /** Number -> instance. */
  byNumber: embed(IntMap),
  /** The number of the latest instance; the next gets the one above. */
  lastNumber: plain('lock'),
});
export type VeridianRegistryPtr = Ptr<'VeridianRegistry'>;

export const VeridianInstance = struct('VeridianInstance', {
  header: embed(RecordHeader),
  number: plain('immutable'),
  /** Descriptor -> entry, for those numbers that can be a descriptor's. */
  byFd: embed(IntMap),
  /** All entries, ascending by descriptor: the order in which every scan visits them. */
  inOrder: embed(List),
});
export type VeridianInstancePtr = Ptr<'VeridianInstance'>;

export const VeridianEntry = struct('VeridianEntry', {
  header: embed(RecordHeader),
  node: embed(ListNode),
  fd: plain('immutable'),
  /** Requested events, without EPOLLET and EPOLLONESHOT. ERR and HUP are told only if they are among them. */
  events: plain(UNDER_REGISTRY_LOCK),
  /** Stored, and never read: an edge-triggered entry behaves as a level-triggered one. */
  edgeTriggered: plain(UNDER_REGISTRY_LOCK),
  oneShot: plain(UNDER_REGISTRY_LOCK),
  /** 1: a one-shot entry that was told, until MOD. */
  disabled: plain(UNDER_REGISTRY_LOCK),
  dataLow: plain(UNDER_REGISTRY_LOCK),
  dataHigh: plain(UNDER_REGISTRY_LOCK),
});
export type VeridianEntryPtr = Ptr<'VeridianEntry'>;

/** What lies behind a descriptor. */
export const VeridianNode = struct('VeridianNode', { number: plain('immutable') });

/** The number of the instance behind an epoll file. */
export function numberOfNode(f: FilePtr): number {
  return VeridianNode.number.get(bodyOf(f) as Ptr<'VeridianNode'>);
}
export function attachNumber(f: FilePtr, number: number): void {
  VeridianNode.number.set(bodyOf(f) as Ptr<'VeridianNode'>, number);
}
