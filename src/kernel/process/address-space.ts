/**
 * Address spaces: the user memory that a process's threads share, and with CLONE_VM several processes. The part of the
 * machine's memory belongs to the record, by its place in the slab, for as long as one process refers to it.
 *
 * There are no page tables, so a copy of an address space has other addresses than the original.
 */
import type { Ptr } from '../../shared-mem/pointer.ts';
import { NULL } from '../../shared-mem/pointer.ts';
import { allocRecord, freeRecord, recordIndex, RecordHeader } from '../../shared-mem/slab.ts';
import { atomic, embed, struct } from '../../shared-mem/struct.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { copyBytes, zeroBytes } from './user-memory.ts';

export type AddressSpacePtr = Ptr<'AddressSpace'>;

export const AddressSpace = struct('AddressSpace', {
  header: embed(RecordHeader),
  refs: atomic(),
});

/** @param from user address of the memory to copy, 0 for zeroes @returns one with one reference, or 0: none is left */
export function newAddressSpace(from: number): AddressSpacePtr {
  const space = allocRecord(Machine.addressSpaces.at(MACHINE)) as AddressSpacePtr;
  if (space === 0) return NULL;
  AddressSpace.refs.store(space, 1);
  const bytes = Machine.userBytes.get(MACHINE);
  if (from === 0) zeroBytes(userBaseOf(space), bytes);
  else copyBytes(userBaseOf(space), from, bytes);
  return space;
}

/** First byte of its user memory; there are `Machine.userBytes`. */
export function userBaseOf(space: AddressSpacePtr): number {
  const index = recordIndex(Machine.addressSpaces.at(MACHINE), space);
  return Machine.userBase.get(MACHINE) + index * Machine.userBytes.get(MACHINE);
}

/** Another process runs in it. */
export function shareAddressSpace(space: AddressSpacePtr): AddressSpacePtr {
  AddressSpace.refs.add(space, 1);
  return space;
}

export function dropAddressSpace(space: AddressSpacePtr): void {
  if (AddressSpace.refs.sub(space, 1) === 1) freeRecord(Machine.addressSpaces.at(MACHINE), space);
}
