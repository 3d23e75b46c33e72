/**
 * System calls as a guest makes them: `const n = yield sys.read(fd, buffer, length)`.
 *
 * Each constructor fills the registers and returns the call's number, which `yield` hands to the machine; nothing is
 * allocated. The answer is a number, negative errno included. Names, numbers and arities come from the kernel's one
 * table, and so do the types.
 */
import type { SyscallName, SyscallSpec } from '../../kernel/abi/syscalls.ts';
import { syscallTable } from '../../kernel/abi/syscalls.ts';
import { numbers, registers } from './trap.ts';

type Table = typeof syscallTable;
type RowOf<Name extends SyscallName> = Extract<Table[number], { readonly name: Name }>;
type Numbers<T extends readonly unknown[]> = { -readonly [K in keyof T]: number };

/** A system call's constructor: as many numbers as the call has arguments. */
export type SyscallConstructor<Name extends SyscallName> = (...args: Numbers<RowOf<Name>['args']>) => number;
export type Syscalls = { readonly [Name in SyscallName]: SyscallConstructor<Name> };

/** By arity: a fixed number of parameters, so that V8 passes them in registers. */
const makers: readonly ((index: number) => (...args: number[]) => number)[] = [
  (index) => () => numbers[index]!,
  (index) => (a) => {
    registers[0] = a!;
    return numbers[index]!;
  },
  (index) => (a, b) => {
    registers[0] = a!;
    registers[1] = b!;
    return numbers[index]!;
  },
  (index) => (a, b, c) => {
    registers[0] = a!;
    registers[1] = b!;
    registers[2] = c!;
    return numbers[index]!;
  },
  (index) => (a, b, c, d) => {
    registers[0] = a!;
    registers[1] = b!;
    registers[2] = c!;
    registers[3] = d!;
    return numbers[index]!;
  },
  (index) => (a, b, c, d, e) => {
    registers[0] = a!;
    registers[1] = b!;
    registers[2] = c!;
    registers[3] = d!;
    registers[4] = e!;
    return numbers[index]!;
  },
  (index) => (a, b, c, d, e, f) => {
    registers[0] = a!;
    registers[1] = b!;
    registers[2] = c!;
    registers[3] = d!;
    registers[4] = e!;
    registers[5] = f!;
    return numbers[index]!;
  },
];

function build(): Syscalls {
  const calls: Record<string, (...args: number[]) => number> = {};
  syscallTable.forEach((row: SyscallSpec, index) => {
    calls[row.name] = makers[row.args.length]!(index);
  });
  return calls as unknown as Syscalls;
}

export const sys: Syscalls = build();

/** A call by its raw number, as libc's syscall(2): for numbers that the table does not have. */
export function syscall(number: number, ...args: number[]): number {
  for (let i = 0; i < 6; i++) registers[i] = args[i] ?? 0;
  return number;
}
