import { describe, expect, test } from 'vitest';
import { documentOf, smplab } from './smplab.ts';

interface Named {
  readonly name: string;
  readonly about: string;
}

interface Listing {
  readonly designs: readonly string[];
  readonly locks: readonly string[];
  readonly syscalls: readonly {
    readonly name: string;
    readonly x86_64: number | null;
    readonly arm64: number | null;
  }[];
  readonly programs: readonly Named[];
  readonly benchmarks: readonly Named[];
  readonly scenarios: readonly Named[];
  readonly bugs: readonly Named[];
}

describe('list', () => {
  test('has the shape that scripts rely on', async () => {
    const ended = await smplab(['list', '--json']);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const listing = documentOf<Listing>(ended);
    expect(listing).toMatchObject({ schemaVersion: 1, verb: 'list' });
    expect(listing.designs).toContain('kevlar');
    expect(listing.locks).toEqual(expect.arrayContaining(['ttas', 'ticket']));
    const call = (name: string) => listing.syscalls.find((each) => each.name === name);
    // The numbers are Linux's, from its own tables.
    expect(call('read')).toEqual({ name: 'read', x86_64: 0, arm64: 63 });
    expect(call('epoll_pwait')).toEqual({ name: 'epoll_pwait', x86_64: 281, arm64: 22 });
    expect(call('epoll_wait')).toEqual({ name: 'epoll_wait', x86_64: 232, arm64: null });
    expect(listing.syscalls.some(({ name }) => name.startsWith('smplab_'))).toBe(false);
    for (const kind of ['programs', 'benchmarks', 'scenarios', 'bugs'] as const) {
      for (const each of listing[kind]) expect(each).toEqual({ name: expect.any(String), about: expect.any(String) });
    }
    expect(listing.programs.find(({ name }) => name === 'echo-server')?.about).toMatch(/^An echo server on epoll.*\.$/);
    expect(listing.benchmarks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['syscall basic', 'epoll repoll']),
    );
  });

  test('every program that it names runs', { timeout: 120_000 }, async () => {
    const { programs } = documentOf<Listing>(await smplab(['list', '--json']));
    const small = ['--set', 'messages=10', '--set', 'writes=10', '--set', 'wakes=100'];
    for (const { name } of programs.filter(({ name }) => name !== 'wake-storm')) {
      expect(await smplab(['run', name, ...small, '-q', '--timeout', '20'])).toMatchObject({ code: 0 });
    }
  });
});

interface Findings {
  readonly supported: boolean;
  readonly findings: readonly { readonly name: string; readonly status: string; readonly advice?: string }[];
}

describe('doctor', () => {
  test('finds that this environment runs it, and boots a machine to know', async () => {
    const ended = await smplab(['doctor', '--json']);
    expect(ended.code).toBe(0);
    const { supported, findings } = documentOf<Findings>(ended);
    expect(supported).toBe(true);
    const names = findings.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['Node.js', 'cores', 'clock', 'build', 'C compiler', 'machine of 2 CPUs']),
    );
    for (const { status, advice } of findings) if (status !== 'ok') expect(advice).toBeTruthy();
  });

  test('says a line each, and 4 where something is missing', async () => {
    const without = 'data:text/javascript,delete%20Atomics.waitAsync';
    const { code, stdout } = await smplab(['doctor'], { env: { NODE_OPTIONS: `--import ${without}` } });
    expect(stdout).toMatch(/^fail {2}Atomics\.waitAsync/m);
    expect(stdout).toMatch(/^ok {4}shared memory/m);
    expect(stdout).toContain('does not run here');
    expect(code).toBe(4);
  });
});
