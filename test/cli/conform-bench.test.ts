import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DESIGN_NAMES } from '../../src/kernel/epoll/source-ops.ts';
import { documentOf, smplab, start } from './smplab.ts';

const casesOf = (file: string): string => fileURLToPath(new URL(`../../data/conformance/${file}`, import.meta.url));

describe('conform', () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'smplab-cli-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('has the shape that scripts rely on, and 0 where nothing failed', async () => {
    const ended = await smplab(['conform', casesOf('eventfd.json'), '--json']);
    expect(ended.code).toBe(0);
    const summary = documentOf<Record<'cases' | 'passed' | 'declared' | 'unseen' | 'failed', number>>(ended);
    expect(summary).toMatchObject({
      schemaVersion: 1,
      verb: 'conform',
      epoll: 'kevlar',
      engine: 'parallel',
      failed: 0,
      notCompared: expect.any(Number),
      failures: [],
      divergences: expect.any(Array),
    });
    expect(summary.cases).toBeGreaterThan(5);
    expect(summary.passed + summary.declared + summary.unseen + summary.failed).toBe(summary.cases);
  });

  test('stepped, it says how many schedules ran from which seed, and gives the same document again', async () => {
    const args = [
      'conform',
      '--engine',
      'stepped',
      '--schedules',
      '3',
      '--seed',
      '9',
      casesOf('waiters.json'),
      '--json',
    ];
    const ended = await smplab([...args, '--epoll', 'linux']);
    expect(ended.code).toBe(0);
    const document = documentOf<Record<'cases' | 'runs', number>>(ended);
    expect(document).toMatchObject({ engine: 'stepped', schedules: 3, seed: 9, failed: 0, unseenOutcomes: [] });
    expect(document.runs).toBeGreaterThan(document.cases);
    expect(documentOf(await smplab([...args, '--epoll', 'linux']))).toEqual(document);
  });

  test('stepped, a wrong answer names the seed that shows it, and that seed alone shows it again', async () => {
    const cases = JSON.parse(readFileSync(casesOf('waiters.json'), 'utf8')) as [{ threads: object; expect: object[] }];
    const one = cases.find(({ threads }) => Object.keys(threads).length > 0)!;
    const path = join(directory, 'wrong-threads.json');
    writeFileSync(
      path,
      JSON.stringify([one]).replace(/"ret":(\d+)/g, (_, value: string) => `"ret":${Number(value) + 1}`),
    );
    const command = ['conform', path, '--engine', 'stepped', '--epoll', 'linux', '--json'];
    const ended = await smplab([...command, '--schedules', '4', '--seed', '5']);
    expect(ended.code).toBe(1);
    const { failures } = documentOf<{ failures: [{ seed: number; times: number }] }>(ended);
    expect(failures).toHaveLength(1);
    const again = documentOf<{ failures: object[] }>(await smplab([...command, '--seed', String(failures[0].seed)]));
    expect(again.failures).toEqual([{ ...failures[0], times: 1 }]);
  });

  test('a wrong answer is a failure: exit 1, the step and both results named', async () => {
    const [one] = JSON.parse(readFileSync(casesOf('signalfd.json'), 'utf8')) as [{ expect: unknown }];
    const text = JSON.stringify([one]);
    // Where the kernel answered with a number, another one is expected.
    const wrong = text.replace(/"ret":(\d+)/g, (_, value: string) => `"ret":${Number(value) + 1}`);
    expect(wrong).not.toBe(text);
    const path = join(directory, 'wrong.json');
    writeFileSync(path, wrong);
    const ended = await smplab(['conform', path]);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toMatch(/FAILED wrong\.json: .*step \d+/);
    expect(ended.stdout).toMatch(/expected .*\n +got /);
    expect(ended.stderr).toContain('again: smplab conform');
  });

  test('a file that holds no cases is told in a line', async () => {
    const path = join(directory, 'none.json');
    writeFileSync(path, '{"cases": ');
    const { code, stderr } = await smplab(['conform', path]);
    expect(code).toBe(2);
    expect(stderr).toContain('none.json');
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('bench', () => {
  test('has the shape that scripts rely on', async () => {
    const ended = await smplab(['bench', 'boot', 'memory', '--json', '--cpus', '1,2']);
    expect(ended.code).toBe(0);
    const { rows, ...document } = documentOf<{ rows: readonly object[] }>(ended);
    expect(document).toMatchObject({
      schemaVersion: 1,
      verb: 'bench',
      config: { designs: [...DESIGN_NAMES], cpus: [1, 2] },
    });
    expect(rows).toHaveLength(2 * DESIGN_NAMES.length);
    for (const row of rows) {
      expect(row).toMatchObject({
        name: 'shared_memory',
        design: expect.toBeOneOf([...DESIGN_NAMES]),
        cpus: expect.any(Number),
        params: expect.any(Object),
        unit: 'MiB',
        median: expect.any(Number),
        low: expect.any(Number),
        high: expect.any(Number),
        samples: expect.any(Array),
        host: null,
      });
    }
  });

  test('without a compiler there is no host, a line says so, and the exit code is 0', async () => {
    const args = ['bench', 'boot', 'memory', '--compare-host', '--json'];
    const ended = await smplab(args, { env: { CC: 'no-such-compiler' } });
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain('no C compiler found');
    expect(documentOf<{ rows: { host: unknown }[] }>(ended).rows.every(({ host }) => host === null)).toBe(true);
  });

  test('Ctrl-C keeps the rows that are complete, and ends with 130', async () => {
    const running = start(['bench', 'timer', 'ticks', '--json', '-C', '3']);
    await running.says('oversubscribed');
    await new Promise((resolve) => setTimeout(resolve, 500));
    running.kill('SIGINT');
    const ended = await running.ended;
    expect(ended.code).toBe(130);
    expect(documentOf(ended)).toMatchObject({ verb: 'bench', interrupted: true, rows: [] });
    expect(ended.milliseconds).toBeLessThan(8000);
  });
});
