/** The promises of `bench/measure.ts` and `bench/rows.ts`: samples taken in turns, rows as scripts read them. */

import { describe, expect, test } from 'vitest';

import { calibrate, measure } from '../../src/bench/measure.ts';
import { countedRow, timedRow } from '../../src/bench/rows.ts';
import { SampleUnavailable, type Sampler } from '../../src/bench/sampler.ts';
import { colorAllowed, renderTable } from '../../src/bench/table.ts';

/** A sampler whose operations take exactly so long, after a fixed price for the sample itself. */
function steady(operationNs: number, log: string[] = [], label = ''): Sampler {
  return {
    async sample(_name, iterations) {
      log.push(label);
      return 200 + operationNs * iterations;
    },
  };
}

const plan = { samples: 15, sampleNs: 30e6 };
const identity = { name: 'getpid', design: 'kevlar', cpus: 1, params: {} };

describe('calibration', () => {
  test.each([3, 20, 500, 1e5])('fills the sample with operations of %d ns', async (operationNs) => {
    const iterations = await calibrate(steady(operationNs), 'x', {}, 30e6);
    expect(iterations * operationNs).toBeGreaterThan(30e6 * 0.8);
    expect(iterations * operationNs).toBeLessThan(30e6 * 1.25);
  });

  test('accepts one operation that is longer than a sample', async () => {
    expect(await calibrate(steady(1e9), 'x', {}, 30e6)).toBe(1);
  });

  test('follows code that becomes faster while it is measured', async () => {
    let calls = 0;
    const warming: Sampler = { sample: async (_name, iterations) => iterations * (calls++ < 6 ? 200 : 20) };
    const iterations = await calibrate(warming, 'x', {}, 30e6);
    expect(iterations * 20).toBeGreaterThan(30e6 * 0.8);
  });
});

describe('measuring', () => {
  test('asks machine and host in turns, and changes who goes first', async () => {
    const log: string[] = [];
    const request = { name: 'x', params: {}, machine: steady(20, log, 'm'), host: steady(80, log, 'h') };
    const measured = await measure(request, plan);
    const rounds = log.slice(-30).join('');
    expect(rounds).toBe(`${'mhhm'.repeat(7)}mh`);
    expect(measured.machine.totalsNs).toHaveLength(15);
    expect(measured.host?.totalsNs).toHaveLength(15);
  });

  test('gives the ratio of machine over host per operation, although their loops differ in length', async () => {
    const measured = await measure({ name: 'x', params: {}, machine: steady(20), host: steady(80) }, plan);
    expect(measured.machine.iterations).not.toBe(measured.host?.iterations);
    const row = timedRow(identity, measured.machine, measured.host);
    expect(row.host?.ratio).toBeCloseTo(0.25, 3);
    expect(row.median).toBeCloseTo(20, 1);
    expect(row.samples).toHaveLength(15);
    expect(row.totalsNs?.every(Number.isInteger)).toBe(true);
  });

  test('keeps the machine’s row when the host’s side ends at any sample', async () => {
    for (const last of [0, 3, 12]) {
      let asked = 0;
      const ending: Sampler = {
        async sample(_name, iterations) {
          if (asked++ >= last) throw new SampleUnavailable('needs two CPUs');
          return iterations * 80;
        },
      };
      const measured = await measure({ name: 'x', params: {}, machine: steady(20), host: ending }, plan);
      expect(measured.host).toBeNull();
      expect(measured.machine.totalsNs).toHaveLength(15);
      expect(measured.notes).toEqual(['host not compared: needs two CPUs']);
    }
  });

  test('does not swallow a failure of the machine', async () => {
    const broken: Sampler = { sample: () => Promise.reject(new SampleUnavailable('machine ended')) };
    await expect(measure({ name: 'x', params: {}, machine: broken, host: null }, plan)).rejects.toThrow(
      'machine ended',
    );
  });
});

describe('the table', () => {
  const host = { cores: 2, cpu: 'A CPU', kernel: 'Linux 6.18', node: '20.20.2' };
  const timed = timedRow(
    { ...identity, params: { fds: 10, cache: false } },
    { iterations: 10, totalsNs: [100, 200, 300, 400, 500, 600] },
    { iterations: 10, totalsNs: [400, 400, 400, 400, 400, 400] },
  );

  test('states unit, bounds, number of samples and host cores', () => {
    const text = renderTable([timed], host, { color: false, columns: 120 });
    expect(text).toContain('2 cores of A CPU');
    expect(text).toMatch(/getpid +fds=10 no-cache +kevlar +1 +35 +ns\/op +10 \.\. 60 +71 % +6 +40 +0\.88/);
    expect(text).not.toContain('\u001b');
  });

  test('is the same text with colour', () => {
    const colored = renderTable([timed], host, { color: true, columns: 120 });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
    expect(colored.replaceAll(/\u001b\[\d+m/g, '')).toBe(renderTable([timed], host, { color: false, columns: 120 }));
    expect(colored).toContain('\u001b[32m');
  });

  test('shows fit and notes below, and no host columns where nothing was compared', () => {
    const row = {
      ...countedRow(identity, 'wakes/s', [200, 201, 202], ['a note']),
      fit: { slope: 6.5, intercept: 90, r2: 1 },
    };
    const text = renderTable([row], host, { color: false, columns: 120 });
    expect(text).not.toContain('machine/host');
    expect(text).toContain('getpid: slope 6.50, intercept 90, r2 1.0000');
    expect(text).toContain('getpid: a note');
  });

  test('has colour as NO_COLOR, FORCE_COLOR and the terminal say, in this order', () => {
    expect(colorAllowed({ NO_COLOR: '1', FORCE_COLOR: '1' }, true)).toBe(false);
    expect(colorAllowed({ NO_COLOR: '' }, true)).toBe(true);
    expect(colorAllowed({ FORCE_COLOR: '1' }, false)).toBe(true);
    expect(colorAllowed({}, false)).toBe(false);
  });
});
