/**
 * A lane: one thread that explores what it is given, a scenario on a design at a time. The search itself never gives way,
 * so who wants to stop it says so in shared memory, and reads there how far it is.
 */
import { bugNamed, kernelFor } from './names.ts';
import type { EpollDesign } from '../kernel/abi/types.ts';
import type { Exhaustive } from './engine/exhaust.ts';
import type { Found } from './engine/search.ts';
import type { Sampling } from './engine/strategies.ts';

export interface Job {
  /** '' for none */
  readonly bug: string;
  readonly scenario: string;
  readonly design: EpollDesign;
  readonly strategy: Sampling | Exhaustive;
  readonly preemptions: number;
  readonly schedules: number;
  readonly seed: number;
  readonly secondsMax: number;
  /** STOP, and how many schedules were run by all lanes together */
  readonly shared: SharedArrayBuffer;
}

/** Indices into `Job.shared`, as int32. */
export const STOP = 0;
export const DONE = 1;

export interface JobResult {
  readonly scenario: string;
  readonly design: EpollDesign;
  readonly schedules: number;
  readonly steps: number;
  readonly seconds: number;
  readonly bootSeconds: number;
  readonly stopped: boolean;
  /** all schedules there are were run, up to the reduction or the bound */
  readonly complete: boolean;
  readonly found: Found | undefined;
  /** of the build that it was found with */
  readonly hash: string;
}

export async function explore(job: Job): Promise<JobResult> {
  const { scenario: name, design, strategy, preemptions, schedules, seed, secondsMax } = job;
  const words = new Int32Array(job.shared);
  const kernel = await kernelFor(job.bug);
  const scenario = kernel.scenarioNamed(name)!;
  const explorer = kernel.explorerOf(scenario, design, bugNamed(job.bug)?.memory);
  let told = 0;
  const started = performance.now();
  const onProgress = (done: number): boolean => {
    Atomics.add(words, DONE, done - told);
    told = done;
    return Atomics.load(words, STOP) === 0 && performance.now() - started < secondsMax * 1000;
  };
  const result =
    strategy === 'dfs' || strategy === 'dpor'
      ? kernel.exhaust(explorer, { strategy, preemptions, schedules, onProgress })
      : { ...explorer.search({ strategy, schedules, seed, onProgress }), complete: false };
  Atomics.add(words, DONE, result.schedules - told);
  return { scenario: name, design, bootSeconds: explorer.bootSeconds, ...result, hash: kernel.hash };
}
