/**
 * Kevlar: one look at everything. Every interest is visited in ascending order of its descriptor until the caller's
 * slots are full, each is polled (or its cached poll trusted), and what is ready is handed to the caller. So the lowest
 * descriptor always wins, and a wakeup costs as much as there are interests, whatever changed.
 *
 * Source: levkropp/kevlar, kernel/fs/epoll.rs (collect_ready, check_interest, poll_cached).
 */
import { POLL_CACHE } from '../../../shared-mem/boot-constants.ts';
import { List, ListNode } from '../../../shared-mem/list.ts';
import { cpu } from '../../../shared-mem/self.ts';
import { EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLONESHOT, EPOLLOUT } from '../../abi/flags-event.ts';
import { Cpu } from '../../cpu/cpu.ts';
import type { FilePtr } from '../../file/file.ts';
import { Changes, File } from '../../file/file.ts';
import { fileOps } from '../../file/ops-table.ts';
import { lock, unlock } from '../../irq/locking.ts';
import type { TaskPtr } from '../../task/task.ts';
import { closeClockPass, openClockPass } from '../../time/clock.ts';
import { storeEvent } from '../event-store.ts';
import type { KevlarEpollPtr, KevlarInterestPtr } from './interest.ts';
import { KevlarEpoll, KevlarInterest } from './interest.ts';

/** All that Kevlar ever reports; RDHUP, PRI and the rest are never produced. */
const REPORTED = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP;
const EDGE = EPOLLET | 0;

/** @returns the source's generation, or 0 where nobody keeps one: edge triggering falls back to level, no caching */
function pollGeneration(f: FilePtr): number {
  const changes = File.changes.get(f);
  return Changes.watchers.load(changes) !== 0 ? Changes.count.load(changes) : 0;
}

/** Is the interest to be looked at? Edge-triggered ones once per generation, disarmed ones never. */
function letsThrough(i: KevlarInterestPtr, events: number): boolean {
  if (events === 0) return false;
  if ((events & EDGE) === 0) return true;
  const generation = pollGeneration(KevlarInterest.file.get(i));
  if (generation === 0) return true;
  if (generation === KevlarInterest.lastGeneration.get(i)) return false;
  KevlarInterest.lastGeneration.set(i, generation);
  return true;
}

/** What the source is ready for, from the cache if its generation has not moved since. */
function pollCached(i: KevlarInterestPtr, t: TaskPtr): number {
  const f = KevlarInterest.file.get(i);
  if (!POLL_CACHE) return fileOps[File.kind.get(f)]!.poll(f, t);
  const generation = pollGeneration(f);
  if (generation !== 0 && generation === KevlarInterest.cachedGeneration.get(i)) {
    return KevlarInterest.cachedBits.get(i);
  }
  const bits = fileOps[File.kind.get(f)]!.poll(f, t);
  if (generation !== 0) {
    KevlarInterest.cachedGeneration.set(i, generation);
    KevlarInterest.cachedBits.set(i, bits);
  }
  return bits;
}

/**
 * @param buffer user address for up to `max` events; -1: nobody wants them stored (a nested poll asks only whether)
 * @returns how many were handed out, or -EFAULT
 */
export function kevlarCollect(e: KevlarEpollPtr, t: TaskPtr, buffer: number, max: number): number {
  lock(KevlarEpoll.lock.at(e));
  openClockPass();
  let count = 0;
  let visited = 0;
  let node = List.first.get(KevlarEpoll.inOrder.at(e));
  while (node !== 0 && count < max) {
    const i = KevlarInterest.node.outer(node);
    node = ListNode.next.get(node);
    visited++;
    const events = KevlarInterest.events.get(i);
    if (!letsThrough(i, events)) continue;
    const ready = pollCached(i, t) & REPORTED & (events | EPOLLERR | EPOLLHUP);
    if (ready === 0) continue;
    if (buffer !== -1) {
      const stored = storeEvent(t, buffer, count, ready, KevlarInterest.dataLow.get(i), KevlarInterest.dataHigh.get(i));
      if (stored < 0) {
        closeClockPass();
        unlock(KevlarEpoll.lock.at(e));
        return stored;
      }
    }
    count++;
    if ((events & EPOLLONESHOT) !== 0) KevlarInterest.events.set(i, 0);
  }
  closeClockPass();
  unlock(KevlarEpoll.lock.at(e));
  Cpu.repolls.set(cpu, Cpu.repolls.get(cpu) + visited);
  // Each descriptor visited is a unit of work: a long look must not hide the clock from the tick.
  Cpu.workLeft.set(cpu, Cpu.workLeft.get(cpu) - visited);
  return count;
}
