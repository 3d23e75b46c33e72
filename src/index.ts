/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The library: boot a machine, run programs on it, read what it counted.
 *
 * @packageDocumentation
 */
export type { BootOptions } from './machine/boot-options.ts';
export { bootOptionsSchema } from './machine/config.ts';
export { BootError, MachineDied } from './machine/errors.ts';
export type { Exit } from './machine/exit-book.ts';
export type { SpawnOptions } from './machine/machine.ts';
export { Machine } from './machine/machine.ts';
export { settle } from './machine/settle.ts';
export type { CpuStats, MachineStats, Wakeups } from './machine/stats.ts';
export type { MachineWarning } from './machine/warnings.ts';
