/**
 * A machine, from the host's side: boots CPUs, starts programs, waits for their end, reads what was counted.
 *
 *     await using machine = await Machine.boot({ cpus: 2 });
 *     const pid = await machine.spawn(new URL('./program.js', import.meta.url));
 *     const { code } = await machine.exited(pid);
 *
 * The kernel's memory is only looked at here, never worked on: what needs kernel code (a new process) is done by a CPU
 * at rest, asked through comlink. To put them at rest the machine is paused: a word in shared memory, and a ring for
 * every CPU. Everything that the host waits for races with the machine's death.
 */
import { MessageChannel } from 'node:worker_threads';
import * as Comlink from 'comlink';
import type { Piscina } from 'piscina';
import type { CpuControl, CpuEnd } from '../cpu-worker/main.ts';
import type { BootConfig, MemoryPlan } from '../kernel/boot/plan.ts';
import { planMemory } from '../kernel/boot/plan.ts';
import {
  MACHINE_DEAD,
  MACHINE_PAUSED,
  MACHINE_RUNNING,
  MACHINE_STOPPED,
  Machine as Record,
} from '../kernel/machine-record.ts';
import { errnoName } from '../kernel/abi/errno.ts';
import type { BootOptions } from './config.ts';
import { checkBootOptions } from './config.ts';
import { ControlWords } from './control-words.ts';
import { BootError, MachineDied } from './errors.ts';
import type { Exit } from './exit-book.ts';
import { ExitBook } from './exit-book.ts';
import { startPool } from './pool.ts';
import { machineReport, verdictOf } from './report.ts';
import { Snapshot } from './snapshot.ts';
import type { SpawnOptions } from './spawn-options.ts';
import { entryOf, homeOf } from './spawn-options.ts';
import type { MachineStats } from './stats.ts';
import { statsOf } from './stats.ts';
import { Watchdog } from './watchdog.ts';

export type { Exit } from './exit-book.ts';

export type { SpawnOptions } from './spawn-options.ts';

/** User pointers are positive int32. */
const BYTES_MAX = 2 ** 31 - 1;
/** Time that a stop may take before the workers are terminated. */
const STOP_LIMIT_MS = 5000;

export class Machine implements AsyncDisposable {
  readonly config: BootConfig;
  readonly plan: MemoryPlan;
  /** The machine's memory. Look, do not touch. */
  readonly memory: SharedArrayBuffer;
  private readonly pool: Piscina;
  private readonly words: ControlWords;
  private readonly cpus: Comlink.Remote<CpuControl>[] = [];
  private readonly ends: Promise<CpuEnd>[] = [];
  private readonly exits: ExitBook;
  private images = 0;
  private readonly loaded = new Map<string, number>();
  private turn: Promise<unknown> = Promise.resolve();
  /** Callers of `exited` that wait, and turns asked for but not over. */
  private waiting = 0;
  private working = 0;
  private readonly pids = new Set<number>();
  private closed: Promise<void> | undefined;
  private watchdog: Watchdog | undefined;
  private death: MachineDied | undefined;
  /** Rejects when the machine dies or is shut down; never resolves. */
  private readonly died: Promise<never>;
  private reportDeath: (error: Error) => void = () => {};

  private constructor(config: BootConfig, plan: MemoryPlan, memory: SharedArrayBuffer, pool: Piscina) {
    this.config = config;
    this.plan = plan;
    this.memory = memory;
    this.pool = pool;
    this.words = new ControlWords(memory, config, plan);
    this.exits = new ExitBook(this.words);
    this.died = new Promise<never>((_, reject) => {
      this.reportDeath = reject;
    });
    this.died.catch(() => {});
  }

  /**
   * @throws BootError for options that cannot be
   * @throws MachineDied if a CPU fails to start
   */
  static async boot(options: BootOptions = {}): Promise<Machine> {
    const { config, constants, lockupMs } = checkBootOptions(options);
    const plan = planMemory(config);
    if (plan.bytes > BYTES_MAX)
      throw new BootError(`it needs ${plan.bytes} bytes of memory, and may have ${BYTES_MAX}`);
    const memory = new SharedArrayBuffer(plan.bytes);
    const pool = startPool(memory, config, constants);
    const machine = new Machine(config, plan, memory, pool);
    try {
      await machine.start(lockupMs);
    } catch (error) {
      await machine.shutdown();
      throw error;
    }
    return machine;
  }

  private async start(lockupMs: number): Promise<void> {
    this.pool.on('error', (error: Error) => this.fail('worker died', `a CPU's thread failed: ${error.message}`));
    for (let index = 0; index < this.config.cpus; index++) {
      const { port1, port2 } = new MessageChannel();
      port1.unref();
      this.cpus.push(Comlink.wrap<CpuControl>(port1 as unknown as Comlink.Endpoint));
      const end = this.pool.run({ index, port: port2 }, { transferList: [port2] }) as Promise<CpuEnd>;
      this.ends.push(end);
      end.then(
        (result) => this.cpuEnded(result),
        (error: Error) => this.fail('worker died', `CPU ${index}'s thread ended: ${error.message}`),
      );
    }
    await this.orDeath(this.words.until(() => this.words.machine(Record.cpusStarted) === this.config.cpus));
    // The host may still act, until it says that it only waits (`exited`).
    this.words.setOutsideActors(1);
    void this.watch();
    this.watchdog = new Watchdog(
      () => this.look(),
      lockupMs,
      (cpu) => this.lockedUp(cpu, lockupMs),
    );
    await this.resume();
  }

  /** Follows the host bell for as long as the machine lives: exits, verdicts. */
  private async watch(): Promise<void> {
    while (this.closed === undefined) {
      const seen = this.words.bell();
      // Read as they come: the log has room for so many only.
      this.exits.find(0);
      if (this.words.machine(Record.state) === MACHINE_DEAD) {
        const verdict = verdictOf(this.look());
        // A panic or a program's error comes with the CPU's own words; what has none is named by its verdict alone.
        if (verdict !== 'panic' && verdict !== 'program error')
          this.fail(verdict ?? 'died', `${verdict}: ${deadlockWords}`);
        return;
      }
      await this.words.bellRings(seen);
    }
  }

  private cpuEnded(end: CpuEnd): void {
    if (end.failure === undefined) return;
    const { name, message, stack, tid } = end.failure;
    const verdict = verdictOf(this.look()) ?? 'panic';
    const who = verdict === 'program error' ? `the program of task ${tid} threw` : `CPU ${end.index}`;
    this.fail(verdict, `${verdict}: ${who}: ${name}: ${message}`, stack);
  }

  private lockedUp(cpu: number, lockupMs: number): void {
    this.fail('lockup', `lockup: CPU ${cpu} has been in kernel code for ${lockupMs / 1000} s without moving`);
  }

  private fail(verdict: string, message: string, stack = ''): void {
    if (this.death !== undefined || this.closed !== undefined) return;
    const report = machineReport(Snapshot.copyOf(this.memory, this.config, this.plan), message);
    this.death = new MachineDied(verdict, message, stack === '' ? report : `${report}\n\n${stack}`);
    this.words.stop(MACHINE_DEAD);
    this.reportDeath(this.death);
  }

  private orDeath<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.died]);
  }

  /** One at a time: pausing twice at once would resume too early. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    // Whoever asks for a turn may wake sleepers by what it starts: until it is done, quiet is no deadlock.
    this.working++;
    this.tellOutsideActors();
    const next = this.turn.then(work, work).finally(() => {
      this.working--;
      this.tellOutsideActors();
    });
    this.turn = next.catch(() => {});
    return this.orDeath(next);
  }

  /** While the host waits for programs only, nobody outside can wake anything: quiet is a deadlock. */
  private tellOutsideActors(): void {
    this.words.setOutsideActors(this.waiting > 0 && this.working === 0 ? 0 : 1);
  }

  private async pause(): Promise<void> {
    this.words.changeState(MACHINE_RUNNING, MACHINE_PAUSED);
    this.words.interruptAll();
    await this.orDeath(Promise.all(this.cpus.map((cpu) => cpu.ping())));
  }

  private async resume(): Promise<void> {
    this.words.changeState(MACHINE_PAUSED, MACHINE_RUNNING);
    await this.orDeath(Promise.all(this.cpus.map((cpu) => cpu.resume())));
  }

  /**
   * Loads a program on every CPU and starts a process of it.
   * @param program module URL (file: URL or URL object) of JavaScript or TypeScript
   * @returns its pid
   * @throws Error that names the program when it cannot be loaded, or the limit that was reached
   */
  async spawn(program: string | URL, options: SpawnOptions = {}): Promise<number> {
    const home = homeOf(options, this.config.cpus);
    if (this.closed !== undefined) throw new Error('spawn: the machine was shut down');
    return this.inTurn(async () => {
      const url = program instanceof URL ? program.href : program;
      await this.pause();
      try {
        const { image, names } = await this.load(url, options.argv);
        const entry = entryOf(url, names, options);
        const pid = await this.orDeath(this.cpus[0]!.spawn(image, entry, options.argument ?? 0, home));
        if (pid < 0)
          throw new Error(
            `spawn: ${errnoName(-pid)}: no process or task is left (processes ${this.config.processes}, tasks ${this.config.tasks})`,
          );
        this.pids.add(pid);
        return pid;
      } finally {
        if (this.death === undefined && this.closed === undefined) await this.resume();
      }
    });
  }

  private async load(url: string, argv: unknown): Promise<{ image: number; names: readonly string[] }> {
    // Arguments may hold anything that can be cloned, so only starts without any share an image.
    const known = argv === undefined ? this.loaded.get(url) : undefined;
    const image = known ?? this.images++;
    const names = await this.orDeath(Promise.all(this.cpus.map((cpu) => cpu.loadImage(image, url, argv))));
    if (argv === undefined) this.loaded.set(url, image);
    return { image, names: names[0]! };
  }

  /** Waits for the end of a process. @throws MachineDied */
  async exited(pid: number): Promise<Exit> {
    if (!this.pids.has(pid)) throw new Error(`exited: ${pid} is no process that this machine was asked to spawn`);
    this.waiting++;
    this.tellOutsideActors();
    try {
      for (;;) {
        const seen = this.words.bell();
        const exit = this.exits.find(pid);
        if (exit !== undefined) return exit;
        await this.orDeath(this.words.bellRings(seen));
      }
    } finally {
      this.waiting--;
      this.tellOutsideActors();
    }
  }

  /** What the machine has counted so far. */
  stats(): MachineStats {
    return statsOf(this.look());
  }

  /** The machine's memory as it is this moment, to look at. */
  look(): Snapshot {
    return new Snapshot(this.memory, this.config, this.plan);
  }

  /** The report of a healthy machine: what every CPU and task is doing. */
  report(cause = 'a look at the machine'): string {
    return machineReport(Snapshot.copyOf(this.memory, this.config, this.plan), cause);
  }

  /** Stops every CPU and gives the threads back. Twice is once. */
  shutdown(): Promise<void> {
    this.closed ??= this.close();
    return this.closed;
  }

  private async close(): Promise<void> {
    this.watchdog?.stop();
    // CPUs that stop answer nobody: whoever waits for one, or for a program's end, learns it now.
    this.reportDeath(this.death ?? new Error('the machine was shut down'));
    this.words.stop(this.death === undefined ? MACHINE_STOPPED : MACHINE_DEAD);
    // CPUs at rest wait for a word on the control plane instead.
    for (const cpu of this.cpus) cpu.resume().catch(() => {});
    const ended = Promise.allSettled(this.ends);
    const late = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), STOP_LIMIT_MS).unref());
    if ((await Promise.race([ended, late])) === 'late') await this.pool.destroy();
    else await this.pool.close({ force: true });
    this.words.ring();
    for (const cpu of this.cpus) cpu[Comlink.releaseProxy]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}

const deadlockWords = 'every task sleeps, no timer is armed, and nobody outside can wake one';
