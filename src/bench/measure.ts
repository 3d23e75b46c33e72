/**
 * Taking the samples of one row: finds how many operations fill a sample, warms both sides up, then asks machine and host
 * in turns, so that whatever disturbs this host during the run disturbs both.
 */

import type { Parameters, TimedSamples } from './rows.ts';
import { SampleUnavailable, type Sampler } from './sampler.ts';

export interface MeasurePlan {
  readonly samples: number;
  readonly sampleNs: number;
}

export interface Measurement {
  readonly machine: TimedSamples;
  readonly host: TimedSamples | null;
  readonly notes: readonly string[];
}

export interface MeasureRequest {
  readonly name: string;
  readonly params: Parameters;
  readonly machine: Sampler;
  readonly host: Sampler | null;
  /** Where the host's benchmark has another name or other parameters. */
  readonly hostName?: string;
  readonly hostParams?: Parameters;
}

export const FULL_PLAN: MeasurePlan = { samples: 15, sampleNs: 30e6 };
export const QUICK_PLAN: MeasurePlan = { samples: 5, sampleNs: 20e6 };

/** Below this the two clock reads and the first pass through cold code are a visible part of a sample. */
const TRUSTED_NS = 2e6;

/** A compiler at work makes later samples faster; so many corrections are enough for it to finish. */
const CORRECTIONS = 6;

const ITERATIONS_MAX = 1e9;

/**
 * How many operations fill a sample. The tries are the warm-up too: they end when a sample is close to its target, and
 * code that the JavaScript compiler is still improving keeps missing it.
 */
export async function calibrate(sampler: Sampler, name: string, params: Parameters, sampleNs: number): Promise<number> {
  let iterations = 1;
  let totalNs = await sampler.sample(name, iterations, params);
  while (totalNs < TRUSTED_NS && iterations < ITERATIONS_MAX) {
    iterations *= totalNs * 10 < TRUSTED_NS ? 10 : 4;
    totalNs = await sampler.sample(name, iterations, params);
  }
  for (let correction = 0; correction < CORRECTIONS; correction++) {
    iterations = Math.min(ITERATIONS_MAX, Math.max(1, Math.round((iterations * sampleNs) / totalNs)));
    totalNs = await sampler.sample(name, iterations, params);
    const share = totalNs / sampleNs;
    if (share > 0.8 && share < 1.25) break;
    // One operation may be longer than the sample: then one is all there is.
    if (iterations === 1) break;
  }
  return iterations;
}

/**
 * The host's side of one row. It may end at any sample (no second CPU, too few descriptors, a program killed): the row
 * then stands without it and says why, since the machine's figures are none the worse.
 */
class HostSide {
  problem: string | undefined;
  readonly totalsNs: number[] = [];
  readonly #sampler: Sampler | null;
  readonly #name: string;
  readonly #params: Parameters;
  #iterations = 0;

  constructor(request: MeasureRequest) {
    this.#sampler = request.host;
    this.#name = request.hostName ?? request.name;
    this.#params = request.hostParams ?? request.params;
  }

  async #attempt(act: (sampler: Sampler) => Promise<void>): Promise<void> {
    if (this.#sampler === null || this.problem !== undefined) return;
    try {
      await act(this.#sampler);
    } catch (error) {
      if (!(error instanceof SampleUnavailable)) throw error;
      this.problem = error.message;
    }
  }

  calibrate(sampleNs: number): Promise<void> {
    return this.#attempt(async (sampler) => {
      this.#iterations = await calibrate(sampler, this.#name, this.#params, sampleNs);
    });
  }

  takeSample(): Promise<void> {
    return this.#attempt(async (sampler) => {
      this.totalsNs.push(await sampler.sample(this.#name, this.#iterations, this.#params));
    });
  }

  result(): TimedSamples | null {
    if (this.#sampler === null || this.problem !== undefined) return null;
    return { iterations: this.#iterations, totalsNs: this.totalsNs };
  }
}

export async function measure(request: MeasureRequest, plan: MeasurePlan): Promise<Measurement> {
  const { name, params, machine } = request;
  const host = new HostSide(request);
  const iterations = await calibrate(machine, name, params, plan.sampleNs);
  await host.calibrate(plan.sampleNs);
  const totalsNs: number[] = [];
  for (let round = 0; round < plan.samples; round++) {
    // Whoever goes first changes every round: a drift of the host then favours neither side.
    if (round % 2 === 1) await host.takeSample();
    totalsNs.push(await machine.sample(name, iterations, params));
    if (round % 2 === 0) await host.takeSample();
  }
  const notes = host.problem === undefined ? [] : [`host not compared: ${host.problem}`];
  return { machine: { iterations, totalsNs }, host: host.result(), notes };
}
