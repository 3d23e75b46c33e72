/**
 * Sets of descriptors for select: an array of 64-bit words, a bit for each descriptor. A set says for FD_SETSIZE of them
 * whether they are in it; select itself takes longer ones.
 */
import { FD_SETSIZE } from '../../kernel/abi/flags-event.ts';
import { alloc, bytesAt, load8, store8 } from './memory.ts';

/** Bytes of a set that has room for so many descriptors. */
export function fdSetBytes(descriptors: number = FD_SETSIZE): number {
  return Math.ceil(descriptors / 64) * 8;
}

/** An empty set in fresh user memory, with these descriptors in it. */
export function allocFdSet(...fds: readonly number[]): number {
  const set = alloc(fdSetBytes(Math.max(FD_SETSIZE, ...fds.map((fd) => fd + 1))));
  for (const fd of fds) fdSet(set, fd);
  return set;
}

export function fdZero(set: number, descriptors: number = FD_SETSIZE): void {
  bytesAt(set, fdSetBytes(descriptors)).fill(0);
}
// The words are little-endian, so that bit n of a set is bit n % 8 of byte n / 8.
export function fdSet(set: number, fd: number): void {
  store8(set + (fd >> 3), load8(set + (fd >> 3)) | (1 << (fd & 7)));
}
export function fdClear(set: number, fd: number): void {
  store8(set + (fd >> 3), load8(set + (fd >> 3)) & ~(1 << (fd & 7)));
}
export function fdIsSet(set: number, fd: number): boolean {
  return (load8(set + (fd >> 3)) & (1 << (fd & 7))) !== 0;
}
