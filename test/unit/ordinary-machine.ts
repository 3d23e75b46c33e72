/**
 * A machine's memory, laid out in this process, and its CPUs as roles that this one thread plays in turn. Checks are
 * on here, as everywhere outside a CPU's worker.
 *
 * Nothing runs: no trap loop, no interrupt that comes by itself. What a test needs beyond the kernel's own records it
 * places in the scratch words, which are the user memory that no process was given.
 */
import { formatMemory, startCpu } from '../../src/kernel/boot/format.ts';
import type { BootConfig, MemoryPlan } from '../../src/kernel/boot/plan.ts';
import { defaultBootConfig, planMemory } from '../../src/kernel/boot/plan.ts';
import { Cpu, cpuRecord } from '../../src/kernel/cpu/cpu.ts';
import { MACHINE, Machine } from '../../src/kernel/machine-record.ts';
import { Process, type ProcessPtr } from '../../src/kernel/process/process.ts';
import { spawnProcess } from '../../src/kernel/process/spawn.ts';
import type { TaskPtr } from '../../src/kernel/task/task.ts';
import type { CpuPtr, Ptr } from '../../src/shared-mem/pointer.ts';
import { NULL } from '../../src/shared-mem/pointer.ts';
import { attach, becomeCpu, cpu } from '../../src/shared-mem/self.ts';
import { recordAt } from '../../src/shared-mem/slab.ts';
import type { StructType } from '../../src/shared-mem/struct.ts';

export interface OrdinaryMachine {
  readonly config: BootConfig;
  readonly plan: MemoryPlan;
  readonly memory: SharedArrayBuffer;
  readonly cpus: readonly CpuPtr[];
  /** A zeroed record of a type, on a cache line of its own. */
  place<Name extends string>(type: StructType<Name>): Ptr<Name>;
  /** So many zeroed words. */
  placeWords(words: number): number;
}

/** As little of everything as will boot: for tests that boot hundreds of times. */
export const tiny: Partial<BootConfig> = {
  tasks: 1,
  processes: 1,
  files: 8,
  nofile: 8,
  epolls: 1,
  interests: 1,
  pipes: 1,
  sockets: 1,
  signalInfos: 1,
  pages: 1,
  userBytes: 1 << 17,
};

export const bootTimes = { hostNs: 0, wallSeconds: 1_700_000_000, wallNs: 0 };

/** Boots, starts every CPU, and leaves this thread as CPU 0. */
export function bootOrdinaryMachine(changes: Partial<BootConfig> = {}): OrdinaryMachine {
  const config: BootConfig = { ...defaultBootConfig, cpus: 2, ...changes };
  const plan = planMemory(config);
  const memory = new SharedArrayBuffer(plan.bytes);
  becomeCpu(NULL);
  attach(memory);
  if (!formatMemory(config, bootTimes)) throw new Error('fresh memory was laid out already');
  const cpus = Array.from({ length: config.cpus }, (_, index) => {
    startCpu(index, 0);
    return cpuRecord(index);
  });
  becomeCpu(cpus[0]!);
  const user = plan.regions.get('user')!;
  // The first process's memory begins on the next page; scratch records come from the last one's.
  let free = user.base + user.words - (config.userBytes / 4 - 1024);
  free = Math.ceil(free / 16) * 16;
  function placeWords(words: number): number {
    const at = free;
    free = Math.ceil((at + words) / 16) * 16;
    if (free > user.base + user.words) throw new Error('the scratch words are used up');
    return at;
  }
  return {
    config,
    plan,
    memory,
    cpus,
    placeWords,
    place: <Name extends string>(type: StructType<Name>) => placeWords(type.size) as Ptr<Name>,
  };
}

/** Boots, and puts the main thread of a process on this CPU. @returns the thread, and the first byte of its memory */
export function bootWithThread(changes: Partial<BootConfig>): { readonly t: TaskPtr; readonly buffer: number } {
  bootOrdinaryMachine(changes);
  if (spawnProcess(0, 0, 0, 0) <= 0) throw new Error('no process');
  const p = recordAt(Machine.processes.at(MACHINE), 0) as ProcessPtr;
  const t = Process.mainThread.peek(p) as TaskPtr;
  Cpu.current.set(cpu, t);
  return { t, buffer: Process.userBase.get(p) };
}
