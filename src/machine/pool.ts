/**
 * The threads of a machine: a piscina pool of exactly as many as there are CPUs, each of which runs one task, its CPU,
 * for as long as the machine lives.
 */
import { Piscina } from 'piscina';
import type { CpuWorkerData } from '../cpu-worker/main.ts';
import type { BootConstants } from '../shared-mem/boot-constants.ts';
import type { CheckedOptions } from './config.ts';
import { workerFile } from './worker-file.ts';

export function startPool(memory: SharedArrayBuffer, { config, constants, heapMb }: CheckedOptions): Piscina {
  const wallMs = Date.now();
  const data: CpuWorkerData & { constants: BootConstants } = {
    memory,
    config,
    constants,
    times: {
      hostNs: Number(process.hrtime.bigint()),
      wallSeconds: Math.floor(wallMs / 1000),
      wallNs: (wallMs % 1000) * 1e6,
    },
  };
  return new Piscina({
    filename: workerFile(constants.checks),
    // With unequal numbers the boot would wait for CPUs that nobody starts.
    minThreads: config.cpus,
    maxThreads: config.cpus,
    concurrentTasksPerWorker: 1,
    idleTimeout: Number.POSITIVE_INFINITY,
    // A CPU waits for its doorbell, and the pool must not wait for it.
    atomics: 'disabled',
    recordTiming: false,
    // A guest that takes ever more memory ends its thread, and not the process with all machines in it.
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
    workerData: { smplab: data },
  });
}
