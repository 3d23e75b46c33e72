/**
 * Guests of a small stepped machine: functions of the test itself, whose calls are those of the kernel. They share the
 * registers and eight bytes of memory each, which they write past the doors.
 */
import type { GuestGenerator } from '../cpu-worker/coroutines.ts';
import type { SyscallName } from '../kernel/abi/syscalls.ts';
import { numberOf } from '../kernel/abi/syscalls.ts';
import type { Abi } from '../kernel/abi/types.ts';
import { I32 } from './doors/self.ts';
import { LEAVE } from './run.ts';

/** What a guest may do: call the kernel with numbers, and use eight bytes of memory that are its own. */
export interface Guest {
  call(name: SyscallName, ...args: number[]): number;
  readonly buffer: number;
  put(value: number): void;
  get(): number;
  readonly results: number[];
  /** Writes the three words that a newborn begins with; they lie behind every thread's own bytes. @returns where */
  newborn(entry: number, home: number): number;
}
export type GuestBody = (guest: Guest) => GuestGenerator;

export interface Guests {
  /** what tasks start at */
  readonly entries: readonly (() => GuestGenerator)[];
  readonly results: number[][];
  /** of the next trap */
  readonly registers: Float64Array;
}

/** @param userBase address of the process's memory; guest i has the eight bytes at 8 * i */
export function guestsOf(bodies: readonly GuestBody[], abi: Abi, userBase: number, ends: 'exit' | 'returns'): Guests {
  const results = bodies.map((): number[] => []);
  // The registers are shared by all CPUs: between a guest's filling them and the kernel's reading them is no point.
  const registers = new Float64Array(6);
  const numbers = new Map<SyscallName, number>();
  const guests = bodies.map((_body, i): Guest => {
    const buffer = userBase + 8 * i;
    return {
      call(name, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0) {
        registers[0] = a;
        registers[1] = b;
        registers[2] = c;
        registers[3] = d;
        registers[4] = e;
        registers[5] = f;
        let number = numbers.get(name);
        if (number === undefined) numbers.set(name, (number = numberOf(abi, name)));
        return number;
      },
      buffer,
      put(value) {
        I32[buffer >> 2] = value;
        I32[(buffer >> 2) + 1] = 0;
      },
      get: () => I32[buffer >> 2]!,
      results: results[i]!,
      newborn(entry, home) {
        const at = userBase + 1024 + 24 * entry;
        I32.set([entry, 0, 0, 0, home, 0], at >> 2);
        return at;
      },
    };
  });
  const entries = bodies.map((body, i) => {
    const guest = guests[i]!;
    return ends === 'exit' ? () => body(guest) : () => leavesAfter(body(guest));
  });
  return { entries, results, registers };
}

/** A guest whose CPU stops where its last call has returned, without the way out of a process. */
function* leavesAfter(body: GuestGenerator): GuestGenerator {
  yield* body;
  throw LEAVE;
}

export function* readEventfd(guest: Guest, fd: number): Generator<number, number, number> {
  const n = yield guest.call('read', fd, guest.buffer, 8);
  guest.results.push(n === 8 ? guest.get() : n);
  return n;
}
export function* writeEventfd(guest: Guest, fd: number, value: number): Generator<number, number, number> {
  guest.put(value);
  return yield guest.call('write', fd, guest.buffer, 8);
}
