/**
 * The stepped self door: the same bindings as shared-mem's, in a module of its own, so that a plain kernel and a
 * stepped one can stand in one thread. The scheduler sets `cpu` at every switch; the memory is an ordinary buffer.
 */
import type { CpuPtr } from '../../shared-mem/pointer.ts';

export let I32: Int32Array = new Int32Array(0);
export let F64: Float64Array = new Float64Array(0);
export let U8: Uint8Array = new Uint8Array(0);
export let cpu: CpuPtr = 0 as CpuPtr;

export function attach(memory: SharedArrayBuffer | ArrayBuffer): void {
  if (I32.buffer === memory) return;
  I32 = new Int32Array(memory);
  F64 = new Float64Array(memory);
  U8 = new Uint8Array(memory);
}

export function becomeCpu(self: CpuPtr): void {
  cpu = self;
}
