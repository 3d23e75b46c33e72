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

/** What one CPU counted, by the kernel's own names (`Cpu` in kernel/cpu/cpu.ts): ticksTaken, idleSleeps, wakeups ... */
export type CpuCounts = Readonly<Record<string, number>>;

/** What runs while a machine is only watched. */
export interface Load {
  /** Tasks that block in epoll_wait without a timeout, spread over the CPUs, each on an epoll instance of its own. */
  readonly waiters: number;
  /** Descriptors that each of them watches, none ever ready. */
  readonly fds: number;
  /** A task on every CPU that never stops trapping. */
  readonly busy: boolean;
}

export interface Observation {
  readonly wallNs: number;
  /** CPU time of this whole process: the CPUs, and the little that watching takes. */
  readonly cpuNs: number;
  /** Traps of the busy tasks. */
  readonly busyOperations: number;
  /** What each CPU counted meanwhile. */
  readonly perCpu: readonly CpuCounts[];
  /** From when a tick was due to when its interrupt was taken, over all CPUs. */
  readonly tickLatenessNs: { readonly p50: number; readonly p99: number };
}

/** What is known of a machine once it is booted. */
export interface MachineFacts {
  /** From the call to the moment every CPU is ready to run a task. */
  readonly bootNs: number;
  readonly sharedBytes: number;
  /** Why the CPUs' threads were not pinned, where that was asked for. */
  readonly notPinned?: string;
}

/** A sampler that is a booted machine. The caller closes it; two samples at once are not allowed. */
export interface MachineSampler extends Sampler {
  readonly facts: MachineFacts;
  counters(): Promise<readonly CpuCounts[]>;
  /** The locks that a benchmark's operations took together, setting up left out; 0 where the machine has no checks. */
  locks(name: string, iterations: number, params: Parameters): Promise<number>;
  observe(load: Load, durationMs: number): Promise<Observation>;
  close(): Promise<void>;
}

/** Everything that distinguishes the machines of one benchmark run. Absent: the machine's default. */
export interface MachineShape {
  readonly design: string;
  readonly cpus: number;
  readonly hz?: number;
  /** How long an idle CPU spins before it sleeps. */
  readonly idleSpinNs?: number;
  readonly pollCache?: boolean;
  /** For counting locks, which only a machine with checks does; what such a one takes is no figure. */
  readonly checks?: boolean;
  /** Off: a wake always takes the queue's lock, even with nobody waiting. */
  readonly waiterCountFastPath?: boolean;
  /** Each CPU on a host core of its own. */
  readonly pinned?: boolean;
  readonly tasks?: number;
  readonly pipes?: number;
  readonly userBytes?: number;
  /** Most open descriptors, of one task and of all together. */
  readonly files?: number;
}

export type BootSampler = (shape: MachineShape) => Promise<MachineSampler>;

/** A sample that cannot be taken on this side: said once, and the row goes on without this side. */
export class SampleUnavailable extends Error {
  override name = 'SampleUnavailable';
}

/** One counter over all CPUs. */
export function countOver(counts: readonly CpuCounts[], name: string): number {
  return counts.reduce((sum, cpu) => sum + (cpu[name] ?? 0), 0);
}
