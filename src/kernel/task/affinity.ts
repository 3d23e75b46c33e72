/**
 * On which CPUs a task may run. It never runs anywhere but on its home CPU, so a mask without that one is refused
 * (syscall/affinity-calls.ts); what the mask decides is where its children may be born, who inherit it.
 *
 * A mask is two words, kept as the CPUs that are left out, so that a fresh record may run anywhere. Another thread may
 * change it: who looks meanwhile may see one word of each mask, and the home CPU is in both.
 */
import { CpuCore } from '../../shared-mem/cpu-core.ts';
import type { CpuPtr } from '../../shared-mem/pointer.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import type { TaskPtr } from './task.ts';
import { Task } from './task.ts';

/** Bytes of a mask in user memory. */
export const CPU_MASK_BYTES = 8;

/** The mask's word 0 or 1. */
export function affinityWord(t: TaskPtr, word: number): number {
  const excluded = word === 0 ? Task.excludedLow.load(t) : Task.excludedHigh.load(t);
  return ~excluded & cpusInWord(word);
}

/** The machine's CPUs in a word. */
function cpusInWord(word: number): number {
  const count = Machine.cpus.get(MACHINE) - word * 32;
  if (count <= 0) return 0;
  return count >= 32 ? -1 : (1 << count) - 1;
}

/** May the children of `t` be born on that CPU? */
export function mayRunOn(t: TaskPtr, index: number): boolean {
  return (affinityWord(t, index >> 5) & (1 << (index & 31))) !== 0;
}

/** @returns 1, or 0 if the task's home or every CPU there is would be left out; then nothing changes */
export function setAffinity(t: TaskPtr, low: number, high: number): number {
  const home = CpuCore.index.get(Task.home.get(t) as CpuPtr);
  if (((home < 32 ? low : high) & (1 << (home & 31))) === 0) return 0;
  Task.excludedLow.store(t, ~low);
  Task.excludedHigh.store(t, ~high);
  return 1;
}

/** A newborn begins with its creator's mask. */
export function inheritAffinity(t: TaskPtr, creator: TaskPtr): void {
  Task.excludedLow.store(t, Task.excludedLow.load(creator));
  Task.excludedHigh.store(t, Task.excludedHigh.load(creator));
}
