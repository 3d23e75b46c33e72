/**
 * Runs a choice of suites and hands out their rows. The command line calls this; so may anybody who wants the rows and
 * not the table.
 */

import { arch, availableParallelism, cpus, release, type as systemType } from 'node:os';

import { HostSampler } from './host.ts';
import { FULL_PLAN, QUICK_PLAN } from './measure.ts';
import type { Row } from './rows.ts';
import type { BootSampler } from './sampler.ts';
import type { Suite } from './suite.ts';
import type { TableHost } from './table.ts';

export interface BenchOptions {
  readonly designs: readonly string[];
  readonly cpus?: readonly number[];
  readonly fds?: readonly number[];
  readonly quick: boolean;
  readonly compareHost: boolean;
  readonly boot: BootSampler;
  /** What is measured now; for a terminal. */
  readonly progress: (text: string) => void;
  /** What a person should know, once. */
  readonly complain: (line: string) => void;
}

export function describeHost(): TableHost & { readonly arch: string } {
  const processors = cpus();
  return {
    cores: availableParallelism(),
    cpu: processors[0]?.model.trim() ?? 'an unnamed CPU',
    kernel: `${systemType()} ${release()}`,
    node: process.versions.node,
    arch: arch(),
  };
}

/** Rows as they are measured. Leaving the loop early stops the machines and the host program. */
export async function* benchRows(suites: readonly Suite[], options: BenchOptions): AsyncIterable<Row> {
  const { designs, quick, boot, progress, complain } = options;
  const host = options.compareHost ? await HostSampler.start(complain) : null;
  try {
    const context = {
      designs,
      ...(options.cpus === undefined ? {} : { cpus: options.cpus }),
      ...(options.fds === undefined ? {} : { fds: options.fds }),
      quick,
      plan: quick ? QUICK_PLAN : FULL_PLAN,
      hostCores: availableParallelism(),
      host,
      boot,
      progress,
      complain,
    };
    for (const suite of suites) yield* suite.run(context);
  } finally {
    await host?.close();
  }
}
