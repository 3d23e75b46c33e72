/**
 * Where samples come from. A sampler runs one named loop and answers how long the whole loop took, measured where the
 * loop runs: the guest program inside the machine, the C program on the host. The benchmarks know only this interface,
 * so the two sides are measured by the same code and can be asked in turns.
 */

import type { Parameters } from './rows.ts';

export interface Sampler {
  /** The nanoseconds that `iterations` operations took together. */
  sample(name: string, iterations: number, params: Parameters): Promise<number>;
}

/** A sampler that is a booted machine. The caller closes it; two samples at once are not allowed. */
export interface MachineSampler extends Sampler {
  /** The machine's counters since boot, by name; what the kernel does not count is absent. */
  counters(): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

/** Everything that distinguishes the machines of one benchmark run. */
export interface MachineShape {
  readonly design: string;
  readonly cpus: number;
  readonly hz?: number;
  /** How long an idle CPU spins before it sleeps; absent: the machine's default. */
  readonly idleSpinNs?: number;
  readonly pollCache?: boolean;
  /** Off: a wake always takes the queue's lock, even with nobody waiting. */
  readonly waiterCountFastPath?: boolean;
  /** Most descriptors a task may open; absent: the machine's default. */
  readonly files?: number;
}

export type BootSampler = (shape: MachineShape) => Promise<MachineSampler>;

/** A sample that cannot be taken on this side: said once, and the row goes on without this side. */
export class SampleUnavailable extends Error {
  override name = 'SampleUnavailable';
}
