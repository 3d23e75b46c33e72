/**
 * Birth and references of files. What happens at the last reference is in file/ops-table.ts, above the kinds.
 */
import { CLASS_FILE } from '../../shared-mem/locks/classes.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { allocRecord } from '../../shared-mem/slab.ts';
import { initClassLock } from '../irq/locking.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { initWaitQueue } from '../wait/wait-queue.ts';
import type { FilePtr } from './file.ts';
import { Changes, File } from './file.ts';

/** @returns a file with one reference, or 0 when the system has no file left (ENFILE) */
export function newFile(kind: number, flags: number): FilePtr {
  const f = allocRecord(Machine.files.at(MACHINE)) as FilePtr;
  if (f === 0) return NULL;
  initClassLock(File.lock.at(f), CLASS_FILE, 0);
  initWaitQueue(File.queue.at(f));
  File.changes.set(f, File.ownChanges.at(f));
  Changes.count.store(File.ownChanges.at(f), 1);
  File.kind.set(f, kind);
  File.flags.store(f, flags);
  File.refs.store(f, 1);
  return f;
}

/** Another reference for one who already has one. */
export function holdFile(f: FilePtr): void {
  File.refs.add(f, 1);
}

/** A reference for one who only looked the file up. @returns 0 if it died meanwhile */
export function tryHoldFile(f: FilePtr): number {
  for (;;) {
    const refs = File.refs.load(f);
    if (refs === 0) return 0;
    if (File.refs.compareExchange(f, refs, refs + 1) === refs) return 1;
  }
}
