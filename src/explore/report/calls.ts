/**
 * Calls of guests as strace prints them, from the tables of the ABI; and guests wrapped so that their calls and answers
 * are heard of.
 */
import type { GuestGenerator } from '../../cpu-worker/coroutines.ts';
import { errnoName } from '../../kernel/abi/errno.ts';
import { formatFlags } from '../../kernel/abi/flag-groups.ts';
import { signalName } from '../../kernel/abi/flags-signal.ts';
import type { FlagGroup } from '../../kernel/abi/syscall-spec.ts';
import type { SyscallName } from '../../kernel/abi/syscalls.ts';
import { SYS, syscallSpec } from '../../kernel/abi/syscalls.ts';
import type { Guest, GuestBody, Setup } from '../../stepped/machine.ts';
import { I32 } from '../../stepped/doors/self.ts';

/** Told of what guests do, on the CPU that runs them. */
export interface GuestWatcher {
  begin(entry: number): void;
  call(text: string): void;
  answer(text: string): void;
  end(): void;
}

const EIGHT = 8;
const ERRNO_MAX = 4095;

/** Eight bytes are shown as the number that they are: an eventfd's, mostly. */
function bufferText(address: number, length: number): string {
  if (length !== EIGHT || address === 0 || address % 4 !== 0) return `0x${address.toString(16)}`;
  const low = I32[address >> 2]! >>> 0;
  const high = I32[(address >> 2) + 1]! >>> 0;
  return `[${high * 2 ** 32 + low}]`;
}

/** @param answered the call is over, and what it wrote can be shown */
export function callText(name: SyscallName, args: readonly number[], answered: boolean): string {
  const spec = syscallSpec(SYS[name])!;
  const shown = spec.args.slice(0, Math.max(args.length, 1)).map(([, kind, direction], index) => {
    const value = args[index] ?? 0;
    if (kind.startsWith('flags:')) return formatFlags('x86_64', kind.slice('flags:'.length) as FlagGroup, value);
    if (kind === 'signal') return signalName(value);
    if (kind === 'buffer' && (direction === 'in' || answered)) return bufferText(value, args[index + 1] ?? 0);
    if (direction !== undefined) return value === 0 ? 'NULL' : `0x${value.toString(16)}`;
    return String(value);
  });
  return `${name}(${spec.args.length === 0 ? '' : shown.join(', ')})`;
}

export function answerText(result: number): string {
  return result < 0 && result >= -ERRNO_MAX ? `-1 ${errnoName(-result)}` : String(result);
}

/** The same machine, whose guests tell of their calls. */
export function watchedSetup(setup: Setup, watcher: GuestWatcher): Setup {
  const offset = setup.threads.length;
  return {
    ...setup,
    threads: setup.threads.map(({ home, body }, entry) => ({ home, body: watchedBody(body, entry, watcher) })),
    entries: (setup.entries ?? []).map((body, index) => watchedBody(body, offset + index, watcher)),
  };
}

function watchedBody(body: GuestBody, entry: number, watcher: GuestWatcher): GuestBody {
  return function* (guest): GuestGenerator {
    let last: { name: SyscallName; args: number[] } | undefined;
    const heard: Guest = {
      ...guest,
      call(name, ...args) {
        last = { name, args };
        return guest.call(name, ...args);
      },
    };
    watcher.begin(entry);
    const generator = body(heard);
    let step = generator.next(0);
    while (step.done !== true) {
      const made = last;
      watcher.call(made === undefined ? 'a call' : callText(made.name, made.args, false));
      const result = yield step.value;
      const text = made === undefined ? 'a call' : callText(made.name, made.args, result >= 0);
      watcher.answer(`${text} = ${answerText(result)}`);
      step = generator.next(result);
    }
    watcher.end();
    return step.value;
  };
}
