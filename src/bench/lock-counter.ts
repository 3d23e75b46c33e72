/**
 * How many spinlocks one operation of a benchmark takes: counted on a machine with checks, which takes the same ones, so
 * that the machine whose time is measured need not count. The guest reads the count where it reads the clock; a tick that
 * falls between the two takes far fewer than its thousands of operations.
 */

import type { Parameters } from './rows.ts';
import { rounded } from './rows.ts';
import type { MachineSampler } from './sampler.ts';

const OPERATIONS_MIN = 64;
const OPERATIONS_MAX = 8192;
const SAMPLE_NS = 40e6;

/** @param machine booted with checks */
export async function locksPerOperation(machine: MachineSampler, name: string, params: Parameters): Promise<number> {
  const fewNs = await machine.sample(name, OPERATIONS_MIN, params);
  const fitting = Math.round((OPERATIONS_MIN * SAMPLE_NS) / fewNs);
  const operations = Math.min(OPERATIONS_MAX, Math.max(OPERATIONS_MIN, fitting));
  return rounded((await machine.locks(name, operations, params)) / operations, 1);
}
