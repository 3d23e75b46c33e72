/**
 * Instances of Linux's design: an item is found from its instance, from its file and, unless the file's queue has ended,
 * from that queue, and nowhere else; no harvest is under way, so nothing stands where a harvest keeps it.
 */
import { ListNode } from '../../shared-mem/list.ts';
import { LinuxEpoll, LinuxItem } from '../epoll/linux/records.ts';
import type { FilePtr } from '../file/file.ts';
import { bodyOf, File, KIND_EPOLL } from '../file/file.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { WaitEntry } from '../wait/wait-queue-struct.ts';
import { auditMap } from './maps.ts';
import { auditLock } from './slabs.ts';
import type { MemoryView, Place } from './view.ts';
import { complain, livesIn, livingOf, see, walkList } from './view.ts';

export function auditLinux(v: MemoryView): void {
  auditLock(v, MACHINE + Machine.nestingLock.off, 'epoll nesting');
  const items = new Set<number>();
  let nodes = 0;
  for (const e of livingOf(v, 'epolls')) nodes += auditLinuxInstance(v, e, items);
  const live = livingOf(v, 'interests').length;
  if (live !== items.size) complain(v, `slab interests: ${live} live, and instances have ${items.size}`);
  const mapNodes = livingOf(v, 'mapNodes').length;
  if (mapNodes !== nodes) complain(v, `slab mapNodes: ${mapNodes} live, and maps have ${nodes}`);
  auditWatched(v, items, LinuxItem);
}

/** @returns how many nodes its map has */
function auditLinuxInstance(v: MemoryView, e: number, items: Set<number>): number {
  const what = `epoll ${e}`;
  auditLock(v, e + LinuxEpoll.mutex.off, what);
  auditLock(v, e + LinuxEpoll.readyLock.off, `ready list of ${what}`);
  const f = see(v, e, LinuxEpoll.file);
  if (!livesIn(v, 'files', f) || see(v, f, File.kind) !== KIND_EPOLL || v.words[bodyOf(f as FilePtr)] !== e) {
    complain(v, `${what}: its file is another's`);
  }
  const own = new Set<number>();
  const firsts: number[] = [];
  const nodes = auditMap(v, e + LinuxEpoll.byFd.off, firsts, what);
  for (const first of firsts) collectItems(v, e, first, own);
  let nested = 0;
  for (const i of own) {
    items.add(i);
    const source = see(v, i, LinuxItem.file);
    if (!livesIn(v, 'files', source)) complain(v, `${what}: watches a file that was freed`);
    else if (see(v, source, File.kind) === KIND_EPOLL) nested++;
  }
  if (see(v, e, LinuxEpoll.nested) !== nested) {
    complain(v, `${what}: counts ${see(v, e, LinuxEpoll.nested)} epolls that it watches, and has ${nested}`);
  }
  if (see(v, e, LinuxEpoll.dead) === 1 && own.size > 0) complain(v, `${what}: is dead, and watches`);
  auditReady(v, e, own, what);
  return nodes;
}

/** The items of one number, a list that begins with the one in the map. */
function collectItems(v: MemoryView, e: number, first: number, own: Set<number>): void {
  for (let i = first; i !== 0; i = see(v, i, LinuxItem.nextSameFd)) {
    if (own.has(i) || !livesIn(v, 'interests', i) || see(v, i, LinuxItem.epoll) !== e) {
      complain(v, `epoll ${e}: its map leads to ${i}, which is no item of its own, or to one twice`);
      return;
    }
    own.add(i);
    if (see(v, i, LinuxItem.fd) !== see(v, first, LinuxItem.fd))
      complain(v, `epoll ${e}: ${i} stands at another number`);
  }
}

function auditReady(v: MemoryView, e: number, own: ReadonlySet<number>, what: string): void {
  const listed = new Set<number>();
  for (const node of walkList(v, e + LinuxEpoll.ready.off, `ready list of ${what}`)) {
    const i = node - LinuxItem.readyNode.off;
    listed.add(i);
    if (!own.has(i)) complain(v, `${what}: what is ready is no item of its own`);
  }
  const harvests = see(v, e, LinuxEpoll.harvesting) !== 0 || see(v, e, LinuxEpoll.delivered) !== 0;
  if (harvests || see(v, e, LinuxEpoll.overflowFirst) !== 0)
    complain(v, `${what}: a harvest is under way, and nobody's`);
  for (const i of own) {
    const isReady = see(v, i + LinuxItem.readyNode.off, ListNode.list) !== 0;
    if (isReady && !listed.has(i)) complain(v, `${what}: an item says that it is ready, and is not listed`);
  }
}

/** Where an item of a design whose sources call back has what such items have. */
export interface ItemPlaces {
  readonly stand: Place;
  readonly fileNode: Place;
  readonly file: Place;
}

/** A file lists the items that watch it, and counts them; each says that it stands in a queue, or in none. */
export function auditWatched(v: MemoryView, items: ReadonlySet<number>, places: ItemPlaces): void {
  const listed = new Set<number>();
  for (const f of livingOf(v, 'files')) {
    const watchers = walkList(v, f + File.watchers.off, `watchers of file ${f}`);
    const counted = see(v, f, File.watcherCount);
    if (counted !== watchers.length) complain(v, `file ${f}: counts ${counted} watchers, and has ${watchers.length}`);
    for (const node of watchers) {
      const i = node - places.fileNode.off;
      listed.add(i);
      if (!items.has(i)) complain(v, `file ${f}: is watched by ${i}, which no instance has`);
      else if (see(v, i, places.file) !== f) complain(v, `file ${f}: is watched by an item of another file`);
    }
  }
  for (const i of items) if (!listed.has(i)) complain(v, `item ${i}: its file does not know of it`);
}

/** The stands of items in the queues of their files. */
export function standsOfItems(v: MemoryView, places: ItemPlaces): number[] {
  const stands: number[] = [];
  for (const i of livingOf(v, 'interests')) {
    const stand = i + places.stand.off;
    const knows = see(v, stand, WaitEntry.queue) !== 0;
    const linked = see(v, stand + WaitEntry.node.off, ListNode.list) !== 0;
    if (knows !== linked)
      complain(
        v,
        `item ${i}: ${linked ? 'stands in a queue of which it does not know' : 'says that it stands in a queue, and does not'}`,
      );
    if (see(v, stand, WaitEntry.item) !== i) complain(v, `item ${i}: stands in a queue for another`);
    if (linked) stands.push(stand);
  }
  return stands;
}
