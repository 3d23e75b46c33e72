/**
 * The promises of the machine's side, on a real machine: every benchmark has a guest program that ends well and takes
 * time in proportion, a wrong answer is never a figure, and a watched machine tells what it counted.
 */

import { afterAll, describe, expect, test } from 'vitest';

import { locksPerOperation } from '../../src/bench/lock-counter.ts';
import { bootSampler } from '../../src/bench/machine-sampler.ts';
import { countOver, type MachineSampler } from '../../src/bench/sampler.ts';
import { waitParameters } from '../../src/bench/suites/design-facts.ts';

const opened: MachineSampler[] = [];

async function boot(shape: Parameters<typeof bootSampler>[0]): Promise<MachineSampler> {
  const machine = await bootSampler(shape);
  opened.push(machine);
  return machine;
}

afterAll(async () => {
  for (const machine of opened) await machine.close();
});

const machine = await boot({ design: 'kevlar', cpus: 2, pinned: true });

describe('every benchmark', () => {
  test.each([
    ['getpid', {}],
    ['getppid', {}],
    ['gettid', {}],
    ['eventfd write+read', {}],
    ['pipe write+read', { bytes: 1 }],
    ['pipe write+read', { bytes: 4096 }],
    ['epoll_wait', { fds: 1, ready: 1 }],
    ['epoll_wait', { fds: 100, ready: 0 }],
    ['poll', { fds: 100, ready: 0 }],
    ['epoll_ctl', { op: 'add' }],
    ['epoll_ctl', { op: 'mod' }],
    ['epoll_ctl', { op: 'del' }],
    ['epoll_ctl', { op: 'add+mod+del' }],
    ['epoll_wait', { fds: 3, ready: 1, edge: true }],
    ['sched_yield', {}],
    ['signal_delivery', {}],
    ['pipe_pingpong', {}],
    ['eventfd_pingpong', {}],
    ['repoll_wake', { waiters: 2, fds: 10 }],
    ['wake_no_waiters', {}],
  ])('%s %o takes longer for more operations', async (name, params) => {
    // A busy host can stretch any one sample; the shortest of several is near what the work takes.
    const shortest = async (operations: number): Promise<number> => {
      const samples: number[] = [];
      for (let i = 0; i < 3; i++) samples.push(await machine.sample(name, operations, params));
      return Math.min(...samples);
    };
    const few = await shortest(20);
    expect(few).toBeGreaterThan(0);
    expect(await shortest(4000)).toBeGreaterThan(few);
  });

  test.each([
    ['ring', { waiters: 20 }],
    ['ring', { waiters: 20, ready: 1 }],
    ['descriptors', { fds: 200, op: 1 }],
    ['descriptors', { fds: 200, op: 2 }],
    ['descriptors', { fds: 200, op: 3 }],
  ])('%s %o ends well, twice', async (name, params) => {
    for (let i = 0; i < 2; i++) expect(await machine.sample(name, 40, params)).toBeGreaterThan(0);
  });

  test('is refused where it does not exist', async () => {
    await expect(machine.sample('no such thing', 1, {})).rejects.toThrow('no guest program runs no such thing');
  });

  test('a wait on a design that tells once is measured with writes, and refused without', async () => {
    const wasix = await boot({ design: 'wasix', cpus: 1 });
    expect(await wasix.sample('epoll_wait', 10, waitParameters('wasix', 3))).toBeGreaterThan(0);
    await expect(wasix.sample('epoll_wait', 10, waitParameters('linux', 3))).rejects.toThrow('wrong answer 1');
  });

  test('counts its locks with checks, and without them none', async () => {
    const checked = await boot({ design: 'linux', cpus: 1, checks: true });
    expect(await locksPerOperation(checked, 'epoll_wait', { fds: 1, ready: 1 })).toBe(3);
    expect(await locksPerOperation(checked, 'epoll_ctl', { fds: 64, op: 'mod' })).toBe(1);
    // Without what undoes it, which takes five.
    expect(await locksPerOperation(checked, 'epoll_ctl', { fds: 64, op: 'add' })).toBeCloseTo(4, 0);
    expect(await locksPerOperation(machine, 'epoll_wait', { fds: 1, ready: 1 })).toBe(0);
  });

  test('answers an error, not a figure, where the machine runs out of what it needs', async () => {
    await expect(machine.sample('epoll_wait', 1, { fds: 5000, ready: 0 })).rejects.toThrow('failed in the machine');
    expect(await machine.sample('getpid', 10, {})).toBeGreaterThan(0);
  });
});

describe('a watched machine', () => {
  test('is woken by its ticks for nothing, looks at every descriptor, and takes its timer interrupts', async () => {
    const watched = await boot({ design: 'kevlar', cpus: 2, hz: 100, idleSpinNs: 0 });
    const observed = await watched.observe({ waiters: 3, fds: 20, busy: false }, 300);
    const seconds = observed.wallNs / 1e9;
    const wakes = countOver(observed.perCpu, 'wakeups');
    const due = countOver(observed.perCpu, 'ticksTaken') + countOver(observed.perCpu, 'ticksCoalesced');
    expect(seconds).toBeGreaterThan(0.29);
    expect(wakes).toBeGreaterThan(0);
    expect(wakes).toBeLessThanOrEqual(2 * 100 * 3 * seconds + 12);
    expect(countOver(observed.perCpu, 'repolls')).toBeGreaterThanOrEqual(wakes * 20);
    expect(Math.abs(due - 2 * 100 * seconds)).toBeLessThan(20);
    expect(observed.cpuNs).toBeGreaterThan(0);
    expect(observed.tickLatenessNs.p99).toBeGreaterThanOrEqual(observed.tickLatenessNs.p50);
  });

  test('that is busy traps all the time, on every CPU', async () => {
    const watched = await boot({ design: 'kevlar', cpus: 2 });
    const observed = await watched.observe({ waiters: 0, fds: 0, busy: true }, 200);
    for (const cpu of observed.perCpu) expect(cpu.traps).toBeGreaterThan(10_000);
    await expect(watched.observe({ waiters: 0, fds: 0, busy: true }, 1)).rejects.toThrow('one load to a machine');
  });
});
