/**
 * User memory: a part of the machine's memory for each process, addressed in bytes. A pointer that leaves it is EFAULT;
 * one beyond USER_TOP or negative is "in kernel range", which Linux refuses even where nothing would be stored.
 *
 * User bytes are plain memory. Two threads that share them without synchronising race exactly as in C; the kernel only
 * promises not to tear what the guest's own atomics cover.
 */
import { F64, I32, U8 } from '../../shared-mem/self.ts';
import { EFAULT } from '../abi/errno.ts';
import type { TaskPtr } from '../task/task.ts';
import { Task } from '../task/task.ts';
import { Process } from './process.ts';

/** Addresses at and above this are the kernel's. */
export const USER_TOP = 0x7fffffff;

/** @returns 1 if all `length` bytes from `address` on are the task's own */
export function userRangeOk(t: TaskPtr, address: number, length: number): number {
  const process = Task.process.get(t);
  const base = Process.userBase.get(process);
  return address >= base && length >= 0 && address + length <= base + Process.userBytes.get(process) ? 1 : 0;
}

/** @returns how many of `length` bytes from `address` on are the task's own, 0 if the first is not */
export function userBytesOk(t: TaskPtr, address: number, length: number): number {
  const process = Task.process.get(t);
  const base = Process.userBase.get(process);
  const end = base + Process.userBytes.get(process);
  if (address < base || address >= end) return 0;
  return address + length <= end ? length : end - address;
}

/** @returns the length of the string at `address` without its NUL, `most` if it is longer, or -EFAULT */
export function userStringLength(t: TaskPtr, address: number, most: number): number {
  const readable = userBytesOk(t, address, most);
  for (let i = 0; i < readable; i++) {
    if (U8[address + i] === 0) return i;
  }
  return readable === most ? most : -EFAULT;
}

/** Could these addresses belong to a process at all? (Linux's access_ok.) */
export function inUserRange(address: number, length: number): number {
  return address >= 0 && length >= 0 && address + length <= USER_TOP ? 1 : 0;
}

export function readUser8(address: number): number {
  return U8[address]!;
}
export function writeUser8(address: number, value: number): void {
  U8[address] = value;
}
/** Unaligned little-endian int32; the range was checked. */
export function readUser32(address: number): number {
  if ((address & 3) === 0) return I32[address >> 2]!;
  return U8[address]! | (U8[address + 1]! << 8) | (U8[address + 2]! << 16) | (U8[address + 3]! << 24);
}
export function writeUser32(address: number, value: number): void {
  if ((address & 3) === 0) {
    I32[address >> 2] = value;
    return;
  }
  U8[address] = value;
  U8[address + 1] = value >> 8;
  U8[address + 2] = value >> 16;
  U8[address + 3] = value >> 24;
}
export function readUser16(address: number): number {
  return ((U8[address]! | (U8[address + 1]! << 8)) << 16) >> 16;
}
export function writeUser16(address: number, value: number): void {
  U8[address] = value;
  U8[address + 1] = value >> 8;
}

/** A signed 64-bit value as a number: exact to 2^53, which every time and size here is. */
export function readUser64(address: number): number {
  return readUser32(address + 4) * 4294967296 + (readUser32(address) >>> 0);
}
export function writeUser64(address: number, value: number): void {
  writeUser32(address, value | 0);
  writeUser32(address + 4, Math.floor(value / 4294967296));
}

/** Copies bytes within the machine's memory, user or page. */
export function copyBytes(to: number, from: number, length: number): void {
  if (length <= 16) {
    for (let i = 0; i < length; i++) U8[to + i] = U8[from + i]!;
    return;
  }
  U8.copyWithin(to, from, from + length);
}
export function zeroBytes(at: number, length: number): void {
  U8.fill(0, at, at + length);
}

/** @returns a timespec as ns, or -EFAULT's negative errno; -1 with seconds or nanoseconds out of range (EINVAL) */
export function readTimespec(t: TaskPtr, address: number): number {
  if (userRangeOk(t, address, 16) === 0) return -EFAULT;
  const seconds = readUser64(address);
  const nanoseconds = readUser64(address + 8);
  if (seconds < 0 || nanoseconds < 0 || nanoseconds >= 1e9) return BAD_TIMESPEC;
  return seconds * 1e9 + nanoseconds;
}
/** What `readTimespec` answers for a value that is no time. */
export const BAD_TIMESPEC = -1;

export function writeTimespec(address: number, ns: number): void {
  const seconds = Math.floor(ns / 1e9);
  writeUser64(address, seconds);
  writeUser64(address + 8, Math.floor(ns - seconds * 1e9));
}

/** A float64 in user memory, where a guest hands one to its new thread; 8-byte aligned. */
export function readUserFloat(address: number): number {
  return F64[address >> 3]!;
}
