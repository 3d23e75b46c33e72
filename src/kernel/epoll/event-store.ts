/**
 * struct epoll_event in user memory: packed to 12 bytes on x86_64, 16 on arm64.
 */
import { EFAULT } from '../abi/errno.ts';
import { epollEventLayout } from '../abi/layout.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { readUser32, userRangeOk, writeUser32 } from '../process/user-memory.ts';
import type { TaskPtr } from '../task/task.ts';

const packed = epollEventLayout.x86_64;
const natural = epollEventLayout.arm64;

export function epollEventSize(): number {
  return Machine.abi.get(MACHINE) === 0 ? packed.size : natural.size;
}
function dataOffset(): number {
  return Machine.abi.get(MACHINE) === 0 ? packed.data : natural.data;
}

/** Stores event `index` of an array. @returns 0 or -EFAULT */
export function storeEvent(
  t: TaskPtr,
  array: number,
  index: number,
  events: number,
  low: number,
  high: number,
): number {
  const isPacked = Machine.abi.get(MACHINE) === 0;
  const at = array + index * (isPacked ? packed.size : natural.size);
  if (userRangeOk(t, at, isPacked ? packed.size : natural.size) === 0) return -EFAULT;
  const data = at + (isPacked ? packed.data : natural.data);
  writeUser32(at, events);
  writeUser32(data, low);
  writeUser32(data + 4, high);
  return 0;
}

/** The parts of an event that was checked to lie in the task's memory. */
export function eventMask(address: number): number {
  return readUser32(address);
}
export function eventDataLow(address: number): number {
  return readUser32(address + dataOffset());
}
export function eventDataHigh(address: number): number {
  return readUser32(address + dataOffset() + 4);
}
