import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documentOf, smplab, start } from './smplab.ts';

const bundled = fileURLToPath(new URL('../../data/traces/redis.strace.gz', import.meta.url));

interface Replay {
  readonly calls: number;
  readonly compared: number;
  readonly imposed: Readonly<Record<string, number>>;
  readonly unsupported: Readonly<Record<string, number>>;
  readonly designs: readonly {
    readonly epoll: string;
    readonly compared: number;
    readonly mismatches: number;
    readonly wakeups: Readonly<Record<string, number>>;
    readonly wall: number;
  }[];
}

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0);

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'smplab-cli-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function written(name: string, content: string | Buffer): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

describe('replay', () => {
  test('has the shape that scripts rely on; every call is accounted for', async () => {
    const ended = await smplab(['replay', bundled, '--epoll', 'kevlar', '--cpus', '2', '--json']);
    const document = documentOf<Replay>(ended);
    // That there are none is a promise of the replay, with tests of its own; the exit code says what was found.
    const mismatches = document.designs.reduce((total, design) => total + design.mismatches, 0);
    expect(ended.code).toBe(mismatches === 0 ? 0 : 1);
    expect(document).toMatchObject({ schemaVersion: 1, verb: 'replay', program: 'redis', config: { cpus: 2 } });
    expect(document.compared + sum(document.imposed) + sum(document.unsupported)).toBe(document.calls);
    const [design] = document.designs;
    expect(design).toMatchObject({
      epoll: 'kevlar',
      mismatches: expect.any(Number),
      declared: expect.any(Number),
      epollWaits: expect.any(Number),
      eventsDelivered: expect.any(Number),
      repolls: expect.any(Number),
      repollsPerEvent: expect.any(Number),
      latency: { p50: expect.any(Number), p99: expect.any(Number), max: expect.any(Number) },
    });
    const { total, queued: _, ...classes } = design!.wakeups;
    expect(sum(classes)).toBe(total);
    expect(Number.isInteger(design!.wall)).toBe(true);
  });

  test('an answer that differs is a mismatch: exit 1, its line and both results are named', async () => {
    const lines = gunzipSync(readFileSync(bundled)).toString('latin1').split('\n');
    const at = lines.findIndex((line) => /epoll_ctl\(\d+, EPOLL_CTL_ADD, .*\) = 0/.test(line));
    lines[at] = lines[at]!.replace('= 0', '= -1 EEXIST (File exists)');
    const ended = await smplab(['replay', written('wrong.strace', lines.join('\n'))]);
    expect(ended.stdout).toContain(`line ${at + 1}, `);
    expect(ended.stdout).toMatch(/recorded -EEXIST\n +got +0/);
    expect(ended.stderr).toContain('again: smplab replay');
    expect(ended.code).toBe(1);
  });

  test('a line that is not understood is named and skipped; --strict makes it an error', async () => {
    const path = written(
      'odd.strace',
      [
        '1 1700000000.000000 eventfd2(0, EFD_NONBLOCK) = 3 <0.000010>',
        'this is no system call',
        '1 1700000000.000200 read(3, 0x7ffe0000, 8) = -1 EAGAIN (Resource temporarily unavailable) <0.000010>',
        '1 1700000000.000300 close(3) = 0 <0.000010>',
        '',
      ].join('\n'),
    );
    const lenient = await smplab(['replay', path]);
    expect(lenient.stderr).toContain('line 2 skipped');
    expect(lenient.code).toBe(0);
    const strict = await smplab(['replay', path, '--strict']);
    expect(strict.stderr).toMatch(/odd\.strace: line 2: /);
    expect(strict).toMatchObject({ code: 2, stdout: '' });
  });

  test.each([
    { name: 'words.strace', content: 'hello\nworld\n', says: /words\.strace: no system call .*line 1/ },
    { name: 'empty.strace', content: '', says: /empty\.strace: no system call .*it is empty/ },
    {
      name: 'mostly-words.strace',
      content: `close(3) = 0\nhello\nworld\u0007\n`,
      says: /mostly-words\.strace: 2 of its 3 lines are no strace output, the first is line 2: .*record anew with strace/,
    },
    {
      name: 'summary.strace',
      content: '% time     seconds  usecs/call     calls    errors syscall\n',
      says: /summary\.strace: no system call .*only messages and summaries/,
    },
    {
      name: 'torn.strace.gz',
      content: Buffer.from('\u001f\u008bnothing', 'latin1'),
      says: /torn\.strace\.gz: the gzip/,
    },
  ])('$name is no trace: one line says so', async ({ name, content, says }) => {
    const { code, stdout, stderr } = await smplab(['replay', written(name, content)]);
    expect(stderr).toMatch(says);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  test.each([
    [['replay', 'not-there.strace']],
    [['replay', tmpdir()]],
    [['replay', bundled, '--epoll', 'kevlar,linx']],
  ])('%j is wrong usage', async (args) => {
    const { code, stderr } = await smplab(args);
    expect(stderr).toMatch(/no such file|a directory|did you mean linux/);
    expect(code).toBe(2);
  });

  test('Ctrl-C ends it with 130', async () => {
    // Told once before the replay begins; then a second of waiting in real time.
    const slow = [
      '1 1700000000.000000 epoll_create1(EPOLL_CLOEXEC) = 3 <0.000010>',
      '1 1700000000.000100 eventfd2(0, EFD_NONBLOCK) = 4 <0.000010>',
      '1 1700000000.000200 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0 <0.000010>',
      '1 1700000000.000300 epoll_wait(3, [], 8, 20000) = 0 <20.000100>',
      '1 1700000020.001000 close(4) = 0 <0.000010>',
      'no call',
    ];
    const running = start(['replay', written('slow.strace.gz', gzipSync(`${slow.join('\n')}\n`)), '--speed', '1']);
    await running.says('line 6 skipped');
    await new Promise((resolve) => setTimeout(resolve, 700));
    running.kill('SIGINT');
    const ended = await running.ended;
    expect(ended.stderr).toContain('interrupted');
    expect(ended.code).toBe(130);
    expect(ended.milliseconds).toBeLessThan(10_000);
  });
});

describe('start', () => {
  test('without a verb the bundled trace is replayed on every design, and a line says what to try next', async () => {
    const ended = await smplab([]);
    expect(ended.code).toBe(0);
    expect(ended.milliseconds).toBeLessThan(20_000);
    for (const text of ['redis', 'kevlar', 'linux', 'mismatches', 'useful', 'host: '])
      expect(ended.stdout).toContain(text);
    expect(ended.stderr).toMatch(/^Next: /m);
  });
});
