/** The promises of the host's side: it compiles once, answers samples, survives refusals, and may be absent. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

import { HostSampler } from '../../src/bench/host.ts';
import { SampleUnavailable } from '../../src/bench/sampler.ts';

const cache = mkdtempSync(join(tmpdir(), 'smplab-test-'));
const environment = { ...process.env, XDG_CACHE_HOME: cache };
/** A host without a compiler keeps the promises of the second part by having no host side at all. */
const host = await HostSampler.start(() => undefined, environment);
const hasCompiler = ['cc', 'gcc', 'clang'].some((name) => spawnSync(name, ['--version']).status === 0);

afterAll(async () => {
  await host?.close();
  rmSync(cache, { recursive: true });
});

function needsHost(): HostSampler {
  if (host === null) throw new Error('the host program was not built');
  return host;
}

describe('without a compiler', () => {
  test('there is no host side, and one line says so', async () => {
    const said: string[] = [];
    const none = await HostSampler.start((line) => said.push(line), { ...environment, CC: '/nonexistent/cc' });
    expect(none).toBeNull();
    expect(said).toEqual(['host not compared: no C compiler found (tried /nonexistent/cc; set CC to name one)']);
  });
});

describe.runIf(hasCompiler)('with a compiler', () => {
  test.each([
    ['getpid', {}],
    ['getppid', {}],
    ['gettid', {}],
    ['eventfd write+read', {}],
    ['pipe write+read', { bytes: 1 }],
    ['pipe write+read', { bytes: 4096 }],
    ['epoll_wait', { fds: 1, ready: 1 }],
    ['poll', { fds: 10, ready: 0 }],
    ['epoll_ctl', { op: 'add' }],
    ['epoll_ctl', { op: 'mod' }],
    ['epoll_ctl', { op: 'del' }],
    ['epoll_ctl', { op: 'add+mod+del' }],
    ['epoll_wait', { fds: 10, ready: 1, edge: true }],
    ['sched_yield', {}],
    ['signal_delivery', {}],
  ])('%s %o takes time in proportion to its operations', async (name, params) => {
    // A busy host can stretch any one sample; the shortest of several is near what the work takes.
    const shortest = async (operations: number): Promise<number> => {
      const samples: number[] = [];
      for (let i = 0; i < 5; i++) samples.push(await needsHost().sample(name, operations, params));
      return Math.min(...samples);
    };
    const one = await shortest(300);
    expect(one).toBeGreaterThan(0);
    expect((await shortest(30_000)) / one).toBeGreaterThan(10);
  });

  test.each(['pipe_pingpong', 'eventfd_pingpong'])('%s sleeps, and is faster when it polls', async (name) => {
    const outcome = await needsHost()
      .sample(name, 200, { spin: false })
      .catch((error: unknown) => error);
    // One CPU has nobody to play with; that is an answer too.
    if (outcome instanceof SampleUnavailable) return;
    expect(outcome).toBeGreaterThan(200 * 100);
    expect(await needsHost().sample(name, 200, { spin: true })).toBeGreaterThan(0);
  });

  test('what cannot be done is refused by name, and the next sample is answered', async () => {
    await expect(needsHost().sample('no such thing', 10, {})).rejects.toThrow(SampleUnavailable);
    await expect(needsHost().sample('pipe write+read', 10, { bytes: 1e6 })).rejects.toThrow('Invalid argument');
    await expect(needsHost().sample('poll', 10, { fds: 10, ready: 11 })).rejects.toThrow(SampleUnavailable);
    expect(await needsHost().sample('getpid', 1000, {})).toBeGreaterThan(0);
  });

  test('more descriptors are watched than one process may open, and none is left behind', async () => {
    const limit = Number(spawnSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).stdout) || 20_000;
    const fds = Math.min(limit, 20_000) + 1000;
    expect(await needsHost().sample('epoll_wait', 10, { fds, ready: 1 })).toBeGreaterThan(0);
    expect(await needsHost().sample('epoll_ctl', 10, { fds, op: 'add' })).toBeGreaterThan(0);
    expect(await needsHost().sample('poll', 10, { fds: fds - 2000, ready: 0 })).toBeGreaterThan(0);
  });

  test('parameters that describe the machine alone are not sent', async () => {
    expect(await needsHost().sample('getpid', 1000, { idleSpinNs: 0, cache: true })).toBeGreaterThan(0);
  });

  test('the program is built once', async () => {
    const built = readdirSync(join(cache, 'smplab'));
    expect(built).toHaveLength(1);
    const again = await HostSampler.start(() => undefined, environment);
    await again?.close();
    expect(readdirSync(join(cache, 'smplab'))).toEqual(built);
  });

  test('a closed program answers no more', async () => {
    const closing = await HostSampler.start(() => undefined, environment);
    await closing?.close();
    await expect(closing?.sample('getpid', 1, {})).rejects.toThrow(SampleUnavailable);
  });
});
