/**
 * When may the record of a closed file (an ended task, a process: process/limbo.ts) be used again? Descriptor lookup takes no lock and no reference, so another CPU
 * may still be looking at it. But nobody looks across the boundary between two traps without a reference. So: a file
 * that died goes into its CPU's limbo with the number of a new grace period; every CPU notes at its boundaries (each 64
 * units of work, and always when it idles) which grace period it has seen; the record is free once all have seen it.
 *
 * Both the note and the number are sequentially consistent operations: a CPU that notes period n at a boundary did
 * every look of the traps before it earlier, and every later look finds the descriptor slot already empty, because the
 * slot was emptied before the period began.
 */
import { NULL } from '../../shared-mem/pointer.ts';
import { cpu } from '../../shared-mem/self.ts';
import type { FilePtr } from '../file/file.ts';
import { File } from '../file/file.ts';
import { IRQ_CALL, raiseInterrupt } from '../irq/interrupts.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { Cpu, cpuRecord, IDLE_EPOCH } from './cpu.ts';

/**
 * Periods are numbered round and round, for an hour of closing files uses the 2^32 numbers up; so they are compared by
 * their distance. One number means something else, and is passed over.
 * @returns the number of a new grace period: over when every CPU has noted it
 */
export function newGracePeriod(): number {
  let period = (Machine.epoch.add(MACHINE, 1) + 1) | 0;
  while (period === IDLE_EPOCH) period = (Machine.epoch.add(MACHINE, 1) + 1) | 0;
  return period;
}

/** The period that a CPU may note now: while the word stands at the idle mark, the one before. */
function latestPeriod(): number {
  const epoch = Machine.epoch.load(MACHINE);
  return epoch === IDLE_EPOCH ? epoch - 1 : epoch;
}

/** Is a period over, as seen by the CPU that is the furthest behind? */
export function periodIsOver(period: number, oldest: number): boolean {
  return oldest === IDLE_EPOCH || ((period - oldest) | 0) <= 0;
}

/** Puts a dead file where it waits for its grace period: behind those that died earlier, whose periods are over sooner. */
export function retireFile(f: FilePtr): void {
  const last = Cpu.limboLast.get(cpu);
  File.limboEpoch.set(f, newGracePeriod());
  File.limboNext.set(f, NULL);
  if (last === 0) Cpu.limbo.set(cpu, f);
  else File.limboNext.set(last, f);
  Cpu.limboLast.set(cpu, f);
}

/**
 * Drops a reference where the file cannot be released at once, below the table of operations. If it was the last one,
 * the file is put aside as it is, and `reclaimDeadFiles` (file/ops-table.ts) finds it there at the next boundary, which
 * is brought forward to the end of this trap: its guest may ask for what the release changes. @returns references left
 */
export function dropFileLater(f: FilePtr): number {
  const left = File.refs.sub(f, 1) - 1;
  if (left > 0) return left;
  File.limboNext.set(f, Cpu.dropped.get(cpu));
  Cpu.dropped.set(cpu, f);
  Cpu.workLeft.set(cpu, 0);
  return 0;
}

/** @returns a file of this CPU that `dropFileLater` left unreleased, or 0; what was dropped last comes first */
export function takeDropped(): FilePtr {
  const f = Cpu.dropped.get(cpu);
  if (f !== 0) Cpu.dropped.set(cpu, File.limboNext.get(f));
  return f;
}

/** Has this CPU files for `reclaimDeadFiles`? */
export function deadFilesWait(): boolean {
  return (Cpu.limbo.get(cpu) | Cpu.dropped.get(cpu)) !== 0;
}

/** Between two traps: this CPU looks at nothing. */
export function noteQuiescence(): void {
  const epoch = latestPeriod();
  if (Cpu.seenEpoch.load(cpu) !== epoch) {
    Cpu.seenEpoch.store(cpu, epoch);
    // Descriptor slots are read plainly: this load is the fence before which none of the next trap's can be taken.
    Cpu.seenEpoch.load(cpu);
  }
}

/** This CPU looks at nothing until `leaveIdleQuiescence`. */
export function enterIdleQuiescence(): void {
  Cpu.seenEpoch.store(cpu, IDLE_EPOCH);
}

export function leaveIdleQuiescence(): void {
  Cpu.seenEpoch.store(cpu, latestPeriod());
  Cpu.seenEpoch.load(cpu);
}

/** @returns a dead file of this CPU whose grace period every CPU has seen, out of limbo, or 0 */
export function takeReclaimable(): FilePtr {
  const f = Cpu.limbo.get(cpu);
  if (f === 0 || !periodIsOver(File.limboEpoch.get(f), oldestSeenEpoch())) return NULL;
  const next = File.limboNext.get(f);
  Cpu.limbo.set(cpu, next);
  if (next === 0) Cpu.limboLast.set(cpu, NULL);
  return f;
}

/** A hint, for who found no record: does any CPU keep some for their grace period? */
export function someRecordsWait(): boolean {
  const cpus = Machine.cpus.get(MACHINE);
  for (let i = 0; i < cpus; i++) {
    const c = cpuRecord(i);
    if (Cpu.ending.peek(c) !== 0 || Cpu.limbo.peek(c) !== 0 || Cpu.dropped.peek(c) !== 0) return true;
    if (Cpu.limboTasks.peek(c) !== 0 || Cpu.ripeningTasks.peek(c) !== 0) return true;
  }
  return false;
}

/** Interrupts those who have not seen the newest period, so that they pass a boundary after the trap they are in. */
export function hurryGracePeriod(): void {
  const cpus = Machine.cpus.get(MACHINE);
  const latest = latestPeriod();
  for (let i = 0; i < cpus; i++) {
    const c = cpuRecord(i);
    const seen = Cpu.seenEpoch.load(c);
    if (c !== cpu && seen !== IDLE_EPOCH && seen !== latest) raiseInterrupt(c, IRQ_CALL);
  }
}

/** What the CPU that is the furthest behind has seen; IDLE_EPOCH if all idle. */
export function oldestSeenEpoch(): number {
  let oldest = IDLE_EPOCH;
  const cpus = Machine.cpus.get(MACHINE);
  for (let i = 0; i < cpus; i++) {
    const seen = Cpu.seenEpoch.load(cpuRecord(i));
    if (seen !== IDLE_EPOCH && (oldest === IDLE_EPOCH || ((seen - oldest) | 0) < 0)) oldest = seen;
  }
  return oldest;
}
