import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { documentOf, programPath, smplab, start } from './smplab.ts';

interface RunDocument {
  readonly wakeups: Readonly<Record<string, number>>;
  readonly cpus: readonly { readonly traps: number }[];
  readonly wall: number;
}

describe('a program that ends', () => {
  test('is told of in one JSON document', async () => {
    const ended = await smplab([
      'run',
      'echo-server',
      '--set',
      'clients=2',
      '--set',
      'messages=20',
      '--json',
      '-C',
      '2',
    ]);
    expect(ended.code).toBe(0);
    const document = documentOf<RunDocument>(ended);
    expect(document).toMatchObject({
      schemaVersion: 1,
      verb: 'run',
      program: 'echo-server',
      ended: 'exit',
      exit: { code: 0, signal: null },
      config: { cpus: 2, epoll: 'kevlar', checks: false },
      options: { clients: 2, messages: 20 },
    });
    const { total, queued, ...classes } = document.wakeups;
    expect(Object.keys(classes).sort()).toEqual(['herd', 'nudge', 'signal', 'spurious', 'timeout', 'useful']);
    expect(Object.values(classes).reduce((a, b) => a + b, 0)).toBe(total);
    expect(queued).toBeGreaterThanOrEqual(0);
    expect(document.cpus).toHaveLength(2);
    // Each of the 40 messages is written and read on both sides.
    expect(document.cpus.reduce((sum, { traps }) => sum + traps, 0)).toBeGreaterThan(160);
    expect(Number.isInteger(document.wall)).toBe(true);
  });

  test('is told of in tables, unless -q; checks are said to be on or off', async () => {
    const loud = await smplab(['run', 'echo-server', '--checks']);
    expect(loud.code).toBe(0);
    expect(loud.stderr).toContain('checks on');
    for (const text of ['useful', 'p99', 'traps', 'ticks taken', 'host: ']) expect(loud.stdout).toContain(text);
    const quiet = await smplab(['run', programPath('exits-seven.js'), '-q']);
    expect(quiet).toMatchObject({ code: 7, stdout: '', stderr: '' });
  });

  test('gives the command its exit code, a signal as 128 and more', async () => {
    expect((await smplab(['run', programPath('exits-seven.js')])).code).toBe(7);
    expect((await smplab(['run', programPath('killed.js')])).code).toBe(128 + 15);
  });

  test('may be TypeScript, gets its options and arguments, and starts where it is told to', async () => {
    const path = programPath('typed.ts');
    const main = await smplab(['run', path, '--set', 'first=4', '--set', 'second=5', '--', 'a', '--b']);
    expect(main.stderr).toContain('sum 9, arguments a --b');
    expect(main.code).toBe(9);
    expect((await smplab(['run', path, '--entry', 'other'])).code).toBe(11);
  });
});

test('TypeScript runs outside any package too', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'smplab-cli-'));
  try {
    const path = join(directory, 'alone.ts');
    writeFileSync(path, 'export function* main(): Generator<number, number> {\n  yield 39;\n  return 4;\n}\n');
    expect(await smplab(['run', path, '-q'])).toMatchObject({ code: 4, stderr: '' });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('what a program logs does not stand in the result', async () => {
  const ended = await smplab(['run', programPath('logs.js'), '--json']);
  expect(ended.stderr).toContain('a line from the guest');
  expect(documentOf(ended)).toMatchObject({ verb: 'run', exit: { code: 0, signal: null } });
});

describe('a program that cannot start', () => {
  test.each([
    { name: 'an entry that it does not have', args: [programPath('typed.ts'), '--entry', 'none'], says: 'main, other' },
    { name: 'no entry at all', args: [programPath('idle-module.js')], says: 'no generator function' },
  ])('$name', async ({ args, says }) => {
    const { code, stderr } = await smplab(['run', ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(says);
  });

  test.each([
    { file: 'broken.mts', source: '// Does not parse.\nexport function* main( {\n', says: /broken\.m?ts:[23]/ },
    { file: 'broken.mjs', source: '// Does not parse.\nexport function* main( {\n', says: /broken\.mjs:[23]/ },
    { file: 'throws.mjs', source: '\nthrow new Error("at once");\n', says: /at once \(.*throws\.mjs:2:7\)/ },
    { file: 'lacks.mjs', source: "import 'smplab/guest';\n", says: /install smplab where the program lies/ },
  ])('because of what stands in it ($file): the line is named', async ({ file, source, says }) => {
    const directory = mkdtempSync(join(tmpdir(), 'smplab-cli-'));
    try {
      writeFileSync(join(directory, file), source);
      const { code, stderr } = await smplab(['run', join(directory, file)]);
      expect(stderr).toMatch(says);
      expect(code).toBe(2);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

describe('a machine that dies', () => {
  test('by a throw: exit 1, the report names the task, what it threw and where', async () => {
    const { code, stderr } = await smplab(['run', programPath('throws.js')]);
    expect(code).toBe(1);
    expect(stderr).toContain('the program of task 2 threw: RangeError: thirteen is out of range');
    expect(stderr).toMatch(/throws\.js:\d+/);
    expect(stderr).toContain('CPU 0');
    expect(stderr).toMatch(/^again: smplab run .*throws\.js/m);
  });

  test('by a deadlock: exit 3 within 10 s, the report says what each task sleeps on', async () => {
    const ended = await smplab(['run', programPath('deadlocks.js'), '--json']);
    expect(ended.code).toBe(3);
    expect(ended.milliseconds).toBeLessThan(10_000);
    expect(ended.stderr).toContain('deadlock');
    expect(ended.stderr).toMatch(/task 1 of process 1 on CPU \d: sleeping in read\(pipe, for ever\)/);
    expect(ended.stderr).toMatch(/task 2 of process 1 on CPU \d: sleeping in epoll_wait\(epoll, for ever\)/);
    expect(documentOf(ended)).toMatchObject({ verb: 'run', ended: 'deadlock', exit: null });
  });
});

describe('a program that does not end', () => {
  test.each(['never-ends.js', 'never-traps.js'])('%s: --timeout ends it with 124 and says who ran', async (name) => {
    const { code, stderr, milliseconds } = await smplab(['run', programPath(name), '--timeout', '0.5', '-q']);
    expect(code).toBe(124);
    expect(milliseconds).toBeLessThan(10_000);
    expect(stderr).toContain('no end after 0.5 s');
    expect(stderr).toMatch(/task 1 of process 1 on CPU \d: (running|sleeping)/);
  });

  test('Ctrl-C stops it with a partial report and 130', async () => {
    const running = start(['run', programPath('never-ends.js'), '--json']);
    await running.says('runs');
    running.kill('SIGINT');
    const ended = await running.ended;
    expect(ended.code).toBe(130);
    expect(documentOf(ended)).toMatchObject({ verb: 'run', ended: 'interrupted', exit: null });
    expect(ended.stderr).toContain('task 1');
  });
});
