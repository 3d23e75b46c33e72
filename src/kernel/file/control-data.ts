/**
 * Descriptors that travel with a message (SCM_RIGHTS): open files, each with a reference, in a chain of records.
 *
 *     ControlData [ 12 files | next ] ─▶ [ 12 files | next ] ─▶ 0
 *
 * A chain belongs to one holder at a time: the frame of a call that sends or has received it, or a segment in a
 * socket's queue, which its lock guards. What may be counted as in flight is the affair of in-flight.ts.
 *
 * Linux: struct scm_fp_list, net/core/scm.c.
 */
import type { Ptr } from '../../shared-mem/pointer.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { allocRecord, freeRecord, RecordHeader } from '../../shared-mem/slab.ts';
import { embed, plain, plains, struct } from '../../shared-mem/struct.ts';
import { SCM_MAX_FD } from '../abi/flags-socket.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { FilePtr } from './file.ts';
import { holdFile } from './lifetime.ts';

const FILES_PER_RECORD = 12;
/** Records of the longest chain. */
export const CONTROL_RECORDS_MAX: number = Math.ceil(SCM_MAX_FD / FILES_PER_RECORD);

export const ControlData = struct('ControlData', {
  header: embed(RecordHeader),
  next: plain<Ptr<'ControlData'>>('owned:holder'),
  count: plain('owned:holder'),
  files: plains<FilePtr>(FILES_PER_RECORD, 'owned:holder'),
});
export type ControlPtr = Ptr<'ControlData'>;

function lastRecord(chain: ControlPtr): ControlPtr {
  let record = chain;
  while (ControlData.next.get(record) !== 0) record = ControlData.next.get(record);
  return record;
}

/** Files in a chain. */
export function controlCount(chain: ControlPtr): number {
  let count = 0;
  for (let record = chain; record !== 0; record = ControlData.next.get(record)) count += ControlData.count.get(record);
  return count;
}

/**
 * Puts a file at the end of a chain, which takes over the caller's reference.
 * @param chain 0: a new one begins
 * @returns the chain's first record, or 0 when no record is left; then chain and reference are as before
 */
export function addToControl(chain: ControlPtr, f: FilePtr): ControlPtr {
  const last = chain === 0 ? chain : lastRecord(chain);
  if (last !== 0 && ControlData.count.get(last) < FILES_PER_RECORD) {
    ControlData.files.setAt(last, ControlData.count.get(last), f);
    ControlData.count.set(last, ControlData.count.get(last) + 1);
    return chain;
  }
  const record = allocRecord(Machine.controls.at(MACHINE)) as ControlPtr;
  if (record === 0) return NULL;
  ControlData.files.setAt(record, 0, f);
  ControlData.count.set(record, 1);
  if (last !== 0) ControlData.next.set(last, record);
  return last === 0 ? record : chain;
}

/** Puts one chain behind another. @returns the first record of both */
export function joinControl(first: ControlPtr, second: ControlPtr): ControlPtr {
  if (first === 0) return second;
  ControlData.next.set(lastRecord(first), second);
  return first;
}

/** A chain of the same files, with references of its own: for a look that leaves them where they are. */
export function copyControl(chain: ControlPtr): ControlPtr {
  let copy: ControlPtr = NULL;
  for (let record = chain; record !== 0; record = ControlData.next.get(record)) {
    for (let i = 0; i < ControlData.count.get(record); i++) {
      const f = ControlData.files.getAt(record, i);
      const grown = addToControl(copy, f);
      // There are records enough for every task's frame; without one, the look sees fewer descriptors.
      if (grown === 0) return copy;
      holdFile(f);
      copy = grown;
    }
  }
  return copy;
}

/** The file at a place of a chain, of which there are more. */
export function fileOfControl(chain: ControlPtr, place: number): FilePtr {
  let record = chain;
  let left = place;
  while (left >= ControlData.count.get(record)) {
    left -= ControlData.count.get(record);
    record = ControlData.next.get(record);
  }
  return ControlData.files.getAt(record, left);
}

/** Frees the records of a chain; what became of the files was the caller's affair. */
export function freeControl(chain: ControlPtr): void {
  let record = chain;
  while (record !== 0) {
    const next = ControlData.next.get(record);
    freeRecord(Machine.controls.at(MACHINE), record);
    record = next;
  }
}
