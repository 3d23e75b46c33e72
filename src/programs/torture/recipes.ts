/**
 * All recipes, and one for each call that has none of its own: made from what the table of system calls says of its
 * arguments. So a call that the kernel learns is tortured from its first day on.
 */
import { flagsOf } from '../../kernel/abi/flag-groups.ts';
import type { FlagGroup, SyscallName, SyscallSpec } from '../../kernel/abi/syscalls.ts';
import { PRIVATE_SYSCALL_BASE, SYS, syscallSpec } from '../../kernel/abi/syscalls.ts';
import { syscall } from '../libc/sys.ts';
import { numbers, trap } from '../libc/trap.ts';
import { text } from './build-arguments.ts';
import type { Caller, Recipe } from './caller.ts';
import { POLLABLE, UNKNOWN } from './descriptors.ts';
import { FILE_RECIPES } from './recipes-files.ts';
import { MESSAGE_RECIPES } from './recipes-messages.ts';
import { PROCESS_RECIPES } from './recipes-processes.ts';
import { SIGNAL_RECIPES } from './recipes-signals.ts';
import { SOCKET_RECIPES } from './recipes-sockets.ts';
import { WAIT_RECIPES } from './recipes-waits.ts';

const OWN: readonly Recipe[] = [
  ...FILE_RECIPES,
  ...SOCKET_RECIPES,
  ...MESSAGE_RECIPES,
  ...WAIT_RECIPES,
  ...SIGNAL_RECIPES,
  ...PROCESS_RECIPES,
];

/** Made by the program itself: what does not return, or returns as somebody else. */
const ENDS: ReadonlySet<SyscallName> = new Set<SyscallName>(['exit', 'exit_group', 'fork', 'vfork']);
/** Whatever a call stores fits. */
const ROOM_BYTES = 240;

/** Who makes the calls: a thread for as long as the torture lasts, one of a few calls, a child. */
export type Role = 'worker' | 'nestling' | 'child';

/** @param calls what the kernel answers */
export function recipesFor(calls: readonly SyscallName[], role: Role): readonly Recipe[] {
  const known = new Set<SyscallName>(calls);
  const suits = ({ isForWorkers, isForChildren }: Recipe): boolean =>
    (isForWorkers !== true || role === 'worker') && (isForChildren !== true || role === 'child');
  const chosen = OWN.filter((recipe) => known.has(recipe.name) && suits(recipe));
  const others = calls.filter((name) => !ENDS.has(name) && !OWN.some((recipe) => recipe.name === name));
  const all = [...chosen, ...others.filter((name) => !isPrivate(name)).map(fromTable)];
  // Not every architecture has every call.
  return all.filter(({ name }) => numbers[SYS[name]]! >= 0);
}

function isPrivate(name: SyscallName): boolean {
  return syscallSpec(SYS[name])![trap.abi] >= PRIVATE_SYSCALL_BASE;
}

function fromTable(name: SyscallName): Recipe {
  const spec = syscallSpec(SYS[name])!;
  return {
    name,
    weight: 2,
    make: (c) => syscall(numbers[SYS[name]]!, ...spec.args.map(([, kind]) => argumentOf(c, kind))),
    after: (c, result) => {
      if (result >= 0 && spec.result === 'fd') c.fds.note(result, UNKNOWN);
      return undefined;
    },
  };
}

/** What stands in a set of constants; looked up once, for that takes long. */
const values = new Map<FlagGroup, readonly number[]>();
function valuesOf(group: FlagGroup): readonly number[] {
  const known = values.get(group) ?? flagsOf(trap.abi, group).map(([, value]) => value);
  values.set(group, known);
  return known;
}

function argumentOf(c: Caller, kind: SyscallSpec['args'][number][1]): number {
  switch (kind) {
    case 'fd':
    case 'dirfd':
      return c.fds.find(POLLABLE);
    case 'string':
      return text(c, 'torture');
    case 'int':
    case 'uint':
    case 'mode':
    case 'offset':
    case 'milliseconds':
    case 'fcntlArgument':
      return c.random.below(4);
    case 'size':
      return c.random.below(ROOM_BYTES);
    case 'pid':
    case 'signal':
      return 0;
    default:
      if (kind.startsWith('flags:')) return c.random.pick(valuesOf(kind.slice(6) as FlagGroup));
      return c.random.once(4) ? 0 : c.scratch.takeZeroed(ROOM_BYTES);
  }
}
