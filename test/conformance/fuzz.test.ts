/**
 * Promises of the differential fuzzer: the same seed makes the same programs, each of them a case that can be read; a sound
 * machine shows no difference; and a kernel that is broken on purpose is found out, by a program of a few steps.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { fuzz } from '../../src/conform/fuzz/run.ts';
import { randomProgram } from '../../src/conform/fuzz/generate.ts';
import { isAlwaysAtRest, isThreaded } from '../../src/conform/fuzz/program.ts';
import { shrunk } from '../../src/conform/fuzz/shrink.ts';
import { HostUnavailable, loadNative } from '../../src/conform/host/native.ts';
import { parseCases } from '../../src/conform/schema.ts';
import { threadsOf } from '../../src/programs/conform/case.ts';
import { brokenBundle } from '../torture/broken-bundle.ts';

/** The CPUs' bundle; undefined: the one that was built. */
const bundle = vi.hoisted(() => ({ path: undefined as string | undefined }));
vi.mock('../../src/machine/worker-file.ts', async (original) => {
  const real = await original<typeof import('../../src/machine/worker-file.ts')>();
  return {
    ...real,
    workerFile: (checks: boolean, name?: string) =>
      name === undefined && bundle.path !== undefined ? bundle.path : real.workerFile(checks, name),
  };
});

describe('random programs', () => {
  test('are the same for the same seed, and others for another', () => {
    const of = (seed: number): string => JSON.stringify(Array.from({ length: 20 }, (_, i) => randomProgram(seed, i)));
    expect(of(5)).toBe(of(5));
    expect(of(5)).not.toBe(of(6));
  });

  test('can be read as cases, and hold every call that they are meant to', () => {
    const programs = Array.from({ length: 600 }, (_, i) => randomProgram(2, i));
    const cases = parseCases(JSON.stringify(programs.map((one) => ({ ...one, expect: [{}] }))), 'random');
    const calls = new Set(
      cases.flatMap((one) =>
        Object.values(threadsOf(one)).flatMap((steps) =>
          steps.map((step) => ('sys' in step ? step.sys : Object.keys(step)[0]!)),
        ),
      ),
    );
    const meant =
      'epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 poll ppoll select pselect6 eventfd2 pipe2 ' +
      'socketpair socket bind listen connect accept4 dup dup2 dup3 fcntl ioctl timerfd_create timerfd_settime ' +
      'timerfd_gettime signalfd4 read write recvfrom sendto close shutdown kill tkill tgkill pause rt_sigsuspend ' +
      'rt_sigtimedwait rt_sigprocmask rt_sigpending start settle blocked handler sleep_ms file';
    for (const name of meant.split(' ')) {
      expect(calls).toContain(name);
    }
    const threaded = programs.filter(isThreaded).length;
    expect(threaded).toBeGreaterThan(200);
    expect(threaded).toBeLessThan(300);
    expect(programs.filter((one) => isThreaded(one) && isAlwaysAtRest(one)).length).toBeGreaterThan(threaded * 0.8);
  });

  test('become small, as long as they differ', async () => {
    const program = Array.from({ length: 50 }, (_, i) => randomProgram(3, i)).find(
      (one) => isThreaded(one) && JSON.stringify(one.main).includes('EPOLLOUT'),
    )!;
    const small = await shrunk(program, async (smaller) => JSON.stringify(smaller.main).includes('EPOLLOUT'));
    expect(small.threads).toEqual({});
    expect(JSON.stringify(small.main)).toContain('"EPOLLOUT"');
    expect(small.main.length).toBeLessThanOrEqual(3);
  });
});

function isMissing(): boolean {
  try {
    loadNative(import.meta.url);
    return false;
  } catch (error) {
    if (error instanceof HostUnavailable) return true;
    throw error;
  }
}

describe.skipIf(isMissing())('against the kernel of the host', { timeout: 120_000 }, () => {
  let directory = '';
  beforeAll(() => {
    // Below the project: a CPU loads programs in TypeScript by way of a package of the project's.
    directory = mkdtempSync(fileURLToPath(new URL('../../node_modules/.smplab-fuzz-', import.meta.url)));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  beforeEach(() => {
    bundle.path = undefined;
  });

  test('the design of Linux shows no difference', async () => {
    const outcome = await fuzz({ programs: 200, seed: 11, boot: { epoll: 'linux', cpus: 2 } });
    expect(outcome.differences).toEqual([]);
    expect(outcome).toMatchObject({ programs: 200, unanswered: 0, declared: 0, problems: [] });
    expect(outcome.threaded).toBeGreaterThan(60);
  });

  test('most calls of its programs succeed, and the rest fail in many ways', async () => {
    const { calls } = await fuzz({ programs: 200, seed: 12, boot: { epoll: 'linux', cpus: 2 } });
    const counts = Object.values(calls);
    const made = counts.reduce((sum, count) => sum + count.made, 0);
    expect(counts.reduce((sum, count) => sum + count.succeeded, 0)).toBeGreaterThan(made * 0.7);
    const errors = new Set(counts.flatMap((count) => Object.keys(count.errors)));
    for (const error of ['EAGAIN', 'EBADF', 'EEXIST', 'EFAULT', 'EINTR', 'EINVAL', 'ENOENT', 'ENOTSOCK', 'EPIPE']) {
      expect(errors).toContain(error);
    }
  });

  test('goes on where it ended: the same programs, whether it began before them or with them', async () => {
    const boot = { epoll: 'linux', cpus: 1 } as const;
    const whole = await fuzz({ programs: 90, seed: 13, boot });
    const parts = [
      await fuzz({ programs: 40, seed: 13, boot }),
      await fuzz({ programs: 50, first: 40, seed: 13, boot }),
    ];
    for (const count of ['programs', 'threaded', 'steps', 'declared', 'unanswered'] as const) {
      expect(parts.reduce((sum, part) => sum + part[count], 0)).toBe(whole[count]);
    }
  });

  test('stops when it is told to, and says how far it came', async () => {
    const stop = new AbortController();
    const { programs, differences } = await fuzz({
      programs: 100_000,
      seed: 14,
      boot: { epoll: 'linux', cpus: 1 },
      signal: stop.signal,
      onProgram: (done) => {
        if (done >= 64) stop.abort();
      },
    });
    expect(differences).toEqual([]);
    expect(programs).toBeGreaterThanOrEqual(64);
    expect(programs).toBeLessThan(1000);
  });

  test.each([
    {
      name: 'what is level-triggered is not listed again',
      file: 'linux/harvest.ts',
      line: 'keepReady(e, i);',
      instead: 'dropReady(e, i);',
    },
    {
      name: 'an eventfd gives one more than it has',
      file: 'file/eventfd.ts',
      line: 'setCountLocked(f, e, (low - 1) | 0,',
      instead: 'setCountLocked(f, e, low,',
    },
    {
      name: 'a closed pipe has no writer, and nobody is told',
      file: 'file/pipe-buffer.ts',
      line: 'Pipe.bytes.set(p, Pipe.bytes.get(p) + chunk);',
      instead:
        'Pipe.bytes.set(p, Pipe.bytes.get(p) + chunk); if (chunk === 5000 % 4096) Pipe.head.set(p, Pipe.tail.get(p));',
    },
  ])('a kernel is found out in which $name', async ({ name, ...breakage }) => {
    bundle.path = await brokenBundle(directory, 'cpu-worker/main.ts', name, breakage);
    const { differences } = await fuzz({
      programs: 1500,
      seed: 4,
      boot: { epoll: 'linux', cpus: 2 },
      differencesMax: 1,
    });
    expect(differences).toHaveLength(1);
    expect(differences[0]!.case.main.length).toBeLessThanOrEqual(8);
  });
});
