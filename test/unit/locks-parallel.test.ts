/**
 * Promises of the locks under true concurrency: mutual exclusion, and that every CPU comes in at last, also where each
 * wait sleeps on the doorbell at once and more CPUs than host cores fight. Torture with rates and fairness is a command
 * of its own.
 */
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import type { HammerOrder, HammerReport } from './lock-hammer.ts';
import { bootOrdinaryMachine, tiny } from './ordinary-machine.ts';
import { CLASS_FILE, LOCK_NAMES } from '../../src/shared-mem/locks/classes.ts';
import { initLock } from '../../src/shared-mem/locks/lock.ts';
import { SpinLock } from '../../src/shared-mem/locks/spin-lock.ts';
import { wordAt } from '../../src/shared-mem/plain.ts';

const ROUNDS = 60_000;
const CPUS = 3;

/** A thread that runs lock-hammer.ts, which is TypeScript, as one CPU. */
function hammer(order: HammerOrder): Promise<HammerReport> {
  const url = new URL('./lock-hammer.ts', import.meta.url).href;
  const code = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(url)}); })`;
  const worker = new Worker(code, { eval: true, workerData: { hammer: order }, execArgv: [] });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error(`CPU ${order.index} ended without a word`)));
  });
}

const kinds = LOCK_NAMES.flatMap((name, kind) => [0, 100].map((lockSpins) => ({ name, kind, lockSpins })));

test.each(kinds)(
  '$name, spinning $lockSpins turns: no CPU is inside with another, and none is left outside',
  async ({ kind, lockSpins }) => {
    const machine = bootOrdinaryMachine({ ...tiny, cpus: CPUS, lockSpins });
    const lockAt = machine.place(SpinLock);
    initLock(lockAt, kind, CLASS_FILE, 0);
    const counterAt = machine.placeWords(3);
    const { memory } = machine;
    const order = { memory, lockAt, counterAt, rounds: ROUNDS, cpus: CPUS };
    const reports = await Promise.all(Array.from({ length: CPUS }, (_, index) => hammer({ ...order, index })));
    expect(reports.map(({ intrusions }) => intrusions)).toEqual([0, 0, 0]);
    expect(wordAt(counterAt)).toBe(CPUS * ROUNDS);
    // Where no wait spins, some slept: else the test did not test the doorbell.
    if (lockSpins === 0) expect(reports.reduce((sum, { lockSleeps }) => sum + lockSleeps, 0)).toBeGreaterThan(0);
  },
);
