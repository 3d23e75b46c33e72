/**
 * How an audit sees a machine: as the words of its memory, copied while every CPU rested between two traps. The rooms of
 * this folder only read, and they read the copy and not through the doors, so that any thread may run them: the host on
 * a snapshot, a test on the memory of a machine that stands still.
 *
 * What is found wrong is a sentence in `problems`; a memory that is broken in one place is still looked at in others, so
 * nothing here trusts a pointer before it was checked.
 */
import { List, ListNode } from '../../shared-mem/list.ts';
import { RecordHeader, Slab } from '../../shared-mem/slab.ts';
import { defaultBootConfig, slabsOf } from '../boot/plan.ts';
import type { SlabName } from '../boot/plan.ts';
import { MACHINE, Machine } from '../machine-record.ts';

export interface MemoryView {
  readonly words: Int32Array;
  readonly floats: Float64Array;
  readonly problems: string[];
}

/** A field of a struct, as far as its place goes. */
export interface Place {
  readonly off: number;
}

const PROBLEMS_MAX = 100;

/** The slabs, in their order in memory. */
export const SLAB_NAMES: readonly SlabName[] = slabsOf(defaultBootConfig).map(([name]) => name);

export function viewOf(memory: ArrayBufferLike): MemoryView {
  return { words: new Int32Array(memory), floats: new Float64Array(memory), problems: [] };
}

export function complain(v: MemoryView, problem: string): void {
  if (v.problems.length < PROBLEMS_MAX) v.problems.push(problem);
}

export function see(v: MemoryView, record: number, field: Place): number {
  return v.words[record + field.off]!;
}
export function seeAt(v: MemoryView, record: number, field: Place, index: number): number {
  return v.words[record + field.off + index]!;
}
export function seeFloat(v: MemoryView, record: number, field: Place): number {
  return v.floats[(record + field.off) >> 1]!;
}
export function seeMachine(v: MemoryView, field: Place): number {
  return v.words[MACHINE + field.off]!;
}

export function slabAt(name: SlabName): number {
  return MACHINE + Machine[name].off;
}

/** Is it the address of a record of that slab, handed out at least once? */
export function isRecordOf(v: MemoryView, name: SlabName, record: number): boolean {
  const slab = slabAt(name);
  const place = (record - see(v, slab, Slab.base)) / see(v, slab, Slab.stride);
  return Number.isInteger(place) && place >= 0 && place < see(v, slab, Slab.untouched);
}
export function livesIn(v: MemoryView, name: SlabName, record: number): boolean {
  return isRecordOf(v, name, record) && (see(v, record, RecordHeader.generation) & 1) === 1;
}

/** The living records of a slab. */
export function livingOf(v: MemoryView, name: SlabName): number[] {
  const slab = slabAt(name);
  const base = see(v, slab, Slab.base);
  const stride = see(v, slab, Slab.stride);
  const found: number[] = [];
  for (let i = 0; i < see(v, slab, Slab.untouched); i++) {
    const record = base + i * stride;
    if ((see(v, record, RecordHeader.generation) & 1) === 1) found.push(record);
  }
  return found;
}

/** The nodes of a list, as far as it is whole; its links and its count are held against each other. */
export function walkList(v: MemoryView, list: number, what: string): number[] {
  const nodes: number[] = [];
  const count = see(v, list, List.count);
  let previous = 0;
  let node = see(v, list, List.first);
  while (node !== 0 && nodes.length <= count) {
    if (see(v, node, ListNode.list) !== list) {
      complain(v, `${what}: node ${node} stands in list ${see(v, node, ListNode.list)}, and is linked into ${list}`);
      return nodes;
    }
    if (see(v, node, ListNode.prev) !== previous) {
      complain(
        v,
        `${what}: node ${node} says that ${see(v, node, ListNode.prev)} comes before it, and not ${previous}`,
      );
    }
    nodes.push(node);
    previous = node;
    node = see(v, node, ListNode.next);
  }
  if (nodes.length !== count || node !== 0) complain(v, `${what}: its list says ${count} nodes and is not so long`);
  if (see(v, list, List.last) !== previous) complain(v, `${what}: its last node is not the one it names`);
  return nodes;
}

/** Counts one more for a key. */
export function tally(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
