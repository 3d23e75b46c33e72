/**
 * The ready queue's entries on the consumer's side: taking the first, giving it back to its subscription, and sweeping
 * out what is stale. The instance's mutex is held throughout.
 *
 * Promise: an instance has at most two entries for each of its subscriptions, and SPARE_ENTRIES more. WASIX's queue
 * grows with every MOD that nobody waits after; here it is swept before it passes that measure, so it costs no more than
 * constant time for each call, and no handler ever lacks an entry.
 */
import { mapFind } from '../../../shared-mem/int-map.ts';
import { List, ListNode, listRemove, listTakeFirst } from '../../../shared-mem/list.ts';
import { acquire, release } from '../../../shared-mem/locks/lock.ts';
import { NULL } from '../../../shared-mem/pointer.ts';
import { cpu } from '../../../shared-mem/self.ts';
import { allocRecord, freeRecord } from '../../../shared-mem/slab.ts';
import { Cpu } from '../../cpu/cpu.ts';
import { interruptsOff, interruptsOn } from '../../irq/interrupts.ts';
import { MACHINE, Machine } from '../../machine-record.ts';
import { trackedBits } from './push.ts';
import type { WasixEntryPtr, WasixEpollPtr, WasixSubPtr } from './records.ts';
import { SPARE_ENTRIES, WASIX_ENTRIES_EACH, WasixEntry, WasixEpoll, WasixSub } from './records.ts';

/** A subscription's own entry, for its present generation. @returns 0 if there is none left */
export function newEntry(e: WasixEpollPtr, s: WasixSubPtr): WasixEntryPtr {
  const entry = allocRecord(Machine.readyEntries.at(MACHINE)) as WasixEntryPtr;
  if (entry === 0) return NULL;
  WasixEpoll.entries.set(e, WasixEpoll.entries.get(e) + 1);
  nameEntry(entry, s);
  return entry;
}

export function nameEntry(entry: WasixEntryPtr, s: WasixSubPtr): void {
  WasixEntry.fd.set(entry, WasixSub.fd.get(s));
  WasixEntry.generation.set(entry, WasixSub.generation.get(s));
}

export function freeEntry(e: WasixEpollPtr, entry: WasixEntryPtr): void {
  WasixEpoll.entries.set(e, WasixEpoll.entries.get(e) - 1);
  freeRecord(Machine.readyEntries.at(MACHINE), entry);
}

/** @returns the first entry, off the queue, or 0; for an instance that ends */
export function takeEntry(e: WasixEpollPtr): WasixEntryPtr {
  interruptsOff();
  acquire(WasixEpoll.readyLock.at(e));
  const node = listTakeFirst(WasixEpoll.ready.at(e));
  release(WasixEpoll.readyLock.at(e));
  interruptsOn();
  return node === 0 ? NULL : WasixEntry.node.outer(node);
}

/** What `takeNamed` answers for an entry of nobody. No record lies there. */
export const NAMES_NOBODY = 1 as WasixSubPtr;

/**
 * Takes the first entry off the queue, and gives it back at once to the subscription that it names, unless that has
 * another: nobody lists the subscription again before the drain clears `enqueued`. An entry that names nobody, or an earlier
 * generation, is dropped and counted.
 * @returns the subscription, NAMES_NOBODY, or 0 if the queue is empty
 */
export function takeNamed(e: WasixEpollPtr): WasixSubPtr {
  interruptsOff();
  acquire(WasixEpoll.readyLock.at(e));
  const node = listTakeFirst(WasixEpoll.ready.at(e));
  const entry = node === 0 ? NULL : WasixEntry.node.outer(node);
  const s = entry === 0 ? NULL : (mapFind(WasixEpoll.byFd.at(e), WasixEntry.fd.get(entry)) as WasixSubPtr);
  const named = s !== 0 && WasixSub.generation.get(s) === WasixEntry.generation.get(entry);
  const spare = named && WasixSub.spare.get(s) === 0;
  if (spare) WasixSub.spare.set(s, entry);
  release(WasixEpoll.readyLock.at(e));
  interruptsOn();
  if (entry === 0) return NULL;
  if (!spare) freeEntry(e, entry);
  if (named) return s;
  if (s === 0) Cpu.emptyDequeues.set(cpu, Cpu.emptyDequeues.get(cpu) + 1);
  else Cpu.staleDrops.set(cpu, Cpu.staleDrops.get(cpu) + 1);
  return NAMES_NOBODY;
}

/** A look without the lock: a hint. */
export function looksEmpty(e: WasixEpollPtr): boolean {
  return List.first.peek(WasixEpoll.ready.at(e)) === 0;
}

/** A new entry of `s`: spare, unless `s` has one. */
export function returnEntry(e: WasixEpollPtr, s: WasixSubPtr, entry: WasixEntryPtr): void {
  interruptsOff();
  acquire(WasixEpoll.readyLock.at(e));
  const needed = WasixSub.spare.get(s) === 0;
  if (needed) WasixSub.spare.set(s, entry);
  release(WasixEpoll.readyLock.at(e));
  interruptsOn();
  if (!needed) freeEntry(e, entry);
}

/** @returns the spare entry of a subscription whose handler is off, which no longer has it; or 0 */
export function takeSpare(e: WasixEpollPtr, s: WasixSubPtr): WasixEntryPtr {
  interruptsOff();
  acquire(WasixEpoll.readyLock.at(e));
  const entry = WasixSub.spare.get(s);
  WasixSub.spare.set(s, NULL);
  release(WasixEpoll.readyLock.at(e));
  interruptsOn();
  return entry;
}

export function mayAddEntry(e: WasixEpollPtr): boolean {
  return WasixEpoll.entries.get(e) < WASIX_ENTRIES_EACH * WasixEpoll.subscriptions.get(e) + SPARE_ENTRIES;
}

/** Takes out of the queue what no drain would hand out: entries of nobody, of other generations, and second ones. */
export function sweepQueue(e: WasixEpollPtr): void {
  const sweep = (WasixEpoll.sweeps.get(e) + 1) | 0;
  WasixEpoll.sweeps.set(e, sweep);
  interruptsOff();
  acquire(WasixEpoll.readyLock.at(e));
  let node = List.first.get(WasixEpoll.ready.at(e));
  while (node !== 0) {
    const entry = WasixEntry.node.outer(node);
    const s = subscriptionOf(e, entry);
    const keep = s !== 0 && WasixSub.swept.get(s) !== sweep;
    const next = ListNode.next.get(node);
    if (keep) WasixSub.swept.set(s, sweep);
    else {
      listRemove(WasixEpoll.ready.at(e), node);
      freeEntry(e, entry);
    }
    node = next;
  }
  release(WasixEpoll.readyLock.at(e));
  interruptsOn();
}

/** @returns the subscription that an entry names, if it is of the entry's generation; or 0 */
function subscriptionOf(e: WasixEpollPtr, entry: WasixEntryPtr): WasixSubPtr {
  const s = mapFind(WasixEpoll.byFd.at(e), WasixEntry.fd.get(entry)) as WasixSubPtr;
  if (s === 0 || WasixSub.generation.get(s) !== WasixEntry.generation.get(entry)) return NULL;
  return s;
}

/** @returns 1 if a drain would hand anything out */
export function holdsEvents(e: WasixEpollPtr): number {
  let found = 0;
  interruptsOff();
  acquire(WasixEpoll.readyLock.at(e));
  let node = List.first.get(WasixEpoll.ready.at(e));
  while (node !== 0 && found === 0) {
    const s = subscriptionOf(e, WasixEntry.node.outer(node));
    if (s !== 0 && (WasixSub.pending.load(s) & trackedBits(WasixSub.events.get(s))) !== 0) found = 1;
    node = ListNode.next.get(node);
  }
  release(WasixEpoll.readyLock.at(e));
  interruptsOn();
  return found;
}
