/**
 * The self door: the views of the machine's memory, and which CPU this thread is.
 *
 * These are the only mutable bindings of shared-mem and kernel. A worker sets them once (`attach`, then
 * `becomeCpu`); the stepped scheduler sets `cpu` at every switch. Everything else that two CPUs could see
 * differently lies in the memory itself.
 */
import type { CpuPtr } from './pointer.ts';

/** The machine's memory as int32 words; kernel pointers are indices into it. */
export let I32: Int32Array = new Int32Array(0);
/** The same memory as float64; a 64-bit field at word index w is F64[w >> 1]. */
export let F64: Float64Array = new Float64Array(0);
/** The same memory as bytes; user pointers are indices into it. */
export let U8: Uint8Array = new Uint8Array(0);
/** The record of the CPU that runs this code, or 0 before `becomeCpu`. */
export let cpu: CpuPtr = 0 as CpuPtr;

/** Makes `memory` the memory of this thread. Doing it twice changes nothing: nothing is written. */
export function attach(memory: SharedArrayBuffer | ArrayBuffer): void {
  if (I32.buffer === memory) return;
  I32 = new Int32Array(memory);
  F64 = new Float64Array(memory);
  U8 = new Uint8Array(memory);
}

/** From here on this thread is that CPU. */
export function becomeCpu(self: CpuPtr): void {
  cpu = self;
}
