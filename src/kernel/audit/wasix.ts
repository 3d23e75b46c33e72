/**
 * Instances of WASIX's design: a subscription is found from its instance, from its file and from the file's queue. It has
 * one entry of its own, spare or in the ready queue; what is pending is listed; and no instance has more entries than it
 * may.
 */
import { WASIX_ENTRIES_EACH, WasixEntry, SPARE_ENTRIES, WasixEpoll, WasixSub } from '../epoll/wasix/records.ts';
import type { FilePtr } from '../file/file.ts';
import { bodyOf, File, KIND_EPOLL } from '../file/file.ts';
import { auditWatched } from './linux.ts';
import { auditMap } from './maps.ts';
import { auditLock } from './slabs.ts';
import type { MemoryView } from './view.ts';
import { complain, livesIn, livingOf, see, walkList } from './view.ts';

export function auditWasix(v: MemoryView): void {
  const subscriptions = new Set<number>();
  const entries = new Set<number>();
  let nodes = 0;
  for (const e of livingOf(v, 'epolls')) nodes += auditWasixInstance(v, e, subscriptions, entries);
  const live = livingOf(v, 'interests').length;
  if (live !== subscriptions.size)
    complain(v, `slab interests: ${live} live, and instances have ${subscriptions.size}`);
  const liveEntries = livingOf(v, 'readyEntries').length;
  if (liveEntries !== entries.size)
    complain(v, `slab readyEntries: ${liveEntries} live, and instances have ${entries.size}`);
  const mapNodes = livingOf(v, 'mapNodes').length;
  if (mapNodes !== nodes) complain(v, `slab mapNodes: ${mapNodes} live, and maps have ${nodes}`);
  auditWatched(v, subscriptions, WasixSub);
}

/** @returns how many nodes its map has */
function auditWasixInstance(v: MemoryView, e: number, subscriptions: Set<number>, entries: Set<number>): number {
  const what = `epoll ${e}`;
  auditLock(v, e + WasixEpoll.mutex.off, what);
  auditLock(v, e + WasixEpoll.readyLock.off, `ready queue of ${what}`);
  const f = see(v, e, WasixEpoll.file);
  if (!livesIn(v, 'files', f) || see(v, f, File.kind) !== KIND_EPOLL || v.words[bodyOf(f as FilePtr)] !== e) {
    complain(v, `${what}: its file is another's`);
  }
  const own: number[] = [];
  const nodes = auditMap(v, e + WasixEpoll.byFd.off, own, what);
  const before = entries.size;
  const listed = queuedEntries(v, e, entries, what);
  for (const s of own) auditSubscription(v, e, s, listed, entries);
  for (const s of own) subscriptions.add(s);
  if (see(v, e, WasixEpoll.subscriptions) !== own.length) {
    complain(v, `${what}: counts ${see(v, e, WasixEpoll.subscriptions)} subscriptions, and has ${own.length}`);
  }
  const has = entries.size - before;
  if (see(v, e, WasixEpoll.entries) !== has) {
    complain(v, `${what}: counts ${see(v, e, WasixEpoll.entries)} entries, and has ${has}`);
  }
  if (has > WASIX_ENTRIES_EACH * own.length + SPARE_ENTRIES) complain(v, `${what}: has ${has} entries, and may not`);
  if (see(v, e, WasixEpoll.dead) === 1 && own.length > 0) complain(v, `${what}: is dead, and watches`);
  return nodes;
}

/** @returns the subscriptions that entries of the ready queue name, as `fd generation` */
function queuedEntries(v: MemoryView, e: number, entries: Set<number>, what: string): ReadonlySet<string> {
  const named = new Set<string>();
  for (const node of walkList(v, e + WasixEpoll.ready.off, `ready queue of ${what}`)) {
    const entry = node - WasixEntry.node.off;
    if (entries.has(entry) || !livesIn(v, 'readyEntries', entry)) {
      complain(v, `${what}: its ready queue has ${entry}, which is none, or another's`);
      continue;
    }
    entries.add(entry);
    named.add(`${see(v, entry, WasixEntry.fd)} ${see(v, entry, WasixEntry.generation)}`);
  }
  return named;
}

function auditSubscription(
  v: MemoryView,
  e: number,
  s: number,
  listed: ReadonlySet<string>,
  entries: Set<number>,
): void {
  if (!livesIn(v, 'interests', s) || see(v, s, WasixSub.epoll) !== e) {
    complain(v, `epoll ${e}: its map leads to ${s}, which is no subscription of its own`);
    return;
  }
  const name = `${see(v, s, WasixSub.fd)} ${see(v, s, WasixSub.generation)}`;
  const what = `epoll ${e}: subscription ${name}`;
  if (!livesIn(v, 'files', see(v, s, WasixSub.file))) complain(v, `${what} watches a file that was freed`);
  const spare = see(v, s, WasixSub.spare);
  const enqueued = see(v, s, WasixSub.enqueued) === 1;
  if (spare === 0 && !listed.has(name)) complain(v, `${what} has no entry`);
  if (enqueued && !listed.has(name)) complain(v, `${what} is listed, and not in the queue`);
  if (!enqueued && see(v, s, WasixSub.pending) !== 0) {
    complain(v, `lost event: ${what} has bits pending, and is not listed`);
  }
  if (spare === 0) return;
  if (entries.has(spare) || !livesIn(v, 'readyEntries', spare)) {
    complain(v, `${what} has a spare entry that is none, or another's`);
  } else entries.add(spare);
}
