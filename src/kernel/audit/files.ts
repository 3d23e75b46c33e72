/**
 * Open files: each has as many references as descriptors, sleeping calls, stands in wait queues, interests and messages
 * hold, and one without any waits in limbo for its grace period.
 */
import { RecordHeader, Slab } from '../../shared-mem/slab.ts';
import { Cpu } from '../cpu/cpu.ts';
import { KevlarInterest } from '../epoll/kevlar/interest.ts';
import { DESIGN_NAMES } from '../epoll/source-ops.ts';
import { ControlData } from '../file/control-data.ts';
import { File, KIND_NAMES } from '../file/file.ts';
import { Machine } from '../machine-record.ts';
import { FdTable, SLOT_GENERATION_MASK, SLOT_INDEX_MASK } from '../process/fd-table.ts';
import { Frame, HELD_FILE } from '../task/task.ts';
import { WaitEntry } from '../wait/wait-queue-struct.ts';
import { cpuAddress, framesOf } from './tasks.ts';
import type { MemoryView } from './view.ts';
import { complain, livesIn, livingOf, see, seeAt, seeMachine, slabAt, tally } from './view.ts';

/** @param tasks those that have not ended, @param stands theirs in wait queues */
export function auditFiles(v: MemoryView, tasks: readonly number[], stands: readonly number[]): void {
  const held = new Map<number, number>();
  for (const table of livingOf(v, 'fdTables')) countDescriptors(v, table, held);
  for (const t of tasks) {
    for (const fr of framesOf(v, t)) {
      if ((see(v, fr, Frame.fileHeld) & HELD_FILE) !== 0) tally(held, see(v, fr, Frame.file));
    }
  }
  for (const entry of stands) {
    const f = see(v, entry, WaitEntry.held);
    if (f !== 0) tally(held, f);
  }
  // In queues of sockets, and of calls that are about to send them.
  for (const record of livingOf(v, 'controls')) {
    for (let i = 0; i < see(v, record, ControlData.count); i++) tally(held, seeAt(v, record, ControlData.files, i));
  }
  if (DESIGN_NAMES[seeMachine(v, Machine.design)] === 'kevlar') {
    for (const i of livingOf(v, 'interests')) tally(held, see(v, i, KevlarInterest.file));
  }
  const limbo = filesInLimbo(v);
  for (const f of livingOf(v, 'files')) {
    const what = `file ${f} (${KIND_NAMES[see(v, f, File.kind)] ?? '?'})`;
    const refs = see(v, f, File.refs);
    const found = held.get(f) ?? 0;
    if (refs !== found) complain(v, `${what}: counts ${refs} references, and has ${found}`);
    if (refs === 0 && !limbo.has(f)) complain(v, `${what}: is dead, and in no limbo: it is never freed`);
    if (refs !== 0 && limbo.has(f)) complain(v, `${what}: is in limbo, and referenced`);
  }
  for (const f of held.keys()) if (!livesIn(v, 'files', f)) complain(v, `file ${f}: is referenced, and freed`);
}

/** The files behind a table's slots; what the table says of its numbers is looked at on the way. */
function countDescriptors(v: MemoryView, table: number, held: Map<number, number>): void {
  const what = `descriptor table ${table}`;
  const slots = see(v, table, FdTable.slots);
  const top = see(v, table, FdTable.top);
  const lowestFree = see(v, table, FdTable.lowestFree);
  const files = slabAt('files');
  for (let fd = 0; fd < seeMachine(v, Machine.nofile); fd++) {
    const slot = v.words[slots + fd]!;
    if (slot === 0) {
      if (fd < lowestFree) complain(v, `${what}: ${fd} is free, below ${lowestFree}, the lowest that may be`);
      continue;
    }
    if (fd >= top) complain(v, `${what}: ${fd} is open, at or above its top ${top}`);
    const index = (slot & SLOT_INDEX_MASK) - 1;
    const f = see(v, files, Slab.base) + index * see(v, files, Slab.stride);
    if (!livesIn(v, 'files', f)) {
      complain(v, `${what}: ${fd} leads to a file that was freed`);
      continue;
    }
    const generation = see(v, f, RecordHeader.generation) & SLOT_GENERATION_MASK;
    if (generation !== ((slot >> 24) & SLOT_GENERATION_MASK)) {
      complain(v, `${what}: ${fd} leads to a file that was freed and made anew`);
    }
    tally(held, f);
  }
}

function filesInLimbo(v: MemoryView): Set<number> {
  const limbo = new Set<number>();
  for (let i = 0; i < seeMachine(v, Machine.cpus); i++) {
    collectLimbo(v, i, see(v, cpuAddress(v, i), Cpu.limbo), limbo);
    collectLimbo(v, i, see(v, cpuAddress(v, i), Cpu.dropped), limbo);
  }
  return limbo;
}

function collectLimbo(v: MemoryView, index: number, first: number, limbo: Set<number>): void {
  for (let f = first; f !== 0; f = see(v, f, File.limboNext)) {
    if (limbo.has(f) || !livesIn(v, 'files', f)) {
      complain(v, `CPU ${index}: its limbo leads to ${f}, which ${limbo.has(f) ? 'is in it already' : 'is freed'}`);
      return;
    }
    limbo.add(f);
  }
}
