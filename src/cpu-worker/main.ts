/**
 * A CPU's host thread. It attaches the memory, becomes the CPU, and then lives between two states: at rest, when its
 * event loop answers the control plane (comlink: load a program, spawn, resume), and running, when nothing but words in
 * shared memory reaches it.
 */
import { setFlagsFromString } from 'node:v8';
import { workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import * as Comlink from 'comlink';
import { CpuCore } from '../shared-mem/cpu-core.ts';
import { attach, cpu } from '../shared-mem/self.ts';
import { buildIndexByNumber, numberOf, syscallTable } from '../kernel/abi/syscalls.ts';
import { formatMemory, startCpu } from '../kernel/boot/format.ts';
import type { BootTimes } from '../kernel/boot/format.ts';
import type { BootConfig } from '../kernel/boot/plan.ts';
import { Cpu, CPU_KERNEL, CPU_PAUSED, CPU_USER, cpuRecord } from '../kernel/cpu/cpu.ts';
import { ringAllCpus } from '../kernel/cpu/idle.ts';
import { IRQ_STOP } from '../kernel/irq/interrupts.ts';
import {
  MACHINE,
  MACHINE_DEAD,
  MACHINE_RUNNING,
  MACHINE_STOPPED,
  Machine,
  VERDICT_NONE,
  VERDICT_PANIC,
  VERDICT_PROGRAM,
} from '../kernel/machine-record.ts';
import { ringHost } from '../kernel/process/children.ts';
import { spawnProcess } from '../kernel/process/spawn.ts';
import { Task } from '../kernel/task/task.ts';
import { clockOffset } from './clock-offset.ts';
import { Coroutines, trapState } from './coroutines.ts';
import { loadImage } from './load-image.ts';
import { runCpu } from './trap-loop.ts';

/** What the pool hands a CPU. */
export interface CpuAssignment {
  readonly index: number;
  readonly port: MessagePort;
}
/** What a CPU needs before it can read any memory. */
export interface CpuWorkerData {
  readonly memory: SharedArrayBuffer;
  readonly config: BootConfig;
  readonly times: BootTimes;
}
/** How a CPU ended. */
export interface CpuEnd {
  readonly index: number;
  readonly failure?: { readonly name: string; readonly message: string; readonly stack: string; readonly tid: number };
}

/** What the host may ask of a CPU at rest. */
export interface CpuControl {
  ping(): Promise<number>;
  resume(): void;
  loadImage(image: number, url: string, argv: unknown): Promise<readonly string[]>;
  unloadImage(image: number): void;
  spawn(image: number, entry: number, argument: number, home: number): number;
}

// A system call is many small functions, and V8 stops inlining a caller after 920 bytes of them; with three times that a
// write and a read of an eventfd cost two thirds. The flag is the process's, and asks for no more than compile time.
setFlagsFromString('--max-inlined-bytecode-size-cumulative=3000');

const SEAL_WAIT_MS = 5000;

/** Runs a CPU until its machine ends. The pool's one task for this thread. */
export default async function cpuMain(assignment: CpuAssignment): Promise<CpuEnd> {
  const data = (workerData as { smplab: CpuWorkerData }).smplab;
  const { index, port } = assignment;
  attach(data.memory);
  if (index === 0) formatMemory(data.config, data.times);
  else awaitSeal();
  startCpu(index, clockOffset(data.times.hostNs));
  const coroutines = new Coroutines();
  const traps = trapState();
  traps.memory = data.memory;
  traps.abi = data.config.abi;
  traps.cpu = index;
  syscallTable.forEach((row, i) => {
    traps.numbers[i] = numberOf(data.config.abi, row.name);
  });
  const indexByNumber = buildIndexByNumber(data.config.abi);
  let panicked: CpuEnd | undefined;
  let resumed: () => void = () => {};
  let gate = new Promise<void>((resolve) => {
    resumed = resolve;
  });
  let ranOnce: () => void = () => {};
  let begun = Promise.resolve();
  const control: CpuControl = {
    // Not between the answer to `resume` and the run that follows it: who has this answer resumes again, and would not be
    // heard once the CPU runs.
    ping: () => begun.then(() => index),
    resume: () => {
      begun = new Promise<void>((resolve) => {
        ranOnce = resolve;
      });
      resumed();
    },
    async loadImage(image, url, argv) {
      coroutines.images[image] = await loadImage(url, argv);
      return coroutines.images[image].names;
    },
    unloadImage(image) {
      delete coroutines.images[image];
    },
    spawn(image, entry, argument, home) {
      // The watchdog looks at what a CPU says it does.
      Cpu.activity.set(cpu, CPU_KERNEL);
      try {
        return spawnProcess(image, entry, argument, home);
      } catch (error) {
        // The machine's end, as a panic in a trap is: this CPU's task is over.
        panicked = die(index, error);
        resumed();
        throw error;
      } finally {
        Cpu.activity.set(cpu, CPU_PAUSED);
      }
    },
  };
  Comlink.expose(control, port as unknown as Comlink.Endpoint);
  Machine.cpusStarted.add(MACHINE, 1);
  ringHost();
  try {
    for (;;) {
      await gate;
      if (panicked !== undefined) return panicked;
      gate = new Promise<void>((resolve) => {
        resumed = resolve;
      });
      // The answer to `resume` must leave before this thread stops listening.
      await new Promise<void>((resolve) => setImmediate(resolve));
      const state = Machine.state.load(MACHINE);
      if (state === MACHINE_RUNNING) runCpu(coroutines, traps, indexByNumber);
      ranOnce();
      const now = Machine.state.load(MACHINE);
      if (now === MACHINE_STOPPED || now === MACHINE_DEAD) return { index };
    }
  } catch (error) {
    return die(index, error);
  } finally {
    port.close();
  }
}

/** A throw in kernel code, or out of a guest: the machine ends here, and says which. */
function die(index: number, error: unknown): CpuEnd {
  const task = Cpu.current.get(cpu);
  const verdict = Cpu.activity.get(cpu) === CPU_USER ? VERDICT_PROGRAM : VERDICT_PANIC;
  Machine.verdict.compareExchange(MACHINE, VERDICT_NONE, verdict);
  Machine.state.store(MACHINE, MACHINE_DEAD);
  for (let i = 0; i < Machine.cpus.get(MACHINE); i++) CpuCore.pending.or(cpuRecord(i), IRQ_STOP);
  ringAllCpus();
  ringHost();
  const thrown = error instanceof Error ? error : new Error(String(error));
  return {
    index,
    failure: {
      name: thrown.name,
      message: thrown.message,
      stack: thrown.stack ?? '',
      tid: task === 0 ? 0 : Task.tid.get(task as never),
    },
  };
}

/** Waits until CPU 0 has laid the memory out. */
function awaitSeal(): void {
  const endMs = performance.now() + SEAL_WAIT_MS;
  while (Machine.sealed.load(MACHINE) === 0) {
    Machine.sealed.wait(MACHINE, 0, 100e6);
    if (performance.now() > endMs) throw new Error('CPU 0 did not lay the memory out within 5 s');
  }
}
