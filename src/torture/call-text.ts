/**
 * A call as a line for a person: names of flags where there are any, addresses and numbers as they were given.
 */
import { errnoName } from '../kernel/abi/errno.ts';
import { formatFlags } from '../kernel/abi/flag-groups.ts';
import type { FlagGroup } from '../kernel/abi/syscalls.ts';
import { syscallSpec } from '../kernel/abi/syscalls.ts';
import type { Abi } from '../kernel/abi/types.ts';

/** @param result undefined: it has not returned */
export function callText(abi: Abi, call: number, args: readonly number[], result: number | undefined): string {
  const spec = syscallSpec(call);
  if (spec === undefined) return `call ${call}`;
  const shown = spec.args.map(([name, kind], i) => {
    const value = args[i] ?? 0;
    if (kind.startsWith('flags:')) return `${name}=${formatFlags(abi, kind.slice(6) as FlagGroup, value)}`;
    return `${name}=${value}`;
  });
  const end = result === undefined ? '...' : result < 0 ? `-${errnoName(-result)}` : String(result);
  return `${spec.name}(${shown.join(', ')}) = ${end}`;
}
