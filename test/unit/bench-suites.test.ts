/**
 * The promises of the suites, against a machine whose figures are known: rows say what the machine did, every machine is
 * closed, however the run ends.
 */

import { afterEach, describe, expect, test } from 'vitest';

import { SUITES } from '../../src/bench/registry.ts';
import type { Row } from '../../src/bench/rows.ts';
import { benchRows } from '../../src/bench/run.ts';
import type { Load, MachineSampler, MachineShape, Observation } from '../../src/bench/sampler.ts';
import { selectSuites } from '../../src/bench/suite.ts';

const TRAP_NS = 20;
const DESCRIPTOR_NS = 7;
const WAKEUP_NS = 900;
const LOCKS = 3;
const IDLE_NS_PER_SECOND = 5e6;

let open = 0;
const booted: MachineShape[] = [];

afterEach(() => {
  expect(open).toBe(0);
  booted.length = 0;
});

function operationNs(name: string, params: Readonly<Record<string, unknown>>): number {
  if (name === 'repoll_wake') return WAKEUP_NS * Number(params.waiters);
  return TRAP_NS + (name === 'epoll_wait' || name === 'poll' ? DESCRIPTOR_NS * Number(params.fds) : 0);
}

/** One second, whatever was asked for: the suites must use the time that passed and not the time they wished for. */
function observe(shape: MachineShape, load: Load): Observation {
  const hz = shape.hz ?? 100;
  const wakeups = hz * load.waiters;
  const wakeupsNs = wakeups * shape.cpus * WAKEUP_NS;
  const perCpu = { ticksTaken: hz, ticksCoalesced: 0, wakeups, repolls: wakeups * load.fds, idleSleeps: hz };
  return {
    wallNs: 1e9,
    cpuNs: load.busy ? shape.cpus * 1e9 : IDLE_NS_PER_SECOND + wakeupsNs,
    busyOperations: load.busy ? (shape.cpus * 1e9 - wakeupsNs) / TRAP_NS : 0,
    perCpu: Array.from({ length: shape.cpus }, () => perCpu),
    tickLatenessNs: { p50: 50_000, p99: 120_000 },
  };
}

async function boot(shape: MachineShape): Promise<MachineSampler> {
  open++;
  booted.push(shape);
  let idleSleeps = 0;
  let idleSpins = 0;
  let wakeups = 0;
  return {
    facts: { bootNs: 60e6, sharedBytes: 32 * 2 ** 20 },
    async sample(name, iterations, params) {
      if (name.endsWith('pingpong')) {
        if (shape.idleSpinNs === 0) idleSleeps += iterations * 2;
        else idleSpins += iterations * 2;
      }
      if (name === 'repoll_wake') wakeups += iterations * Number(params.waiters);
      return operationNs(name, params) * iterations;
    },
    // Two CPUs that share the counting, and a machine that goes on counting between the samples.
    counters: async () => {
      idleSleeps++;
      return [{ idleSleeps, idleSpins: 0, wakeups }, { idleSpins }];
    },
    locks: async (_name, iterations) => (shape.checks === true ? LOCKS * iterations : 0),
    observe: async (load) => observe(shape, load),
    close: async () => {
      open--;
    },
  };
}

async function run(
  collection: string,
  name?: string,
  options: { fds?: number[]; cpus?: number[]; designs?: string[] } = {},
  complain: (line: string) => void = () => undefined,
): Promise<Row[]> {
  const suites = selectSuites(SUITES, collection, name);
  const rows: Row[] = [];
  const all = { designs: ['kevlar'], quick: false, compareHost: false, boot, ...options };
  const silent = { progress: () => undefined, complain };
  for await (const row of benchRows(suites ?? [], { ...all, ...silent })) rows.push(row);
  return rows;
}

function find(rows: readonly Row[], name: string, params: Readonly<Record<string, unknown>> = {}): Row {
  const found = rows.filter(
    (row) => row.name === name && Object.entries(params).every(([key, value]) => row.params[key] === value),
  );
  expect(found, `rows ${name} ${JSON.stringify(params)}`).toHaveLength(1);
  return found[0]!;
}

describe('every suite', () => {
  test('yields rows that JSON can carry, with bounds around the median', async () => {
    const rows = await run('all');
    const scale = new Set((await run('scale')).map(({ name }) => name));
    expect(rows.length).toBeGreaterThan(40);
    for (const row of rows) {
      expect(JSON.parse(JSON.stringify(row))).toEqual(row);
      expect(row.low).toBeLessThanOrEqual(row.median);
      expect(row.high).toBeGreaterThanOrEqual(row.median);
      expect(row.samples.length).toBeGreaterThan(0);
      expect(row.host).toBeNull();
      // A sample of `scale` is a whole population, made anew.
      const samples = scale.has(row.name) ? 3 : 15;
      if (row.unit === 'ns/op') expect(row.samples.length).toBeGreaterThanOrEqual(samples);
    }
  });

  test('has a name of its own, and unknown names select nothing', () => {
    const names = SUITES.map((suite) => `${suite.collection} ${suite.name}`);
    expect(new Set(names).size).toBe(names.length);
    expect(selectSuites(SUITES, 'syscall', 'basic')).toHaveLength(1);
    expect(selectSuites(SUITES, 'boot', undefined)).toHaveLength(2);
    expect(selectSuites(SUITES, 'syscal', undefined)).toBeNull();
    expect(selectSuites(SUITES, 'syscall', 'basics')).toBeNull();
  });

  test.each(SUITES)('$collection $name closes its machine when it is left early', async (suite) => {
    const options = { designs: ['kevlar'], quick: true, compareHost: false, boot };
    const silent = { progress: () => undefined, complain: () => undefined };
    for await (const row of benchRows([suite], { ...options, ...silent })) {
      expect(row.design).toBe('kevlar');
      break;
    }
    expect(booted.length).toBeGreaterThan(0);
  });
});

describe('scale', () => {
  test('gives a machine room for as many tasks, pipes and descriptors as it makes', async () => {
    const rows = await run('scale');
    for (const [name, count] of [
      ['tasks', 100_000],
      ['fds', 1_000_000],
    ] as const) {
      const shape = booted.find(({ tasks, files }) => (name === 'tasks' ? tasks : files)! > count)!;
      expect(rows.some(({ params }) => params[name] === count)).toBe(true);
      if (name === 'tasks') expect(shape).toMatchObject({ pipes: count + 1, files: 2 * count + 64 });
    }
  });

  test('says where a design wakes so many that the token does not get round', async () => {
    const hop = find(await run('scale', 'tasks'), 'pipe_ring_hop', { tasks: 100_000 });
    expect(hop.counts).toEqual({ hops: 20 });
    expect(hop.notes!.join()).toContain('20 hops, not a whole round: each wakes all 100000 tasks');
  });
});

describe('syscall basic', () => {
  test('has the rows that are compared with the host, by name', async () => {
    const rows = await run('syscall', 'basic', { fds: [1, 64] });
    for (const name of ['getpid', 'getppid', 'gettid', 'eventfd write+read', 'epoll_wait', 'sched_yield'])
      find(rows, name);
    find(rows, 'signal_delivery');
    for (const bytes of [1, 4096]) find(rows, 'pipe write+read', { bytes });
    for (const op of ['add', 'mod', 'del']) find(rows, 'epoll_ctl', { op });
    expect(find(rows, 'poll', { fds: 64 }).median).toBe(TRAP_NS + 64 * DESCRIPTOR_NS);
  });
});

describe('epoll wait and epoll ctl', () => {
  test('say how much dearer a wait is among many descriptors than alone', async () => {
    const rows = await run('epoll', 'wait');
    for (const fds of [1, 10, 100, 1000, 10_000, 100_000]) find(rows, 'epoll_wait', { fds, ready: 1 });
    const flat = find(rows, 'epoll_wait_flat', { from: 1, to: 100_000 });
    expect(flat.median).toBeCloseTo((TRAP_NS + 100_000 * DESCRIPTOR_NS) / (TRAP_NS + DESCRIPTOR_NS), 1);
    expect(booted.every(({ files }) => files! > 100_000)).toBe(true);
  });

  test('change what is watched beside many others, by one operation and by all three', async () => {
    const rows = await run('epoll', 'ctl', { fds: [64, 1000] });
    for (const fds of [64, 1000]) {
      for (const op of ['add', 'mod', 'del', 'add+mod+del']) find(rows, 'epoll_ctl', { op, fds });
    }
  });

  test('count the locks of an operation on a machine with checks', async () => {
    const rows = [...(await run('epoll', 'wait')), ...(await run('epoll', 'ctl'))];
    const counted = rows.filter(({ counts }) => counts !== undefined);
    for (const { counts } of counted) expect(counts).toEqual({ locks: LOCKS });
    expect(counted).toHaveLength(rows.length - 1);
    expect(booted.filter(({ checks }) => checks === true)).toHaveLength(2);
  });

  test('write before each wait where a design tells once, on both sides', async () => {
    const rows = await run('epoll', 'wait', { fds: [1], designs: ['wasix', 'linux'] });
    expect(rows.map(({ design, params }) => [design, params['edge']])).toEqual([
      ['wasix', true],
      ['linux', undefined],
    ]);
    const basic = await run('syscall', 'basic', { designs: ['wasix'] });
    expect(find(basic, 'epoll_wait').params['edge']).toBe(true);
  });

  test('leave out what a design cannot watch, and say so', async () => {
    const said: string[] = [];
    const rows = await run('epoll', 'wait', { fds: [1024, 1025], designs: ['veridian'] }, (line) => said.push(line));
    expect(rows.map(({ params }) => params)).toEqual([{ fds: 1024, ready: 1 }]);
    expect(said).toEqual(['veridian: an instance watches 1024 descriptors at most, so there are no rows for 1025']);
  });
});

describe('epoll repoll', () => {
  test('finds the cost of one descriptor and of none, with the poll cache and without', async () => {
    const rows = await run('epoll', 'repoll');
    for (const pollCache of [true, false]) {
      const row = find(rows, 'repoll_per_fd', { pollCache });
      expect(row.median).toBeCloseTo(DESCRIPTOR_NS, 2);
      expect(row.fit?.slope).toBeCloseTo(DESCRIPTOR_NS, 2);
      expect(row.fit?.intercept).toBeCloseTo(TRAP_NS, 0);
      expect(row.fit?.r2).toBeCloseTo(1, 4);
      find(rows, 'repoll', { pollCache, fds: 10000 });
      expect(booted.some((shape) => shape.pollCache === pollCache && (shape.files ?? 0) > 10000)).toBe(true);
    }
  });

  test('finds the cost of a wakeup, whatever the number of waiters', async () => {
    const rows = await run('epoll', 'repoll', { cpus: [2] });
    const wakes = rows.filter((row) => row.name === 'repoll_wake');
    for (const row of wakes) {
      expect(row.median).toBeCloseTo(WAKEUP_NS, 1);
      expect(row.counts?.wakesPerRound).toBe(row.params.waiters);
      expect(row.counts?.wakesPerSecond).toBe(Math.round(1e9 / WAKEUP_NS));
    }
    find(rows, 'repoll_wake', { waiters: 16 });
    find(rows, 'repoll_wake', { waiterCountFastPath: false });
    find(rows, 'repoll_wake', { pollCache: false });
  });

  test('counts the wakeups of the ticks, idle and busy, over waiters, descriptors, HZ and CPUs', async () => {
    const rows = await run('epoll', 'repoll');
    const ticks = rows.filter((row) => row.name === 'repoll_ticks');
    for (const row of ticks) {
      expect(row.median).toBe(row.counts?.wakesPerSecondAtMost);
      expect(row.counts?.repollsPerWake).toBe(row.params.waiters === 0 ? 0 : row.params.fds);
    }
    for (const busy of [true, false]) {
      find(rows, 'repoll_ticks', { waiters: 16, busy });
      find(rows, 'repoll_ticks', { fds: 1000, busy });
      find(rows, 'repoll_ticks', { hz: 1000, busy });
      const middle = ticks.filter(({ params }) => params.waiters === 4 && params.fds === 100 && params.hz === 100);
      const cpus = middle.filter((row) => row.params.busy === busy).map((row) => row.cpus);
      expect(cpus).toEqual([1, 2, 4]);
    }
    const [none] = ticks.filter((row) => row.params.waiters === 0 && !row.params.busy);
    expect(none?.counts?.cpuPercent).toBeCloseTo(0.5, 2);
  });

  test('measures the wake that finds nobody with the fast path and without', async () => {
    const rows = await run('epoll', 'repoll', { cpus: [2] });
    for (const waiterCountFastPath of [true, false]) find(rows, 'wake_no_waiters', { waiterCountFastPath });
  });
});

describe('sched pingpong', () => {
  test('has the idle spin of the machine and none, and tells how often a CPU slept', async () => {
    const rows = await run('sched', 'pingpong');
    for (const name of ['pipe_pingpong', 'eventfd_pingpong']) {
      expect(find(rows, name, { idleSpin: 'default', against: 'sleeping' }).counts?.sleepShare).toBeCloseTo(0, 3);
      expect(find(rows, name, { idleSpin: 'default', against: 'polling' }).counts?.sleepShare).toBeCloseTo(0, 3);
      expect(find(rows, name, { idleSpin: 0, against: 'sleeping' }).counts?.sleepShare).toBeCloseTo(1, 3);
    }
  });
});

describe('timer ticks', () => {
  test('counts interrupts for every CPU, busy and idle, and what the idle machine takes', async () => {
    const rows = await run('timer', 'ticks');
    for (const load of ['busy', 'idle']) {
      expect(find(rows, 'ticks_taken', { load }).samples).toEqual([100, 100]);
      expect(find(rows, 'tick_lateness_p99', { load }).median).toBe(120_000);
    }
    expect(find(rows, 'cpu_use', { load: 'idle' }).median).toBeCloseTo(0.5, 2);
  });
});

describe('boot', () => {
  test('states milliseconds and MiB, and says where there are more CPUs than cores', async () => {
    const rows = await run('boot', undefined, { cpus: [4, 4096] });
    expect(rows.filter((row) => row.name === 'boot').map((row) => row.median)).toEqual([60, 60]);
    expect(rows.filter((row) => row.name === 'shared_memory').map((row) => row.median)).toEqual([32, 32]);
    const notes = rows.find((row) => row.name === 'boot' && row.cpus === 4096)?.notes?.join();
    expect(notes).toContain('oversubscribed: 4096 CPUs');
  });
});
