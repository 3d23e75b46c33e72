/**
 * The producer's side (EpollHandler, push_interest): a source tells its handlers what happened to it. A bit that is
 * pending already says nothing new; a new one lists the subscription, unless it is listed.
 *
 *     handler                                 drain (drain.ts)
 *       pending |= bit        P1                take an entry, which is spare from here on
 *       enqueued 0 -> 1       P2                bits = pending, pending = 0      C1
 *       append an entry                         enqueued = 0                     C2
 *                                               pending again? as P2             C3   the repair
 *
 * Why no bit is lost: P1 before C1 is taken by C1. P1 after C1 sees the bit clear, so it goes on to P2; if P2 comes
 * before C2 it fails, and then P1 came before C3, which finds the bit and lists the subscription itself.
 *
 * Called under the lock of the source's queue (wait/wait-queue.ts), or under the instance's mutex. It looks at no file but
 * for its readiness word, for a close or a hangup does not say what it left.
 *
 * Source: wasmerio/wasmer, lib/wasix/src/os/epoll/mod.rs.
 */
import { listAppend } from '../../../shared-mem/list.ts';
import { acquire, release } from '../../../shared-mem/locks/lock.ts';
import { NULL } from '../../../shared-mem/pointer.ts';
import { cpu } from '../../../shared-mem/self.ts';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from '../../abi/flags-event.ts';
import { Cpu } from '../../cpu/cpu.ts';
import { File, KIND_SOCKET } from '../../file/file.ts';
import { interruptsOff, interruptsOn } from '../../irq/interrupts.ts';
import type { WasixEpollPtr, WasixSubPtr } from './records.ts';
import { WasixEntry, WasixEpoll, WasixSub } from './records.ts';

export const READABLE = 1;
export const WRITABLE = 2;
export const HUNG_UP = 4;
export const FAILED = 8;

/** What readiness is which bit. RDHUP, PRI and the rest have none, and are never told. */
export function pendingBitsOf(events: number): number {
  let bits = 0;
  if ((events & EPOLLIN) !== 0) bits |= READABLE;
  if ((events & EPOLLOUT) !== 0) bits |= WRITABLE;
  if ((events & EPOLLHUP) !== 0) bits |= HUNG_UP;
  if ((events & EPOLLERR) !== 0) bits |= FAILED;
  return bits;
}

/** Which bits a subscription may be told of: hangups and errors always. */
export function trackedBits(events: number): number {
  return pendingBitsOf(events) | HUNG_UP | FAILED;
}

/** What of the bits a subscription hands out, as events. */
export function eventsOfBits(bits: number, events: number): number {
  const told = bits & trackedBits(events);
  let ready = 0;
  if ((told & READABLE) !== 0) ready |= EPOLLIN;
  if ((told & WRITABLE) !== 0) ready |= EPOLLOUT;
  if ((told & HUNG_UP) !== 0) ready |= EPOLLHUP;
  if ((told & FAILED) !== 0) ready |= EPOLLERR;
  return ready;
}

/**
 * A source changed. A socket tells all that happened to it, whoever asked; other sources of WASIX never say that they are
 * writable, for they are never full, so here, where they can be, they say it to those alone who ask. Mask and file are
 * fixed while the handler is in.
 * @param keys the readiness that changed, 0 for all
 * @returns 1 if the subscription is listed by it
 */
export function sourceTells(s: WasixSubPtr, keys: number): number {
  const f = WasixSub.file.peek(s);
  const told = pendingBitsOf(keys !== 0 ? keys : File.readiness.load(f));
  return pushBits(s, File.kind.get(f) === KIND_SOCKET ? told : told & trackedBits(WasixSub.events.peek(s)));
}

/** Pushes bits one by one, as a source does. @returns 1 if the subscription is listed by it */
export function pushBits(s: WasixSubPtr, bits: number): number {
  let listed = 0;
  for (let left = bits; left !== 0; left &= left - 1) {
    if (pushInterest(s, left & -left) === 1) listed = 1;
  }
  return listed;
}

export function pushInterest(s: WasixSubPtr, bit: number): number {
  Cpu.enqueueAttempts.set(cpu, Cpu.enqueueAttempts.get(cpu) + 1);
  const fresh = (WasixSub.pending.or(s, bit) & bit) === 0;
  if (fresh && markEnqueued(s)) {
    enqueueReady(WasixSub.epoll.get(s), s);
    return 1;
  }
  Cpu.dedupeHits.set(cpu, Cpu.dedupeHits.get(cpu) + 1);
  return 0;
}

/** Takes one bit back, of this subscription alone. @returns 1 if it was pending */
export function popInterest(s: WasixSubPtr, bit: number): number {
  return (WasixSub.pending.and(s, ~bit) & bit) !== 0 ? 1 : 0;
}
export function hasInterest(s: WasixSubPtr, bit: number): number {
  return (WasixSub.pending.load(s) & bit) !== 0 ? 1 : 0;
}

/** After a drain: bits that came while it was at work list the subscription again. @returns 1 if they did */
export function repairReadyQueue(s: WasixSubPtr): number {
  if (WasixSub.pending.load(s) === 0 || !markEnqueued(s)) return 0;
  enqueueReady(WasixSub.epoll.get(s), s);
  return 1;
}

/** Among all who try, one wins, until the drain clears it. */
function markEnqueued(s: WasixSubPtr): boolean {
  return WasixSub.enqueued.compareExchange(s, 0, 1) === 0;
}

/** The winner's: who is not enqueued has its entry to spare. */
function enqueueReady(e: WasixEpollPtr, s: WasixSubPtr): void {
  interruptsOff();
  acquire(WasixEpoll.readyLock.at(e));
  listAppend(WasixEpoll.ready.at(e), WasixEntry.node.at(WasixSub.spare.get(s)));
  WasixSub.spare.set(s, NULL);
  release(WasixEpoll.readyLock.at(e));
  interruptsOn();
}
