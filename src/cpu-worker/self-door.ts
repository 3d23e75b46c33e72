/**
 * The self door as the build puts it into a CPU's bundle, in place of shared-mem/self.ts: the memory is known before any kernel
 * line runs, so the views are constants, and V8 compiles their addresses and lengths into the code. Every access to a
 * field is then a bounds check and a load: system calls cost a third less.
 */
import { workerData } from 'node:worker_threads';
import type { CpuPtr } from '../shared-mem/pointer.ts';

const memory = (workerData as { smplab: { memory: SharedArrayBuffer } }).smplab.memory;

export const I32: Int32Array = new Int32Array(memory);
export const F64: Float64Array = new Float64Array(memory);
export const U8: Uint8Array = new Uint8Array(memory);
export let cpu: CpuPtr = 0 as CpuPtr;

/** The memory is the worker's own from its birth; any other is refused. */
export function attach(given: SharedArrayBuffer | ArrayBuffer): void {
  if (given !== memory) throw new Error('a CPU cannot change its memory');
}

export function becomeCpu(self: CpuPtr): void {
  cpu = self;
}
