/**
 * Descriptors in flight: how many lie in messages that nobody has received, and what becomes of sockets that only such
 * messages can still reach.
 *
 *     a ──(in the queue of)──▶ b ──(in the queue of)──▶ a        no descriptor leads to either: both are garbage
 *
 * A file of kind socket counts the references to it that lie in messages. When they are all that is left, it is a suspect,
 * and a collection follows, under one lock for the machine:
 *
 *     1   who has no other references is a suspect
 *     2   references found in the queues of suspects are no ground to live
 *     3   a suspect with a reference that was not found there is reached from outside, and so is what lies in its queue
 *     4   the rest is garbage: the descriptors in their queues are let go, and with them the sockets
 *
 * Queues change meanwhile, for sends and receives take no part in that lock but to count: a reference is counted before
 * it lies in a queue, and until after it was taken out. One between the two is not found in step 2, so it can only spare
 * a socket, never condemn one; and who drops what was spared tries again. A socket that a call works on is no suspect if
 * the call holds it: calls that send descriptors, or have room for some, do (syscall/socket-control.ts).
 *
 * Files are let go at the boundary between traps, one after the other, so that a chain of sockets in each other's queues
 * is no recursion.
 *
 * Linux: net/unix/garbage.c.
 */
import { List, listAppend, ListNode, listRemove } from '../../shared-mem/list.ts';
import type { ListNodePtr } from '../../shared-mem/list.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { ETOOMANYREFS } from '../abi/errno.ts';
import { dropFileLater } from '../cpu/quiescence.ts';
import { lock, unlock } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { ControlPtr } from './control-data.ts';
import { ControlData, controlCount, freeControl, joinControl } from './control-data.ts';
import type { FilePtr } from './file.ts';
import { bodyOf, File, KIND_SOCKET } from './file.ts';
import { controlOf, detachControl, firstControl, nextControl } from './socket-message.ts';
import type { SocketEndPtr, SocketPtr } from './socket-struct.ts';
import { Socket, SOCKET_LISTENING, SocketEnd } from './socket-struct.ts';
import { dropHolder } from './socket-life.ts';

/** What the collector thinks of a socket in flight. */
const FLIGHT_REACHED = 0;
const FLIGHT_SUSPECT = 1;
/** Reached from outside; what lies in its queues is not marked yet. */
const FLIGHT_TO_MARK = 2;

/** What is done with each socket in the queues of a suspect. */
const FIND = 0;
const MARK = 1;

function socketEnd(f: FilePtr): SocketEndPtr {
  return bodyOf(f) as SocketEndPtr;
}
function fileOfEnd(e: SocketEndPtr): FilePtr {
  return (e - File.body.off) as FilePtr;
}

/** The chain is about to be queued. @param limit so many descriptors may be in flight already. @returns 0 or -ETOOMANYREFS */
export function enterFlight(chain: ControlPtr, limit: number): number {
  if (Machine.inFlight.load(MACHINE) > limit) return -ETOOMANYREFS;
  Machine.inFlight.add(MACHINE, controlCount(chain));
  countSockets(chain, 1);
  return 0;
}

/** The chain was taken out of a queue, or never got there. */
export function leaveFlight(chain: ControlPtr): void {
  Machine.inFlight.sub(MACHINE, controlCount(chain));
  countSockets(chain, -1);
}

function countSockets(chain: ControlPtr, change: number): void {
  lock(Machine.flightLock.at(MACHINE));
  for (let record = chain; record !== 0; record = ControlData.next.get(record)) {
    for (let i = 0; i < ControlData.count.get(record); i++) {
      const f = ControlData.files.getAt(record, i);
      if (File.kind.get(f) === KIND_SOCKET) countLocked(socketEnd(f), change);
    }
  }
  unlock(Machine.flightLock.at(MACHINE));
}

function countLocked(e: SocketEndPtr, change: number): void {
  const before = SocketEnd.inFlight.add(e, change);
  if (before === 0) listAppend(Machine.flyingSockets.at(MACHINE), SocketEnd.flightNode.at(e));
  else if (before + change === 0) listRemove(Machine.flyingSockets.at(MACHINE), SocketEnd.flightNode.at(e));
}

/** Lets go the files of a chain from place `from` on, and its records. The files die at the end of the trap. */
export function dropControl(chain: ControlPtr, from: number): void {
  let place = 0;
  let suspect = false;
  for (let record = chain; record !== 0; record = ControlData.next.get(record)) {
    for (let i = 0; i < ControlData.count.get(record); i++, place++) {
      if (place >= from && dropReference(ControlData.files.getAt(record, i))) suspect = true;
    }
  }
  freeControl(chain);
  if (suspect) collectSockets();
}

/** @returns true if the file is a socket that now only messages lead to */
function dropReference(f: FilePtr): boolean {
  const left = dropFileLater(f);
  return left > 0 && onlyInFlight(f, left);
}

/** Are all `left` references to a file in messages? It may have died meanwhile: the boundary between traps keeps it. */
export function onlyInFlight(f: FilePtr, left: number): boolean {
  return File.kind.get(f) === KIND_SOCKET && SocketEnd.inFlight.load(socketEnd(f)) === left;
}

/** The descriptors in the queue of an end are let go with it. Called without locks. */
export function dropQueued(chain: ControlPtr): void {
  if (chain === 0) return;
  leaveFlight(chain);
  dropControl(chain, 0);
}

/** A socket is gone, or only messages lead to one: whom does nobody reach any more? Called without locks. */
export function collectSockets(): void {
  // A look without the lock: whoever is counted later is not reached by less than now.
  if (List.count.peek(Machine.flyingSockets.at(MACHINE)) === 0) return;
  lock(Machine.flightLock.at(MACHINE));
  let garbage: ControlPtr = NULL;
  if (suspectLocked() > 0) {
    visitSuspectsLocked();
    markReachedLocked();
    garbage = emptyGarbageLocked();
  }
  unlock(Machine.flightLock.at(MACHINE));
  dropQueued(garbage);
}

function firstFlying(): ListNodePtr {
  return List.first.get(Machine.flyingSockets.at(MACHINE));
}

/** Step 1. @returns how many suspects there are */
function suspectLocked(): number {
  let suspects = 0;
  for (let node = firstFlying(); node !== 0; node = ListNode.next.get(node)) {
    const e = SocketEnd.flightNode.outer(node);
    const count = SocketEnd.inFlight.load(e);
    const only = File.refs.load(fileOfEnd(e)) === count;
    SocketEnd.verdict.set(e, only ? FLIGHT_SUSPECT : FLIGHT_REACHED);
    SocketEnd.unfound.set(e, count);
    if (only) suspects++;
  }
  return suspects;
}

/** Step 2. */
function visitSuspectsLocked(): void {
  for (let node = firstFlying(); node !== 0; node = ListNode.next.get(node)) {
    const e = SocketEnd.flightNode.outer(node);
    if (SocketEnd.verdict.get(e) === FLIGHT_SUSPECT) visitQueues(e, FIND);
  }
}

/** Step 3. Who is marked goes to the end of the list, so one pass meets all; a suspect passed by may be met again. */
function markReachedLocked(): void {
  for (let node = firstFlying(); node !== 0; node = ListNode.next.get(node)) {
    const e = SocketEnd.flightNode.outer(node);
    const verdict = SocketEnd.verdict.get(e);
    if (verdict === FLIGHT_REACHED || (verdict === FLIGHT_SUSPECT && SocketEnd.unfound.get(e) === 0)) continue;
    SocketEnd.verdict.set(e, FLIGHT_REACHED);
    visitQueues(e, MARK);
  }
}

/** Step 4. @returns what lay in the queues of garbage */
function emptyGarbageLocked(): ControlPtr {
  let garbage: ControlPtr = NULL;
  for (let node = firstFlying(); node !== 0; node = ListNode.next.get(node)) {
    const e = SocketEnd.flightNode.outer(node);
    if (SocketEnd.verdict.get(e) !== FLIGHT_SUSPECT) continue;
    const s = SocketEnd.socket.get(e);
    garbage = joinControl(takeQueue(s, SocketEnd.end.get(e)), garbage);
    for (let i = 0; ; i++) {
      const embryo = holdEmbryo(s, i);
      if (embryo === 0) break;
      garbage = joinControl(takeQueue(embryo, 1), garbage);
      dropHolder(embryo);
    }
  }
  return garbage;
}

function takeQueue(s: SocketPtr, end: number): ControlPtr {
  lock(Socket.lock.at(s));
  const chain = detachControl(s, end);
  unlock(Socket.lock.at(s));
  return chain;
}

/** The queue of an end, and those of the connections that wait in its backlog: none but its file leads to them. */
function visitQueues(e: SocketEndPtr, action: number): void {
  const s = SocketEnd.socket.get(e);
  visitQueue(s, SocketEnd.end.get(e), action);
  for (let i = 0; ; i++) {
    const embryo = holdEmbryo(s, i);
    if (embryo === 0) return;
    visitQueue(embryo, 1, action);
    dropHolder(embryo);
  }
}

/** @returns the `index`-th connection in a listener's backlog, held, or 0. Their locks do not nest. */
function holdEmbryo(s: SocketPtr, index: number): SocketPtr {
  lock(Socket.lock.at(s));
  let node: ListNodePtr = NULL;
  if (Socket.state.get(s) === SOCKET_LISTENING) {
    node = List.first.get(Socket.pending.at(s));
    for (let i = 0; i < index && node !== 0; i++) node = ListNode.next.get(node);
  }
  const embryo: SocketPtr = node === 0 ? NULL : Socket.pendingNode.outer(node);
  if (embryo !== 0) Socket.holders.add(embryo, 1);
  unlock(Socket.lock.at(s));
  return embryo;
}

function visitQueue(s: SocketPtr, end: number, action: number): void {
  lock(Socket.lock.at(s));
  let left = Socket.controls.getAt(s, end);
  let head = left === 0 ? 0 : firstControl(s, end);
  while (left > 0) {
    visitChain(controlOf(head), action);
    if (--left > 0) head = nextControl(s, head);
  }
  unlock(Socket.lock.at(s));
}

function visitChain(chain: ControlPtr, action: number): void {
  for (let record = chain; record !== 0; record = ControlData.next.get(record)) {
    for (let i = 0; i < ControlData.count.get(record); i++) {
      const f = ControlData.files.getAt(record, i);
      if (File.kind.get(f) === KIND_SOCKET) visitSocket(socketEnd(f), action);
    }
  }
}

function visitSocket(e: SocketEndPtr, action: number): void {
  if (SocketEnd.verdict.get(e) !== FLIGHT_SUSPECT) return;
  if (action === FIND) {
    SocketEnd.unfound.set(e, SocketEnd.unfound.get(e) - 1);
    return;
  }
  SocketEnd.verdict.set(e, FLIGHT_TO_MARK);
  const node = SocketEnd.flightNode.at(e);
  listRemove(Machine.flyingSockets.at(MACHINE), node);
  listAppend(Machine.flyingSockets.at(MACHINE), node);
}
