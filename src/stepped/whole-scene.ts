/**
 * A machine of any configuration for the stepped scheduler, and programs on it. Kernel code like any other, compiled as
 * scene.ts is; src/conform/stepped runs cases on it.
 */
import { formatMemory, startCpu } from '../kernel/boot/format.ts';
import type { BootConfig } from '../kernel/boot/plan.ts';
import { MACHINE, MACHINE_RUNNING, Machine } from '../kernel/machine-record.ts';
import { ANY_CPU, spawnProcess } from '../kernel/process/spawn.ts';
import { assert } from '../shared-mem/panic.ts';

export { planMemory } from '../kernel/boot/plan.ts';
export { cpuRecord } from '../kernel/cpu/cpu.ts';
export { runCpu } from '../cpu-worker/trap-loop.ts';

/** Lays the memory out and starts every CPU's record. @param wallSeconds what the wall clock shows at boot */
export function bootWhole(config: BootConfig, wallSeconds: number): void {
  assert(formatMemory(config, { hostNs: 0, wallSeconds, wallNs: 0 }), 'the memory was laid out before');
  for (let i = config.cpus - 1; i >= 0; i--) startCpu(i, 0);
  Machine.state.store(MACHINE, MACHINE_RUNNING);
}

/** Starts a process as the host does, on the CPU with the fewest tasks. @returns its pid, or a negative errno */
export function spawnProgram(image: number, entry: number, argument: number): number {
  return spawnProcess(image, entry, argument, ANY_CPU);
}
