/**
 * A sampler that also adds up what its machine counted while samples were taken, and only then: between its samples the
 * machine idles and ticks, which is no part of what is measured.
 */

import type { Parameters } from './rows.ts';
import { countOver, type MachineSampler, type Sampler } from './sampler.ts';

export class CountingSampler implements Sampler {
  /** Operations asked for so far, calibration included. */
  operations = 0;
  readonly #machine: MachineSampler;
  readonly #names: readonly string[];
  readonly #sums = new Map<string, number>();

  /** @param names the machine's counters to add up, over all its CPUs */
  constructor(machine: MachineSampler, names: readonly string[]) {
    this.#machine = machine;
    this.#names = names;
  }

  async sample(name: string, iterations: number, params: Parameters): Promise<number> {
    const before = await this.#machine.counters();
    const totalNs = await this.#machine.sample(name, iterations, params);
    const after = await this.#machine.counters();
    this.operations += iterations;
    for (const counter of this.#names) {
      const counted = countOver(after, counter) - countOver(before, counter);
      this.#sums.set(counter, this.counted(counter) + counted);
    }
    return totalNs;
  }

  counted(name: string): number {
    return this.#sums.get(name) ?? 0;
  }
}
