/**
 * How many spinlocks one operation of a benchmark takes: counted on a machine with checks, which takes the same ones, so
 * that the machine whose time is measured need not count.
 *
 * A sample also sets up and tears down, as often whatever its length. So two are taken, one longer than the other: what the
 * longer took more is what its further operations took. A tick that falls into either is far less than one operation's.
 */

import { CountingSampler } from './counting.ts';
import type { Parameters } from './rows.ts';
import { rounded } from './rows.ts';
import type { MachineSampler } from './sampler.ts';

const OPERATIONS_MIN = 64;
const OPERATIONS_MAX = 8192;
const SAMPLE_NS = 40e6;
const SETTLING = 1000;

/** @param machine booted with checks */
export async function locksPerOperation(machine: MachineSampler, name: string, params: Parameters): Promise<number> {
  const taken = async (operations: number): Promise<number> => {
    const counting = new CountingSampler(machine, ['locks']);
    await counting.sample(name, operations, params);
    // Of what a sample leaves behind some is freed after its end: it must not be counted with the next.
    await counting.sample('getpid', SETTLING, {});
    return counting.counted('locks');
  };
  const fewNs = await machine.sample(name, OPERATIONS_MIN, params);
  await machine.sample('getpid', SETTLING, {});
  const fitting = Math.round((OPERATIONS_MIN * SAMPLE_NS) / fewNs);
  const operations = Math.min(OPERATIONS_MAX, Math.max(OPERATIONS_MIN, fitting));
  const few = await taken(operations);
  return rounded(((await taken(2 * operations)) - few) / operations, 1);
}
