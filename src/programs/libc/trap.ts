/**
 * The guest's side of a trap: the registers, the numbers, and the task's user memory. A program and the CPU that runs it
 * are separate bundles, so they meet in one object on globalThis (cpu-worker/coroutines.ts declares the same shape).
 */
import type { Abi } from '../../kernel/abi/types.ts';

export interface GuestTrapState {
  readonly registers: Float64Array;
  readonly numbers: Int32Array;
  memory: ArrayBufferLike;
  abi: Abi;
  userBase: number;
  userBytes: number;
  image: { readonly entries: readonly unknown[]; readonly argv: unknown } | undefined;
  libcEntries: unknown[];
  tid: number;
  pid: number;
  cpu: number;
}

const KEY = Symbol.for('smplab.trap');

/** The trap state of this thread; the same object as the CPU's. */
export const trap: GuestTrapState = ((globalThis as { [KEY]?: GuestTrapState })[KEY] ??= {
  registers: new Float64Array(6),
  numbers: new Int32Array(256),
  memory: new ArrayBuffer(0),
  abi: 'x86_64',
  userBase: 0,
  userBytes: 0,
  image: undefined,
  libcEntries: [],
  tid: 0,
  pid: 0,
  cpu: 0,
});

/** The arguments of the next trap. */
export const registers: Float64Array = trap.registers;
export const numbers: Int32Array = trap.numbers;
