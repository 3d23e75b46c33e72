// What the system call table means, and the ways into it: dense indices for the dispatcher, numbers for a guest.
// Any layer may import it. Nothing here is mutable; whoever needs a table by number builds its own.

import type { SyscallSpec } from './syscall-spec.ts';
import { syscallTable } from './syscall-table.ts';
import type { Abi } from './types.ts';

export type * from './syscall-spec.ts';
export { syscallTable } from './syscall-table.ts';

export type SyscallName = (typeof syscallTable)[number]['name'];

/** How many calls there are, and so one more than the highest dense index. */
export const SYSCALL_COUNT: number = syscallTable.length;

/** The dense index of each call: its place in the table. */
export const SYS: Readonly<Record<SyscallName, number>> = Object.freeze(
  Object.fromEntries(syscallTable.map((spec, index) => [spec.name, index])),
) as Readonly<Record<SyscallName, number>>;

/** The first number of the lab's own calls; Linux's numbers end far below. */
export const PRIVATE_SYSCALL_BASE = 0x7001;

export function isSyscallName(name: string): name is SyscallName {
  return Object.hasOwn(SYS, name);
}

/** The table's row of a dense index, widened so that rows can be handled alike. */
export function syscallSpec(index: number): SyscallSpec | undefined {
  return syscallTable[index];
}

/** The number by which a guest calls it, or -1 where the architecture does not have it. */
export function numberOf(abi: Abi, name: SyscallName): number {
  const spec = syscallSpec(SYS[name]);
  return spec === undefined ? -1 : spec[abi];
}

/** From a guest's number to the dense index; -1 where there is no such call, and a longer number is none either. */
export function buildIndexByNumber(abi: Abi): Int16Array {
  let highest = 0;
  for (const spec of syscallTable) highest = Math.max(highest, spec[abi]);
  const indexByNumber = new Int16Array(highest + 1).fill(-1);
  syscallTable.forEach((spec, index) => {
    if (spec[abi] >= 0) indexByNumber[spec[abi]] = index;
  });
  return indexByNumber;
}
