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
import type { BootOptions } from './boot-options.ts';
import type { CheckedOptions } from './config.ts';
import { checkBootOptions } from './config.ts';
import { ControlWords } from './control-words.ts';
import { DEADLOCK_WORDS, type Death, deathOf } from './death.ts';
import { MachineDied } from './errors.ts';
import type { Exit } from './exit-book.ts';
import { ExitBook } from './exit-book.ts';
import { Images } from './images.ts';
import { allocateMemory } from './memory.ts';
import { machineReport, verdictOf } from './report.ts';
import { Snapshot } from './snapshot.ts';
import type { SpawnOptions } from './spawn-options.ts';
import { entryOf, homeOf } from './spawn-options.ts';
import type { MachineStats } from './stats.ts';
import { statsOf } from './stats.ts';
import { CpuThreads, type ThreadEnd } from './threads.ts';
import { emitWarning, type MachineWarning } from './warnings.ts';
import { type Complaint, Watchdog } from './watchdog.ts';

export type { Exit } from './exit-book.ts';
export type { SpawnOptions } from './spawn-options.ts';

/** Time that a stop may take before the threads are terminated; the short one where one is known to hear nothing. */
const STOP_LIMIT_MS = 5000;
const STOP_LIMIT_STUCK_MS = 250;

export class Machine implements AsyncDisposable {
  readonly config: BootConfig;
  readonly plan: MemoryPlan;
  /** The machine's memory. Look, do not touch. */
  readonly memory: SharedArrayBuffer;
  private readonly options: CheckedOptions;
  private readonly words: ControlWords;
  private readonly threads: CpuThreads;
  private readonly exits: ExitBook;
  private readonly images = new Images();
  private turn: Promise<unknown> = Promise.resolve();
  /** Callers of `exited` that wait, and turns asked for but not over. */
  private waiting = 0;
  private working = 0;
  private readonly pids = new Set<number>();
  private closed: Promise<void> | undefined;
  private watchdog: Watchdog | undefined;
  private death: MachineDied | undefined;
  private readonly warned: MachineWarning[] = [];
  /** Rejects when the machine dies or is shut down; never resolves. */
  private readonly died: Promise<never>;
  private reportDeath: (error: Error) => void = () => {};

  private constructor(options: CheckedOptions, plan: MemoryPlan, memory: SharedArrayBuffer) {
    this.options = options;
    this.config = options.config;
    this.plan = plan;
    this.memory = memory;
    this.words = new ControlWords(memory, options.config, plan);
    this.exits = new ExitBook(this.words);
    this.died = new Promise<never>((_, reject) => {
      this.reportDeath = reject;
    });
    this.died.catch(() => {});
    this.threads = new CpuThreads(memory, options, (end) => this.threadEnded(end));
  }

  /**
   * Boots a machine: its memory laid out, its CPUs started, no process yet.
   * @throws BootError for options that cannot be
   * @throws MachineDied if a CPU fails to start
   */
  static async boot(options: BootOptions = {}): Promise<Machine> {
    const checked = checkBootOptions(options);
    const plan = planMemory(checked.config);
    const machine = new Machine(checked, plan, allocateMemory(checked.config, plan.bytes));
    try {
      await machine.start();
    } catch (error) {
      await machine.shutdown();
      throw error;
    }
    return machine;
  }

  private async start(): Promise<void> {
    await this.orDeath(this.words.until(() => this.words.machine(Record.cpusStarted) === this.config.cpus));
    // The host may still act, until it says that it only waits (`exited`).
    this.words.setOutsideActors(1);
    void this.watch();
    const { lockupMs, starvationMs } = this.options;
    this.watchdog = new Watchdog({
      look: () => this.look(),
      lockupMs,
      starvationMs,
      lost: (message) => this.fail({ verdict: 'lockup', message }),
      complain: (complaint) => this.warn(complaint),
    });
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
          this.fail({ verdict: verdict ?? 'died', message: `${verdict}: ${DEADLOCK_WORDS}` });
        return;
      }
      await this.words.bellRings(seen);
    }
  }

  private threadEnded(end: ThreadEnd): void {
    const death = deathOf(end, this.look(), this.options.heapMb);
    if (death !== undefined) this.fail(death);
  }

  private fail({ verdict, message, stack = '' }: Death): void {
    if (this.death !== undefined || this.closed !== undefined) return;
    this.watchdog?.stop();
    const report = this.report(message);
    this.death = new MachineDied(verdict, message, stack === '' ? report : `${report}\n\n${stack}`);
    this.words.stop(MACHINE_DEAD);
    this.reportDeath(this.death);
  }

  private warn(complaint: Complaint): void {
    if (this.death !== undefined || this.closed !== undefined) return;
    const report = machineReport(Snapshot.copyOf(this.memory, this.config, this.plan));
    const warning = { ...complaint, report };
    this.warned.push(warning);
    emitWarning(warning);
  }

  /** What the machine has warned of so far: tasks that starve, guests that do not trap. */
  get warnings(): readonly MachineWarning[] {
    return this.warned;
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
    await this.orDeath(this.threads.all((cpu) => cpu.ping()));
  }

  private async resume(): Promise<void> {
    this.words.changeState(MACHINE_PAUSED, MACHINE_RUNNING);
    await this.orDeath(this.threads.all((cpu) => cpu.resume()));
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
        const { image, names } = await this.orDeath(this.images.load(this.threads, url, options.argv));
        const entry = entryOf(url, names, options);
        const pid = await this.orDeath(this.threads.cpu(0).spawn(image, entry, options.argument ?? 0, home));
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

  /** A copy of the memory, made while every CPU rests between two traps: whole, and true of one moment. */
  async atRest(): Promise<Snapshot> {
    if (this.closed !== undefined) throw new Error('atRest: the machine was shut down');
    return this.inTurn(async () => {
      await this.pause();
      try {
        return Snapshot.copyOf(this.memory, this.config, this.plan);
      } finally {
        if (this.death === undefined && this.closed === undefined) await this.resume();
      }
    });
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
    this.threads.all((cpu) => cpu.resume()).catch(() => {});
    await this.threads.close(this.watchdog?.someoneIsStuck === true ? STOP_LIMIT_STUCK_MS : STOP_LIMIT_MS);
    this.words.ring();
    this.threads.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}
