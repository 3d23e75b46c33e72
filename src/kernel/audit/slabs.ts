/**
 * Slabs: what lives and what is free add up, every free record is on the free list once, and no lock is held.
 *
 * The poison of free records is looked at where the machine keeps any (checks), which its first free record tells.
 */
import { lockKindOfInfo, SpinLock } from '../../shared-mem/locks/spin-lock.ts';
import { LOCK_NAMES } from '../../shared-mem/locks/classes.ts';
import { POISON, RECORD_HEADER_WORDS, RecordHeader, Slab } from '../../shared-mem/slab.ts';
import type { StructType } from '../../shared-mem/struct.ts';
import type { SlabName } from '../boot/plan.ts';
import { File } from '../file/file.ts';
import { Pipe } from '../file/pipe-buffer.ts';
import { Socket } from '../file/socket-struct.ts';
import { FdTable } from '../process/fd-table.ts';
import { Process } from '../process/process.ts';
import { WaitQueue } from '../wait/wait-queue-struct.ts';
import type { MemoryView } from './view.ts';
import { complain, isRecordOf, livingOf, see, SLAB_NAMES, slabAt } from './view.ts';

export function auditSlabs(v: MemoryView): void {
  for (const name of SLAB_NAMES) {
    auditSlab(v, name);
    auditLock(v, slabAt(name) + Slab.lock.off, `slab ${name}`);
  }
  auditLocksOf(v, 'files', File);
  auditLocksOf(v, 'pipes', Pipe);
  auditLocksOf(v, 'sockets', Socket);
  auditLocksOf(v, 'fdTables', FdTable);
  auditLocksOf(v, 'processes', Process);
}

function auditSlab(v: MemoryView, name: SlabName): void {
  const slab = slabAt(name);
  const untouched = see(v, slab, Slab.untouched);
  const live = see(v, slab, Slab.live);
  const living = livingOf(v, name).length;
  if (untouched > see(v, slab, Slab.capacity)) complain(v, `slab ${name}: more records handed out than there are`);
  if (living !== live) complain(v, `slab ${name}: says ${live} live, and ${living} have a living generation`);
  if (see(v, slab, Slab.highWater) < live) complain(v, `slab ${name}: more live than ever did`);
  const free = new Set<number>();
  let record = see(v, slab, Slab.firstFree);
  while (record !== 0) {
    if (!isRecordOf(v, name, record)) {
      complain(v, `slab ${name}: its free list leads to ${record}, which is no record of it`);
      return;
    }
    if (free.has(record)) {
      complain(v, `slab ${name}: its free list comes round to ${record}`);
      return;
    }
    free.add(record);
    if ((see(v, record, RecordHeader.generation) & 1) === 1) complain(v, `slab ${name}: ${record} is free and lives`);
    record = see(v, record, RecordHeader.nextFree);
  }
  if (free.size + live !== untouched) {
    complain(
      v,
      `slab ${name}: ${live} live and ${free.size} free of ${untouched}: ${untouched - live - free.size} lost`,
    );
  }
  auditPoison(v, name, free);
}

function auditPoison(v: MemoryView, name: SlabName, free: ReadonlySet<number>): void {
  const stride = see(v, slabAt(name), Slab.stride);
  const [any] = free;
  if (any === undefined || v.words[any + stride - 1] !== POISON) return;
  for (const record of free) {
    for (let i = RECORD_HEADER_WORDS; i < stride; i++) {
      if (v.words[record + i] === POISON) continue;
      complain(v, `slab ${name}: word ${i} of ${record} was written after the record was freed`);
      break;
    }
  }
}

/** Every lock in the living records of a slab. */
function auditLocksOf(v: MemoryView, name: SlabName, type: StructType<string>): void {
  for (const record of livingOf(v, name)) {
    for (const { name: field, off, guard } of type.layout) {
      if (guard === SpinLock.structName) auditLock(v, record + off, `${type.structName} ${record}: ${field}`);
      if (guard !== WaitQueue.structName) continue;
      auditLock(v, record + off + WaitQueue.lock.off, `${type.structName} ${record}: ${field}`);
    }
  }
}

/** Nobody holds it, nobody waits for it. */
export function auditLock(v: MemoryView, lock: number, what: string): void {
  const word = see(v, lock, SpinLock.word);
  const name = LOCK_NAMES[lockKindOfInfo(see(v, lock, SpinLock.info))];
  const free = name === 'ttas' ? word === 0 : name === 'ticket' ? word === see(v, lock, SpinLock.serving) : true;
  if (!free) complain(v, `${what}: its lock is held, and no CPU is in the kernel`);
  if (see(v, lock, SpinLock.sleepers) !== 0) complain(v, `${what}: somebody sleeps for its lock, and no CPU does`);
}
