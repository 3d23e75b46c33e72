/** The promises of `bench/pinning.ts`: it knows the cores of this process, and says why it could not pin. */

import { readFileSync, readlinkSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

import { parseCpuList, pinThreads } from '../../src/bench/pinning.ts';

describe('the list of cores', () => {
  test('is read as the kernel writes it', () => {
    expect(parseCpuList('0-3,8,10-11\n')).toEqual([0, 1, 2, 3, 8, 10, 11]);
    expect(parseCpuList('5')).toEqual([5]);
    expect(parseCpuList('')).toEqual([]);
  });
});

describe('pinning', () => {
  test('is refused where there are more threads than cores', () => {
    expect(pinThreads(Array.from({ length: 100_000 }, () => 1))).toMatch(/^100000 CPUs, \d+ host cores$/);
  });

  test.runIf(process.platform === 'linux')('moves a thread to one core, or says why it does not', () => {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    const before = readFileSync('/proc/thread-self/status', 'utf8');
    const problem = pinThreads([thread]);
    const cores = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/thread-self/status', 'utf8'))?.[1];
    if (problem === undefined) expect(cores).toMatch(/^\d+$/);
    else expect(before).toContain(cores);
  });
});
