/**
 * The machine's side of every benchmark: boots a machine of the asked shape and takes samples by running guest programs
 * of bench/ on it, each sample a process of its own. The programs time themselves and answer through a board.
 */

import { setTimeout as sleep } from 'node:timers/promises';

import { Cpu } from '../kernel/cpu/cpu.ts';
import { CpuCore } from '../shared-mem/cpu-core.ts';
import type { BootOptions } from '../machine/config.ts';
import { MachineDied } from '../machine/errors.ts';
import { Machine } from '../machine/machine.ts';
import { verdictOf } from '../machine/report.ts';
import { type CpuStats, percentile } from '../machine/stats.ts';
import { guestProgram } from '../machine/worker-file.ts';
import { BenchBoard } from './board.ts';
import { pinThreads } from './pinning.ts';
import type { Parameters } from './rows.ts';
import type { CpuCounts, Load, MachineFacts, MachineSampler, MachineShape, Observation } from './sampler.ts';

interface Entry {
  readonly program: string;
  readonly entry: string;
}

/** Where each benchmark's loop stands: program and exported entry. */
const ENTRIES: Readonly<Record<string, Entry>> = {
  getpid: { program: 'trap-loops', entry: 'getpid' },
  getppid: { program: 'trap-loops', entry: 'getppid' },
  gettid: { program: 'trap-loops', entry: 'gettid' },
  'eventfd write+read': { program: 'trap-loops', entry: 'eventfdWriteRead' },
  'pipe write+read': { program: 'trap-loops', entry: 'pipeWriteRead' },
  epoll_wait: { program: 'trap-loops', entry: 'epollWait' },
  poll: { program: 'trap-loops', entry: 'poll' },
  epoll_ctl: { program: 'trap-loops', entry: 'epollCtl' },
  sched_yield: { program: 'trap-loops', entry: 'schedYield' },
  signal_delivery: { program: 'trap-loops', entry: 'signalDelivery' },
  pipe_pingpong: { program: 'pingpong', entry: 'pipePingpong' },
  eventfd_pingpong: { program: 'pingpong', entry: 'eventfdPingpong' },
  repoll_wake: { program: 'unwatched-writes', entry: 'main' },
  ring: { program: 'scale', entry: 'ring' },
  descriptors: { program: 'scale', entry: 'descriptors' },
  wake_no_waiters: { program: 'wake-nobody', entry: 'main' },
};

const CONTROL_OPERATIONS: Readonly<Record<string, number>> = { 'add+mod+del': 0, add: 1, del: 2, mod: 3 };

/** A load that takes longer than this to set up will not. */
const SETTLE_LIMIT_MS = 20_000;
/** After it is set up: so that the first wakeups, through code not yet compiled, are not what is observed. */
const SETTLE_MS = 200;

/** The limits that a shape needs beyond the defaults: a machine of 10,000 descriptors is not the usual one. */
function bootOptions(shape: MachineShape): BootOptions {
  const { files, tasks, pipes, userBytes } = shape;
  return {
    epoll: shape.design as NonNullable<BootOptions['epoll']>,
    cpus: shape.cpus,
    ...(shape.hz === undefined ? {} : { hz: shape.hz }),
    ...(shape.idleSpinNs === undefined ? {} : { idleSpinNs: shape.idleSpinNs }),
    ...(shape.checks === undefined ? {} : { checks: shape.checks }),
    ...(shape.pollCache === undefined ? {} : { pollCache: shape.pollCache }),
    ...(shape.waiterCountFastPath === undefined ? {} : { fastPath: shape.waiterCountFastPath }),
    ...(tasks === undefined ? {} : { tasks }),
    ...(pipes === undefined ? {} : { pipes }),
    ...(userBytes === undefined ? {} : { userBytes }),
    ...(files === undefined ? {} : { files, nofile: Math.max(files, 1024), interests: files }),
  };
}

function countsOf(stats: CpuStats, more: Readonly<Record<string, number>>): CpuCounts {
  return { ...stats, ...more };
}

class BootedMachine implements MachineSampler {
  facts: MachineFacts;
  readonly #machine: Machine;
  readonly #board = new BenchBoard();
  #taken = false;

  constructor(machine: Machine, bootNs: number) {
    this.#machine = machine;
    this.facts = { bootNs, sharedBytes: machine.memory.byteLength };
  }

  /** Each CPU's thread onto a host core of its own, if the host lets us. */
  async pin(): Promise<void> {
    const threads: number[] = [];
    try {
      for (let cpu = 0; cpu < this.#machine.config.cpus; cpu++) {
        this.#board.order({});
        threads.push(await this.#run({ program: 'host-thread', entry: 'main' }, cpu));
      }
    } catch (error) {
      if (error instanceof MachineDied) throw error;
    }
    const problem = threads.length < this.#machine.config.cpus ? 'threads have no known number' : pinThreads(threads);
    if (problem !== undefined) this.facts = { ...this.facts, notPinned: problem };
  }

  sample(name: string, iterations: number, params: Parameters): Promise<number> {
    return this.#sample(name, iterations, params, 0);
  }

  async locks(name: string, iterations: number, params: Parameters): Promise<number> {
    await this.#sample(name, iterations, params, (this.#machine.look().cpu(0) + CpuCore.locksTaken.off) / 2);
    return this.#board.counted;
  }

  async #sample(name: string, iterations: number, params: Parameters, counter: number): Promise<number> {
    const found = ENTRIES[name];
    if (found === undefined) throw new Error(`no guest program runs ${name}`);
    const order = Object.fromEntries(
      Object.entries(params).map(([key, value]) => [key, CONTROL_OPERATIONS[String(value)] ?? Number(value)]),
    );
    this.#board.order({ ...order, iterations, counter });
    return this.#run(found, 0);
  }

  /** Runs a program to its end and gives what it wrote on the board. */
  async #run({ program, entry }: Entry, cpu: number): Promise<number> {
    const argv = { board: this.#board.buffer };
    const pid = await this.#machine.spawn(guestProgram(program), { argv, entry, cpu });
    const { code, signal } = await this.#machine.exited(pid);
    if (code !== 0 || this.#board.totalNs < 0) {
      const how = signal === undefined ? `code ${code}` : `signal ${signal}`;
      throw new Error(`${program} ${entry} failed in the machine: ${how}, wrong answer ${this.#board.failure}`);
    }
    return this.#board.totalNs;
  }

  async counters(): Promise<readonly CpuCounts[]> {
    const stats = this.#machine.stats();
    // Wakeups and repolls are counted per CPU but reported for the machine: they are booked on the first.
    const whole = { wakeups: stats.wakeups.total, nudges: stats.wakeups.nudge, repolls: stats.repolls };
    return stats.cpus.map((cpu, index) => countsOf(cpu, index === 0 ? whole : {}));
  }

  async observe(load: Load, durationMs: number): Promise<Observation> {
    if (this.#taken) throw new Error('one load to a machine: the last one is still running');
    this.#taken = true;
    // A program that ran to its end first: the machine then knows that somebody outside may start another, and does not
    // take tasks that all sleep for a deadlock.
    await this.sample('getpid', 1, {});
    await this.#start(load);
    await sleep(SETTLE_MS);
    const before = await this.counters();
    const latenessBefore = this.#tickLateness();
    const cpuBefore = process.cpuUsage();
    const startNs = performance.now() * 1e6;
    await sleep(durationMs);
    const wallNs = performance.now() * 1e6 - startNs;
    const cpu = process.cpuUsage(cpuBefore);
    const after = await this.counters();
    const verdict = verdictOf(this.#machine.look());
    if (verdict !== undefined) throw new Error(this.#machine.report(`${verdict} while the machine was watched`));
    const lateness = this.#tickLateness().map((count, bucket) => count - latenessBefore[bucket]!);
    const perCpu = after.map((counts, index) => difference(counts, before[index]!));
    return {
      wallNs,
      cpuNs: (cpu.user + cpu.system) * 1e3,
      busyOperations: perCpu.reduce((sum, counts) => sum + (counts.traps ?? 0), 0),
      perCpu,
      tickLatenessNs: { p50: percentile(lateness, 0.5), p99: percentile(lateness, 0.99) },
    };
  }

  #tickLateness(): readonly number[] {
    return this.#machine.look().histogram(Cpu.tickLateness);
  }

  async #start(load: Load): Promise<void> {
    if (load.waiters === 0 && !load.busy) return;
    this.#board.order({ waiters: load.waiters, fds: load.fds, busy: load.busy ? 1 : 0 });
    const options = { argv: { board: this.#board.buffer }, argument: this.#machine.config.cpus, cpu: 0 };
    await this.#machine.spawn(guestProgram('background-load'), options);
    const endMs = performance.now() + SETTLE_LIMIT_MS;
    while (!this.#board.settled) {
      if (performance.now() > endMs) {
        throw new Error(`the background load was not ready after ${SETTLE_LIMIT_MS} ms\n${this.#machine.report()}`);
      }
      await sleep(5);
    }
  }

  close(): Promise<void> {
    return this.#machine.shutdown();
  }
}

function difference(after: CpuCounts, before: CpuCounts): CpuCounts {
  return Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]));
}

export async function bootSampler(shape: MachineShape): Promise<MachineSampler> {
  const options = bootOptions(shape);
  const startNs = performance.now() * 1e6;
  const machine = await Machine.boot(options);
  const booted = new BootedMachine(machine, performance.now() * 1e6 - startNs);
  if (shape.pinned === true) await booted.pin();
  return booted;
}
