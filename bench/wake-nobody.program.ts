/**
 * The price of a wake that finds nobody, without a trap around it: the kernel's own `wakeQueue` in a loop, on the queue
 * on which every waiter of a Kevlar machine stands, called on a CPU of that machine while nobody stands there.
 *
 * This is not a guest but, as it were, a module loaded into the kernel, and the only one in this directory: no system
 * call does nothing but wake. It brings a copy of the kernel's code and becomes the CPU that it runs on; since the kernel
 * keeps no state outside its memory, copy and original are one kernel.
 */

import { type BenchArguments, BenchBoard } from '../src/bench/board.ts';
import { cpuRecord } from '../src/kernel/cpu/cpu.ts';
import { MACHINE, Machine } from '../src/kernel/machine-record.ts';
import { REASON_SOURCE } from '../src/kernel/task/task.ts';
import { WAKE_ALL, wakeQueue } from '../src/kernel/wait/wait-queue.ts';
import { type Guest, trap } from '../src/programs/libc/index.ts';
import { attach, becomeCpu } from '../src/shared-mem/self.ts';

function wakeRepeatedly(iterations: number): number {
  const queue = Machine.globalQueue.at(MACHINE);
  let woken = 0;
  for (let i = 0; i < iterations; i++) woken += wakeQueue(queue, 0, WAKE_ALL, REASON_SOURCE, 0);
  return woken;
}

// biome-ignore lint/correctness/useYield: a program is a generator; this one makes no system call
export function* main(_argument: number, argv: BenchArguments): Guest {
  const board = new BenchBoard(argv.board);
  const { iterations } = board.read();
  attach(trap.memory as SharedArrayBuffer);
  becomeCpu(cpuRecord(trap.cpu));
  const startNs = performance.now() * 1e6;
  const woken = wakeRepeatedly(iterations);
  const totalNs = performance.now() * 1e6 - startNs;
  if (woken === 0) board.finish(totalNs);
  else board.fail(woken);
  return woken === 0 ? 0 : 1;
}
