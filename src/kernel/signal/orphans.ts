/**
 * Is anybody there to continue a process that stops? A group of processes is orphaned when none of its members has a
 * parent in another group of the same session, as a job has its shell. SIGTSTP, SIGTTIN and SIGTTOU do not stop members of
 * an orphaned group.
 *
 * The host counts as the shell of what it starts; not so of the orphans that it inherits.
 *
 * Linux: kernel/exit.c, will_become_orphaned_pgrp.
 */
import { generationOf, recordAt, Slab } from '../../shared-mem/slab.ts';
import { lock, unlock } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { ProcessPtr } from '../process/process.ts';
import { Process, PROCESS_ZOMBIE } from '../process/process.ts';

/** Called without locks, by a thread of `p`. */
export function isOrphanedGroup(p: ProcessPtr): boolean {
  const slab = Machine.processes.at(MACHINE);
  lock(Machine.treeLock.at(MACHINE));
  const group = Process.group.load(p);
  let minded = false;
  for (let index = 0; index < Slab.untouched.peek(slab) && !minded; index++) {
    const member = recordAt(slab, index) as ProcessPtr;
    if ((generationOf(member) & 1) === 0 || Process.group.load(member) !== group) continue;
    minded = Process.state.load(member) !== PROCESS_ZOMBIE && isMindedLocked(member, group);
  }
  unlock(Machine.treeLock.at(MACHINE));
  return !minded;
}

function isMindedLocked(member: ProcessPtr, group: number): boolean {
  const parent = Process.parent.get(member);
  if (parent === 0) return Process.hostBorn.get(member) === 1;
  return Process.group.load(parent) !== group && Process.session.load(parent) === Process.session.load(member);
}
