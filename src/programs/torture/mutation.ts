/**
 * Making the arguments of a call worse: one of them, or two, becomes something that a program may pass by mistake. What
 * stays out of bounds is what would end the torture and not the call: a pointer always leads to where the kernel must
 * refuse it, a signal is always one that does not exist.
 */
import type { SyscallSpec } from '../../kernel/abi/syscalls.ts';
import { registers, trap } from '../libc/trap.ts';
import type { Random } from './random.ts';

const INTS: readonly number[] = [-1, 0, 1, 2, 7, 4095, 4096, 65_536, 0x7fffffff, -0x80000000, 0xffffffff, 2 ** 40];
const SIZES: readonly number[] = [0, 1, 3, 7, 4096, 65_536, 0x7fffffff, 0x80000000, 2 ** 33, 2 ** 53 - 1, -1];
const DESCRIPTORS: readonly number[] = [-1, -100, 255, 256, 1024, 0x7fffffff, -0x80000000];
const PIDS: readonly number[] = [-2, 0x7fffffff, 1_000_000, -0x7fffffff];
const SIGNALS: readonly number[] = [-1, 65, 128, 0];

/** Makes an argument in the registers worse. @returns false if there was none that may be */
export function spoil(random: Random, spec: SyscallSpec): boolean {
  const { args } = spec;
  if (args.length === 0) return false;
  // A larger size would let the kernel write, as it may, over what lies behind.
  const grows = !args.some((each) => each[2] === 'out' || each[2] === 'inout');
  const times = random.once(6) ? 2 : 1;
  for (let time = 0; time < times; time++) {
    const index = random.below(args.length);
    registers[index] = worse(random, args[index]![1], registers[index]!, grows);
  }
  return true;
}

function worse(random: Random, kind: string, value: number, grows: boolean): number {
  switch (kind) {
    case 'fd':
    case 'dirfd':
      return random.once(2) ? random.pick(DESCRIPTORS) : random.below(64);
    case 'int':
    case 'fcntlArgument':
      return grows ? random.pick(INTS) : random.once(2) ? -1 - random.below(9) : smaller(random, value);
    case 'uint':
    case 'mode':
    case 'size':
    case 'offset':
      return grows ? random.pick(SIZES) : smaller(random, value);
    case 'milliseconds':
      return random.pick([0, 1, -1, 2]);
    case 'pid':
      return random.pick(PIDS);
    case 'signal':
      return random.pick(SIGNALS);
    default:
      return kind.startsWith('flags:') ? otherFlags(random, value) : badPointer(random);
  }
}

function smaller(random: Random, value: number): number {
  return value > 0 ? random.below(Math.min(value, 0x7fffffff)) : value;
}

function otherFlags(random: Random, value: number): number {
  if (random.once(3)) return random.pick(INTS);
  return (value ^ (1 << random.below(31))) | 0;
}

/** Where nothing of the process's lies: null, the kernel's memory, behind the end, beyond all addresses. */
export function badPointer(random: Random): number {
  switch (random.below(7)) {
    case 0:
      return 0;
    case 1:
      return 8 + random.below(4096);
    case 2:
      return trap.userBase - 1 - random.below(64);
    case 3:
      return trap.userBase + trap.userBytes - random.below(4);
    case 4:
      return trap.userBase + trap.userBytes + random.below(4096);
    case 5:
      return 2 ** 47 + random.below(4096);
    default:
      return -1 - random.below(4096);
  }
}
