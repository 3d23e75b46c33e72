/**
 * Promises of the engine that is this host's kernel: it answers the bundled cases as they were recorded, a wrong answer
 * is found, a case that kills or wedges its process harms no other, and what is recorded is what it answers.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundledCaseFiles } from '../../src/conform/bundled.ts';
import { HostUnavailable, loadNative } from '../../src/conform/host/native.ts';
import { recordFile } from '../../src/conform/host/record.ts';
import { HostRunner } from '../../src/conform/host/runner.ts';
import { runConform } from '../../src/conform/run.ts';
import { readCaseFile } from '../../src/conform/schema.ts';
import type { ConformCase, Step } from '../../src/programs/conform/case.ts';

function missing(): string | undefined {
  try {
    loadNative(import.meta.url);
    return undefined;
  } catch (error) {
    if (error instanceof HostUnavailable) return error.message;
    throw error;
  }
}
const reason = missing();

function oneOf(name: string, main: readonly unknown[], threads: Record<string, readonly unknown[]> = {}): ConformCase {
  return { name, about: '', main: main as Step[], threads: threads as Record<string, Step[]>, expect: [] };
}

describe.runIf(reason === undefined)(`the host's kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  let directory = '';
  let runner: HostRunner;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'smplab-host-'));
    runner = new HostRunner(3000);
  });
  afterAll(async () => {
    await runner.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test.runIf(release().startsWith('6.18.'))(
    'answers every bundled case as it was recorded',
    { timeout: 180_000 },
    async () => {
      const summary = await runConform({ engine: 'host' });
      expect(summary.failures).toEqual([]);
      expect(summary).toMatchObject({ engine: 'host', declared: 0, notCompared: 0 });
      expect(summary.passed + summary.unseen).toBe(summary.cases);
      expect(summary.unseen).toBeLessThanOrEqual(summary.cases * 0.02);
      expect(summary.files).toHaveLength(bundledCaseFiles().length);
    },
  );

  test('reads and writes every kind of argument', async () => {
    const files = [fileURLToPath(new URL('../fixtures/argument-kinds.json', import.meta.url))];
    expect((await runConform({ engine: 'host', files })).failures).toEqual([]);
  });

  test('finds a wrong answer', async () => {
    const file = join(directory, 'wrong.json');
    const main = [
      { sys: 'eventfd2', args: [3, 0], as: 'e' },
      { sys: 'read', args: ['$e', { out_u64: 8 }, 8] },
    ];
    const expect_ = [{ main: [{ ret: 'fd' }, { ret: 8, out: '4' }] }];
    writeFileSync(file, JSON.stringify([{ name: 'wrong', about: '', main, threads: {}, expect: expect_ }]));
    const { failures } = await runConform({ engine: 'host', files: [file] });
    expect(failures).toMatchObject([{ case: 'wrong', thread: 'main', step: 1, got: { ret: 8, out: '3' } }]);
  });

  test('begins a case with the lowest descriptor free, and no signal blocked or pending', async () => {
    const main = [
      { sys: 'dup', args: [0] },
      { sys: 'rt_sigprocmask', args: ['SIG_BLOCK', { sigset: ['SIGUSR1'] }, { out_sigset: 1 }, 8] },
      { sys: 'kill', args: ['PID', 'SIGUSR1'] },
      { sys: 'rt_sigpending', args: [{ out_sigset: 1 }, 8] },
    ];
    for (let i = 0; i < 3; i++) {
      expect(await runner.run(oneOf('fresh', main))).toMatchObject({
        outcome: { main: [{ ret: 3 }, { ret: 0, out: [] }, { ret: 0 }, { ret: 0, out: ['SIGUSR1'] }] },
      });
    }
  });

  test('begins a case with its memory zeroed', async () => {
    const full = [
      { sys: 'pipe2', args: [{ out_pair: ['r', 'w'] }, 0] },
      { sys: 'write', args: ['$w', { fill: 4000 }, 4000] },
    ];
    for (let i = 0; i < 2; i++) {
      await runner.run(oneOf('fills its memory', full));
      // A name that does not end is too long for a file.
      const file = [
        { sys: 'read', args: [-1, { scratch: 1000 }, 1000] },
        { file: 1, as: 'f' },
      ];
      expect(await runner.run(oneOf('file', file))).toMatchObject({ outcome: { main: { 1: { ret: 'fd' } } } });
    }
  });

  test('tells a case that its own signal ends, and runs the next one', async () => {
    const killed = await runner.run(oneOf('killed', [{ sys: 'kill', args: ['PID', 'SIGTERM'] }]));
    expect(killed).toMatchObject({ broken: expect.stringContaining('SIGTERM') });
    expect(await runner.run(oneOf('next', [{ sys: 'dup', args: [0] }]))).toMatchObject({
      outcome: { main: [{ ret: 3 }] },
    });
  });

  test('gives the next case back what one took: descriptors, and how many there may be', async () => {
    const limited = (limit: readonly number[]): readonly unknown[] => [
      { sys: 'prlimit64', args: [0, 'RLIMIT_NOFILE', { rlimit: limit }, null] },
      { sys: 'dup', args: [0] },
      { sys: 'dup', args: [0] },
    ];
    // A hard limit cannot be raised again by everybody; then it is the process that is replaced.
    for (const hard of [64, 4]) {
      expect(await runner.run(oneOf('limited', limited([4, hard])))).toMatchObject({
        outcome: { main: [{ ret: 0 }, { ret: 3 }, { ret: '-EMFILE' }] },
      });
    }
    expect(await runner.run(oneOf('next', [{ sys: 'dup2', args: [0, 60] }]))).toMatchObject({
      outcome: { main: [{ ret: 60 }] },
    });
  });

  test('tells a main thread that never ends, and runs the next one', async () => {
    const wait = { sys: 'epoll_wait', args: ['$p', { out_events: 1 }, 1, -1] };
    const stuck = await runner.run(oneOf('stuck', [{ sys: 'epoll_create1', args: [0], as: 'p' }, wait]));
    expect(stuck).toMatchObject({ broken: expect.stringContaining('main had not ended after 3000 ms') });
    expect(await runner.run(oneOf('next', [{ sys: 'dup', args: [0] }]))).toMatchObject({
      outcome: { main: [{ ret: 3 }] },
    });
  });

  test('shows a thread that blocks, lets threads share descriptors, and takes it back afterwards', async () => {
    const main = [
      { sys: 'eventfd2', args: [0, 0], as: 'e' },
      { start: 'reader' },
      { start: 'sleeper' },
      { settle: true },
      { blocked: 'reader' },
      { sys: 'write', args: ['$e', { u64: '7' }, 8] },
      { join: 'reader' },
    ];
    const threads = {
      reader: [{ sys: 'read', args: ['$e', { out_u64: 8 }, 8] }],
      sleeper: [
        { sys: 'epoll_create1', args: [0], as: 'p' },
        { sys: 'epoll_wait', args: ['$p', { out_events: 1 }, 1, -1] },
      ],
    };
    for (let i = 0; i < 20; i++) {
      expect(await runner.run(oneOf('threads', main, threads))).toMatchObject({
        outcome: {
          main: { 4: { blocked: true }, 6: { joined: true } },
          reader: [{ ret: 8, out: '7' }],
          sleeper: { 1: 'blocked' },
        },
      });
    }
  });

  test('is recorded: what a case answers stands in the file, and the rest of the file as it was', async () => {
    const file = join(directory, 'record.json');
    const main = [
      { sys: 'eventfd2', args: [3, 0], as: 'e' },
      { sys: 'read', args: ['$e', { out_u64: 8 }, 8] },
    ];
    writeFileSync(file, JSON.stringify([{ name: 'new', about: 'why', main, threads: {}, expect: [] }]));
    expect(await recordFile(file, runner)).toEqual([{ case: 'new', outcomes: 1, added: 1 }]);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual([
      { name: 'new', about: 'why', main, threads: {}, expect: [{ main: [{ ret: 'fd' }, { ret: 8, out: '3' }] }] },
    ]);
    expect(await recordFile(file, runner, { add: true })).toEqual([{ case: 'new', outcomes: 1, added: 0 }]);
    expect(readCaseFile(file)).toHaveLength(1);
  });
});
