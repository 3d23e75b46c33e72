// Conformance on a machine with Kevlar's design: the bundled cases, what a case may rely on when it begins, and what
// becomes of a case that does not end.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConformCase } from '../../src/programs/conform/case.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseCases } from '../../src/conform/schema.ts';
import { CaseRunner, runConform } from '../../src/conform/run.ts';
import type { ConformSummary } from '../../src/conform/summary.ts';
import { verdictOf } from '../../src/conform/verdict.ts';

describe('the bundled cases', () => {
  let summary: ConformSummary;
  beforeAll(async () => {
    summary = await runConform({ boot: { cpus: 2 } });
  }, 120_000);

  const file = (name: string) => summary.files.find((each) => each.file.startsWith(`${name}.json`))!;

  test('none of them fails', () => {
    expect(summary.failures).toEqual([]);
    expect(summary.failed).toBe(0);
    expect(summary.cases).toBe(summary.passed + summary.declared + summary.unseen + summary.failed);
  });

  test.each(['eventfd', 'timerfd', 'signalfd', 'pipe'])('%s passes outright', (name) => {
    expect(file(name)).toMatchObject({ passed: file(name).cases, declared: 0, unseen: 0, failed: 0 });
  });

  test('every declared divergence is shown', () => {
    expect(summary.notShown).toEqual([]);
  });
});

describe('a wrong expectation', () => {
  // What the model of a design foretells must not excuse an expectation that no kernel has.
  test.each(['eventfd', 'timerfd', 'signalfd', 'pipe'])('in %s fails, and is no divergence', async (name) => {
    const directory = mkdtempSync(join(tmpdir(), 'smplab-conform-'));
    const bundled = new URL(`../../data/conformance/${name}.json`, import.meta.url);
    const raised = readFileSync(bundled, 'utf8').replace(
      /"ret": (\d+)(?=[,}])/g,
      (_, ret) => `"ret": ${Number(ret) + 1}`,
    );
    const path = join(directory, `${name}.json`);
    writeFileSync(path, raised);
    const { declared, failed } = await runConform({ files: [path], boot: { cpus: 2 } });
    rmSync(directory, { recursive: true });
    expect(declared).toBe(0);
    expect(failed).toBeGreaterThan(5);
  });
});

describe('a case', () => {
  const runner = new CaseRunner({ cpus: 2 }, 1000);
  afterAll(() => runner.close());

  const caseOf = (main: readonly unknown[], expected: readonly unknown[], threads = {}, theirs = {}): ConformCase =>
    parseCases(
      JSON.stringify({ name: 'inline', main, threads, expect: [{ main: expected, ...theirs }] }),
      'inline',
    )[0]!;

  test('begins with descriptor 3 free, no signal blocked or pending, and SIGPIPE ignored', async () => {
    const one = caseOf(
      [
        { sys: 'eventfd2', args: [0, 0] },
        { sys: 'rt_sigpending', args: [{ out_sigset: 1 }, 8] },
        { sys: 'rt_sigprocmask', args: ['SIG_BLOCK', null, { out_sigset: 1 }, 8] },
        { sys: 'pipe2', args: [{ out_pair: ['r', 'w'] }, 0] },
        { sys: 'close', args: ['$r'] },
        { sys: 'write', args: ['$w', { fill: 1 }, 1] },
      ],
      [{ ret: 3 }, { ret: 0, out: [] }, { ret: 0, out: [] }, { ret: 0 }, { ret: 0 }, { ret: '-EPIPE' }],
    );
    expect(verdictOf(one, await runner.run(one), []).kind).toBe('passed');
  });

  test('leaves nothing behind for the next one', async () => {
    const one = caseOf([{ sys: 'eventfd2', args: [1, 0] }], [{ ret: 3 }]);
    for (let round = 0; round < 20; round++) {
      expect(verdictOf(one, await runner.run(one), []).kind).toBe('passed');
    }
  });

  test('may move whole pages, and sees the bytes that were written', async () => {
    const one = caseOf(
      [
        { sys: 'pipe2', args: [{ out_pair: ['r', 'w'] }, 'O_NONBLOCK'] },
        { sys: 'write', args: ['$w', { bytes: '00ff7f' }, 3] },
        { sys: 'read', args: ['$r', { out: 8 }, 8] },
        { sys: 'write', args: ['$w', { fill: 70000 }, 70000] },
      ],
      [{ ret: 0 }, { ret: 3 }, { ret: 3, out: '00ff7f' }, { ret: 65536 }],
    );
    expect(verdictOf(one, await runner.run(one), []).kind).toBe('passed');
  });

  test('has words of memory that its threads share, and steps find as others left them', async () => {
    const wait = { sys: 'futex', args: [{ word: { name: 'w' } }, 'FUTEX_WAIT', 0, null] };
    const one = caseOf(
      [
        { start: 't' },
        { settle: true },
        { sys: 'futex', args: [{ word: { name: 'w', set: 5 } }, 'FUTEX_WAKE', 9] },
        { join: 't' },
        wait,
        { sys: 'futex', args: [{ word: { name: 'other' } }, 'FUTEX_WAIT', 5, null] },
      ],
      [{}, {}, { ret: 1 }, { joined: true }, { ret: '-EAGAIN' }, { ret: '-EAGAIN' }],
      { t: [wait] },
      { t: [{ ret: 0 }] },
    );
    expect(verdictOf(one, await runner.run(one), []).kind).toBe('passed');
  });

  test('with a wrong expectation fails, with what was answered', async () => {
    const one = caseOf(
      [
        { sys: 'epoll_create1', args: [0], as: 'p' },
        { sys: 'close', args: ['$p'] },
      ],
      [{ ret: 'fd' }, { ret: '-EBADF' }],
    );
    const verdict = verdictOf(one, await runner.run(one), []);
    expect(verdict).toMatchObject({ kind: 'failed', failure: { thread: 'main', step: 1, got: { ret: 0 } } });
  });

  test('that calls what the machine does not know is answered ENOSYS', async () => {
    const one = caseOf([{ sys: 'fanotify_mark', args: [] }], [{ ret: '-ENOSYS' }]);
    expect(verdictOf(one, await runner.run(one), []).kind).toBe('passed');
  });

  test('in which nothing can happen any more fails with what each CPU was doing, and hangs nothing', async () => {
    const one = caseOf(
      [
        { sys: 'eventfd2', args: [0, 0], as: 'e' },
        { sys: 'read', args: ['$e', { scratch: 8 }, 8] },
      ],
      [{ ret: 'fd' }, { ret: 8 }],
    );
    const verdict = verdictOf(one, await runner.run(one), []);
    expect(verdict.kind).toBe('failed');
    expect(verdict.failure?.why).toMatch(/deadlock.*CPU 0: .*CPU 1: .*sleeping in read\(eventfd/s);
  });

  test('that does not end in time fails the same way', async () => {
    const one = caseOf([{ sleep_ms: 30_000 }], [{}]);
    const startedMs = performance.now();
    const verdict = verdictOf(one, await runner.run(one), []);
    expect(performance.now() - startedMs).toBeLessThan(15_000);
    expect(verdict.failure?.why).toMatch(/had not ended after 1000 ms.*CPU 0: .*nanosleep/s);
    const next = caseOf([{ sys: 'eventfd2', args: [1, 0] }], [{ ret: 3 }]);
    expect(verdictOf(next, await runner.run(next), []).kind).toBe('passed');
  });
});
