/**
 * Promises of the tortures that run as guests: a sound machine passes, with nothing left behind; what a guest finds, what
 * only an outsider can see, and a kernel that is broken on purpose are told; and no run hangs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Breakage, brokenBundle } from './broken-bundle.ts';
import { File } from '../../src/kernel/file/file.ts';
import { planMemory } from '../../src/kernel/boot/plan.ts';
import { checkBootOptions } from '../../src/machine/config.ts';
import { tortureGuests } from '../../src/torture/run.ts';
import { tortureSyscalls, TORTURED_CALLS } from '../../src/torture/syscalls.ts';
import { tortureWaits, WAIT_KINDS } from '../../src/torture/waits.ts';
import { testProgram } from '../test-programs.ts';

/** The CPUs' bundle; undefined: the one that was built. */
const bundle = vi.hoisted(() => ({ path: undefined as string | undefined }));
vi.mock('../../src/machine/worker-file.ts', async (original) => {
  const real = await original<typeof import('../../src/machine/worker-file.ts')>();
  return { ...real, workerFile: (checks: boolean, name?: string) => bundle.path ?? real.workerFile(checks, name) };
});

let directory = '';
beforeAll(() => {
  // Below the project: the bundle imports packages of the project's.
  directory = mkdtempSync(fileURLToPath(new URL('../../node_modules/.smplab-guests-', import.meta.url)));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
beforeEach(() => {
  bundle.path = undefined;
});

describe('a sound machine', () => {
  test.each([
    { cpus: 1, lock: 'ticket' },
    { cpus: 2, lock: 'ttas' },
    { cpus: 4, lock: 'ttas,runqueue=ticket' },
  ])('answers random calls as it must: $cpus CPUs, $lock locks', async ({ cpus, lock }) => {
    const outcome = await tortureSyscalls({ calls: 12_000, boot: { cpus, lock, seed: cpus } });
    expect(outcome.problems).toEqual([]);
    expect(outcome.failures).toBe(0);
    expect(outcome.operations).toBeGreaterThanOrEqual(12_000);
    expect(outcome.succeeded).toBeGreaterThan(outcome.operations / 2);
    expect(outcome.audits).toBeGreaterThan(0);
    expect(outcome.calls.map(({ name }) => name)).toEqual(TORTURED_CALLS);
    const attempts = outcome.calls.reduce((sum, call) => sum + call.attempts, 0);
    expect(attempts).toBe(outcome.operations);
  });

  test.each(WAIT_KINDS.flatMap((kind) => [2, 3].map((cpus) => ({ kind, cpus }))))(
    'passes the torture of $kind with $cpus CPUs',
    async ({ kind, cpus }) => {
      const outcome = await tortureWaits({ kind, seconds: 1.2, boot: { cpus } });
      expect(outcome.problems).toEqual([]);
      expect(outcome).toMatchObject({ failures: 0 });
      expect(outcome.operations).toBeGreaterThan(100);
      expect(outcome.wakeups).toBeGreaterThan(0);
      if (kind === 'timer') expect(outcome.late!.p50).toBeLessThanOrEqual(outcome.late!.max);
    },
  );
});

const PROGRAM = testProgram(new URL('./guests.program.ts', import.meta.url));

function tortureBy(does: string, options: Readonly<Record<string, unknown>> = {}) {
  return tortureGuests({
    program: PROGRAM,
    boot: { cpus: 2 },
    options: { does, ...options },
    processes: 1,
    seconds: 2,
    stallSeconds: 1,
    auditSeconds: 0.3,
  });
}

describe('the runner', () => {
  test('lets a run that is told to stop come to its end', async () => {
    const controller = new AbortController();
    const startMs = performance.now();
    const { problems, board } = await tortureGuests({
      program: PROGRAM,
      boot: { cpus: 1 },
      options: { does: 'works' },
      processes: 1,
      signal: controller.signal,
      progress: (operations) => {
        if (operations > 0) controller.abort();
      },
    });
    expect(problems).toEqual([]);
    expect(board.operations).toBeGreaterThan(0);
    expect(performance.now() - startMs).toBeLessThan(20_000);
  });

  test("tells what a guest has found, with every worker's last calls", async () => {
    const { problems } = await tortureBy('fails');
    expect(problems[0]).toBe('worker 0: read: returned what it cannot');
    expect(problems[1]).toContain('read(fd=3, buf=4, count=5) = -EBADF');
  });

  test('tells a process that ends badly', async () => {
    expect((await tortureBy('endsBadly')).problems.join()).toMatch(/process \d+ ended with 3/);
  });

  test('ends a run in which somebody stands still, and says where', async () => {
    const { problems } = await tortureBy('standsStill');
    expect(problems[0]).toMatch(/^standstill: worker 1 has done nothing for 1 s/);
    expect(problems[0]).toContain('sleeping in pause');
  });

  test('tells a machine that died, with its report', async () => {
    const { problems } = await tortureBy('deadlocks');
    expect(problems.join()).toContain('deadlock');
    expect(problems.join()).toContain('sleeping in pause');
  });

  test('finds damaged memory while the guests still work', async () => {
    const plan = planMemory(checkBootOptions({ cpus: 2 }).config);
    // The first file of a machine is descriptor 0 of its first process.
    const fileRefs = plan.regions.get('slab files')!.base + File.refs.off;
    const { problems } = await tortureBy('damages', { fileRefs });
    expect(problems.join('\n')).toMatch(/audit on the way: file \d+ \(device\): counts \d references, and has \d/);
  });
});

interface Broken extends Breakage {
  readonly name: string;
  readonly torture: 'syscalls' | 'waitqueue' | 'epoll' | 'timer';
  readonly says: RegExp;
}

const broken: readonly Broken[] = [
  {
    name: 'a wake that finds its task running is forgotten',
    torture: 'waitqueue',
    file: 'task/wake.ts',
    line: 'if (Task.state.compareExchange(t, TASK_RUNNING, TASK_WOKEN) !== TASK_RUNNING) continue;',
    instead: '',
    says: /deadlock|standstill/,
  },
  {
    name: 'an eventfd gives one more than it has',
    torture: 'waitqueue',
    file: 'file/eventfd.ts',
    line: 'setCountLocked(f, e, (low - 1) | 0,',
    instead: 'setCountLocked(f, e, low > 50 ? low : (low - 1) | 0,',
    says: /channel of kind 0: (token \d+ was taken, and \d+ were posted|\d+ tokens were posted, and \d+ taken)/,
  },
  {
    name: 'an interest that fires once stays armed',
    torture: 'epoll',
    file: 'kevlar/collect.ts',
    line: 'if ((events & EPOLLONESHOT) !== 0) KevlarInterest.events.set(i, 0);',
    instead: '',
    says: /was armed \d+ times, and delivered \d+ times|fires once, and fired again/,
  },
  {
    name: 'an event bears the data of before it was modified',
    torture: 'epoll',
    file: 'kevlar/interest-list.ts',
    line: 'KevlarInterest.events.set(i, eventMask(event));',
    instead: 'KevlarInterest.events.set(i, eventMask(event) | 4);',
    says: /an event has bits/,
  },
  {
    name: 'deadlines expire early',
    torture: 'timer',
    file: 'wait/sleep.ts',
    line: 'clockNow() >= deadlineNs) {',
    instead: 'clockNow() + 1e6 >= deadlineNs) {',
    says: /ended \d+ ns early/,
  },
  {
    name: 'a timerfd counts a period twice',
    torture: 'timer',
    file: 'file/timerfd.ts',
    line: 'const periods = Math.floor(Math.max(0, nowNs - expiryNs) / intervalNs) + 1;',
    instead: 'const periods = Math.floor(Math.max(0, nowNs - expiryNs) / intervalNs) + 2;',
    says: /a timer of \d+ ns, of at (most|least) \d+ periods, answered \d+/,
  },
  {
    name: 'clock_gettime writes a word too many',
    torture: 'syscalls',
    file: 'process/user-memory.ts',
    line: 'writeUser64(address + 8, Math.floor(ns - seconds * 1e9));',
    instead: 'writeUser64(address + 8, Math.floor(ns - seconds * 1e9)); writeUser32(address + 16, 0);',
    says: /the kernel wrote behind \d+, which has \d+ bytes/,
  },
  {
    name: 'close forgets the file',
    torture: 'syscalls',
    file: 'syscall/create-files.ts',
    line: 'if (f === 0) return -EBADF;\n  releaseFile(f);',
    instead: 'if (f === 0) return -EBADF;',
    says: /audit (on the way|at the end): file \d+ \(\w+\): counts \d+ references, and has \d+|leak: \d+ of files/,
  },
  {
    name: 'lseek answers an error of another call',
    torture: 'syscalls',
    file: 'file/memfd.ts',
    line: 'if (offset < 0 || offset >= size) return -ENXIO;',
    instead: 'if (offset < 0 || offset >= size) return -98;',
    says: /lseek: returned -EADDRINUSE, which it cannot on Linux/,
  },
  {
    name: 'a pipe miscounts its bytes',
    torture: 'syscalls',
    file: 'file/pipe-buffer.ts',
    line: 'Pipe.bytes.set(p, Pipe.bytes.get(p) + chunk);',
    instead: 'Pipe.bytes.set(p, Pipe.bytes.get(p) + chunk - (chunk & 1));',
    says: /audit (on the way|at the end): pipe \d+: says -?\d+ bytes, and its slots hold \d+/,
  },
];

describe('a kernel is found out in which', () => {
  test.each(broken)('$name', async ({ name, torture, says, ...breakage }) => {
    bundle.path = await brokenBundle(directory, 'cpu-worker/main.ts', name, breakage);
    const boot = { cpus: 2 };
    const { failures, problems } =
      torture === 'syscalls'
        ? await tortureSyscalls({ calls: 60_000, boot, stallSeconds: 12, auditSeconds: 0.2 })
        : await tortureWaits({ kind: torture, seconds: 8, boot, stallSeconds: 12 });
    expect(problems.join('\n')).toMatch(says);
    expect(failures).toBeGreaterThan(0);
  });
});
