/**
 * Is anybody there to continue a process that stops? A group of processes is orphaned when none of its members has a
 * parent in another group of the same session, as a job has its shell. SIGTSTP, SIGTTIN and SIGTTOU do not stop members of
 * an orphaned group; and a group that becomes one while members are stopped gets SIGHUP, and then SIGCONT.
 *
 * The host counts as the shell of what it starts; not so of the orphans that it inherits.
 *
 * Linux: kernel/exit.c, will_become_orphaned_pgrp, kill_orphaned_pgrp.
 */
import { List, ListNode } from '../../shared-mem/list.ts';
import { generationOf, recordAt, Slab } from '../../shared-mem/slab.ts';
import { SIGCONT, SIGHUP } from '../abi/flags-signal.ts';
import { lock, unlock } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { ProcessPtr } from '../process/process.ts';
import { Process, PROCESS_LIVE, PROCESS_ZOMBIE } from '../process/process.ts';
import { isStopped } from './job-control.ts';
import { sendFromKernel } from './send.ts';

/** Called without locks. */
export function isOrphanedGroup(group: number): boolean {
  const slab = Machine.processes.at(MACHINE);
  lock(Machine.treeLock.at(MACHINE));
  let minded = false;
  for (let index = 0; index < Slab.untouched.peek(slab) && !minded; index++) {
    const member = recordAt(slab, index) as ProcessPtr;
    if ((generationOf(member) & 1) === 0 || Process.group.load(member) !== group) continue;
    minded = Process.state.load(member) !== PROCESS_ZOMBIE && isMindedLocked(member);
  }
  unlock(Machine.treeLock.at(MACHINE));
  return !minded;
}

/** Is its parent one who would continue it? */
export function isMindedLocked(member: ProcessPtr): boolean {
  const parent = Process.parent.get(member);
  if (parent === 0) return Process.hostBorn.get(member) === 1;
  return (
    Process.group.load(parent) !== Process.group.load(member) &&
    Process.session.load(parent) === Process.session.load(member)
  );
}

/** `p` ends: marks those of its children whose groups it minded. @returns how many there are */
export function markLeftBehindLocked(p: ProcessPtr): number {
  let left = 0;
  for (let node = List.first.get(Process.children.at(p)); node !== 0; node = ListNode.next.get(node)) {
    const child = Process.siblingNode.outer(node);
    if (!isMindedLocked(child)) continue;
    Process.leftBehind.store(child, 1);
    left++;
  }
  return left;
}

/** The groups of those who were marked, wherever they are now. Called without locks. */
export function hangUpLeftBehind(): void {
  const slab = Machine.processes.at(MACHINE);
  for (let index = 0; index < Slab.untouched.peek(slab); index++) {
    const p = recordAt(slab, index) as ProcessPtr;
    if ((generationOf(p) & 1) === 1 && Process.leftBehind.exchange(p, 0) === 1) hangUpIfOrphaned(Process.group.load(p));
  }
}

/** A group has lost one who minded it. Called without locks. */
export function hangUpIfOrphaned(group: number): void {
  if (!someStopped(group) || !isOrphanedGroup(group)) return;
  signalGroup(group, SIGHUP);
  signalGroup(group, SIGCONT);
}

function memberAt(index: number, group: number): ProcessPtr {
  const p = recordAt(Machine.processes.at(MACHINE), index) as ProcessPtr;
  const there = (generationOf(p) & 1) === 1 && Process.state.load(p) === PROCESS_LIVE;
  return there && Process.group.load(p) === group ? p : (0 as ProcessPtr);
}

function someStopped(group: number): boolean {
  for (let index = 0; index < Slab.untouched.peek(Machine.processes.at(MACHINE)); index++) {
    const p = memberAt(index, group);
    if (p !== 0 && Process.stopSignal.load(p) !== 0 && isStopped(p)) return true;
  }
  return false;
}

function signalGroup(group: number, signal: number): void {
  for (let index = 0; index < Slab.untouched.peek(Machine.processes.at(MACHINE)); index++) {
    const p = memberAt(index, group);
    if (p !== 0) sendFromKernel(p, signal);
  }
}
