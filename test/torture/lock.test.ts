/**
 * Promises of the lock torture: a sound lock passes, with figures that add up; a broken one is found within seconds and
 * named for what it does wrong; and nothing that a lock does can hang it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Breakage, brokenBundle } from './broken-bundle.ts';
import { LOCK_NAMES } from '../../src/shared-mem/locks/classes.ts';
import { type LockTortureOptions, tortureLock } from '../../src/torture/lock.ts';
import { jainIndex } from '../../src/torture/lock-verdict.ts';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'smplab-hammer-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe.each(LOCK_NAMES)('%s', (lock) => {
  test.each([
    { cpus: 1, checks: true },
    { cpus: 2, checks: false },
    { cpus: 4, checks: true, irqOff: true, holdNs: 2000, restNs: 100_000, spinBudget: 20 },
  ])('keeps CPUs apart and lets each of them in: $cpus CPUs, irq-off $irqOff', async (options) => {
    const row = await tortureLock({ lock, seconds: 0.7, ...options });
    expect(row.problems).toEqual([]);
    expect(row).toMatchObject({ lock, failures: 0, oversubscribed: options.cpus > availableParallelism() });
    expect(row.verdict).toContain('SUCCESS');
    expect(row.perCpu).toHaveLength(options.cpus);
    for (const count of row.perCpu) expect(count).toBeGreaterThan(0);
    expect(row.perCpu.reduce((a, b) => a + b)).toBe(row.acquisitions);
    expect(row.maxOverMin).toBe(Math.round((Math.max(...row.perCpu) / Math.min(...row.perCpu)) * 1000) / 1000);
    if (options.cpus > 1) {
      expect(row.handoff.p50).toBeGreaterThan(0);
      expect(row.handoff.p99).toBeGreaterThanOrEqual(row.handoff.p50);
    }
  });
});

test('a CPU that waits sleeps when its spin budget is used up', async () => {
  // More CPUs than cores: on a busy host two might never meet.
  const row = await tortureLock({ lock: 'ticket', cpus: 4, seconds: 1, spinBudget: 0 });
  expect(row).toMatchObject({ failures: 0, spinBudget: 0 });
  expect(row.sleeps).toBeGreaterThan(0);
});

test('who is told to stop reports what it has', async () => {
  const controller = new AbortController();
  const startMs = performance.now();
  setTimeout(() => controller.abort(), 400);
  const row = await tortureLock({ lock: 'ttas', cpus: 2, seconds: 60, signal: controller.signal });
  expect(performance.now() - startMs).toBeLessThan(5000);
  expect(row.failures).toBe(0);
  expect(row.acquisitions).toBeGreaterThan(0);
});

interface Broken extends Breakage {
  readonly name: string;
  readonly says: RegExp;
  readonly options?: Partial<LockTortureOptions>;
}

const broken: readonly Broken[] = [
  {
    name: 'takes the lock with a load and a store',
    file: 'locks/ttas.ts',
    line: 'return SpinLock.word.compareExchange(l, 0, HELD) === 0 ? ACQUIRED : 1;',
    instead: 'if (SpinLock.word.load(l) !== 0) return 1; SpinLock.word.store(l, HELD); return ACQUIRED;',
    // Let go twice, it is nobody's any more: that may come first.
    says: /^(mutual exclusion: |lockup: nobody is inside)/,
    options: { holdNs: 500 },
  },
  {
    name: 'skips a ticket when it leaves',
    file: 'locks/ticket.ts',
    line: 'SpinLock.serving.add(l, 1);',
    instead: 'SpinLock.serving.add(l, 2);',
    says: /^lockup: nobody is inside/,
    options: { lock: 'ticket' },
  },
  {
    name: 'never rings who sleeps for it',
    file: 'locks/lock.ts',
    line: 'if (lockOps[lockKindOf(l)]!.leave(l) !== 0) kickSleeper(l);',
    instead: 'lockOps[lockKindOf(l)]!.leave(l);',
    says: /^(lost wakeup: CPU \d has not come in for 1 s, while others did: asleep and never rung|lockup: nobody is inside)/,
    options: { spinBudget: 1, holdNs: 5000 },
  },
  {
    name: 'sleeps without a look after it announced itself',
    file: 'locks/lock.ts',
    line: 'let now = lockOps[lockKindOf(l)]!.step(l, turn);\n  if (now',
    instead: 'let now = turn;\n  if (now',
    says: /^(lost wakeup: |lockup: nobody is inside)/,
    options: { lock: 'ticket', spinBudget: 0, cpus: 3 },
  },
  {
    name: 'lets interrupts in while it is held',
    file: 'irq/interrupts.ts',
    line: 'if (CpuCore.pending.peek(cpu) !== 0 && CpuCore.irqDepth.get(cpu) === 0) takeInterrupts();',
    instead: 'if (CpuCore.pending.peek(cpu) !== 0) takeInterrupts();',
    says: /^interrupts: CPU \d took \d+ while it held the lock with interrupts off/,
    options: { irqOff: true },
  },
  {
    name: 'panics',
    file: 'locks/ttas.ts',
    line: 'return SpinLock.word.sub(l, HELD) - HELD;',
    instead: "throw new Error('broken on purpose');",
    says: /^panic: CPU \d: broken on purpose/,
  },
  {
    name: 'does not come out of its release',
    file: 'locks/ttas.ts',
    line: 'return SpinLock.word.sub(l, HELD) - HELD;',
    instead: 'for (;;) SpinLock.word.load(l);',
    says: /^lockup: CPU \d has been inside for 1 s/,
  },
];

describe('a lock is found out that', () => {
  test.each(broken)('$name', async ({ name, says, options, ...breakage }) => {
    const bundle = await brokenBundle(directory, 'torture/lock-hammer.ts', name, breakage);
    const startMs = performance.now();
    const row = await tortureLock({ lock: 'ttas', cpus: 2, seconds: 8, stallSeconds: 1, bundle, ...options });
    expect(row.failures).toBeGreaterThan(0);
    expect(row.verdict).toContain('FAILURE');
    expect(row.problems.join('\n')).toMatch(new RegExp(says.source, 'm'));
    expect(performance.now() - startMs).toBeLessThan(12_000);
  });
});

test('the index of fairness is 1 for equal shares, and 1/n if one had all', () => {
  expect(jainIndex([5, 5, 5])).toBeCloseTo(1);
  expect(jainIndex([9, 0, 0])).toBeCloseTo(1 / 3);
});
