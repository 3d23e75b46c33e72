// One CPU of the machine in locks-parallel.test.ts, on a thread of its own: takes a lock again and again, and under it
// does to a counter what two CPUs at once would get wrong.
import { parentPort, workerData } from 'node:worker_threads';
import { startCpu } from '../../src/kernel/boot/format.ts';
import { lock, unlock } from '../../src/kernel/irq/locking.ts';
import { CpuCore } from '../../src/shared-mem/cpu-core.ts';
import type { SpinLockPtr } from '../../src/shared-mem/locks/spin-lock.ts';
import { setWordAt, wordAt } from '../../src/shared-mem/plain.ts';
import { attach, cpu, I32 } from '../../src/shared-mem/self.ts';

const { memory, index, lockAt, counterAt, rounds, cpus } = workerData.hammer as HammerOrder;

export interface HammerOrder {
  readonly memory: SharedArrayBuffer;
  readonly index: number;
  readonly lockAt: SpinLockPtr;
  /** Three words: the count, which CPU is inside plus one, and how many CPUs are ready to begin. */
  readonly counterAt: number;
  readonly rounds: number;
  readonly cpus: number;
}
export interface HammerReport {
  /** Times that another CPU was inside as well. */
  readonly intrusions: number;
  readonly lockSleeps: number;
}

attach(memory);
startCpu(index, 0);
// Threads start at different times; whoever began alone would be done before the others came.
if (Atomics.add(I32, counterAt + 2, 1) + 1 === cpus) Atomics.notify(I32, counterAt + 2);
for (let ready = 0; ready !== cpus; ready = Atomics.load(I32, counterAt + 2))
  Atomics.wait(I32, counterAt + 2, ready, 1);
let intrusions = 0;
for (let round = 0; round < rounds; round++) {
  lock(lockAt);
  if (wordAt(counterAt + 1) !== 0) intrusions++;
  setWordAt(counterAt + 1, index + 1);
  setWordAt(counterAt, wordAt(counterAt) + 1);
  if (wordAt(counterAt + 1) !== index + 1) intrusions++;
  setWordAt(counterAt + 1, 0);
  unlock(lockAt);
}
const report: HammerReport = { intrusions, lockSleeps: CpuCore.lockSleeps.get(cpu) };
parentPort!.postMessage(report);
