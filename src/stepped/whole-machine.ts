/**
 * A machine of any configuration under the stepped scheduler: boots once, then runs one program after the other, each
 * from the boot's memory. The same program, configuration and strategy give the same run, to the last word.
 *
 * Time is virtual and exact: an operation takes a little, and the clock jumps to the next deadline when no CPU can go on.
 * So a step that waits 100 ms is over at once, and never late.
 */
import type { GuestGenerator, Image, TrapState } from '../cpu-worker/coroutines.ts';
import { Coroutines, trapState } from '../cpu-worker/coroutines.ts';
import { buildIndexByNumber, numberOf, syscallTable } from '../kernel/abi/syscalls.ts';
import type { BootConfig, MemoryPlan } from '../kernel/boot/plan.ts';
import { slabsOf } from '../kernel/boot/plan.ts';
import { Cpu, CPU_USER } from '../kernel/cpu/cpu.ts';
import {
  MACHINE,
  MACHINE_DEAD,
  Machine,
  VERDICT_NONE,
  VERDICT_PANIC,
  VERDICT_PROGRAM,
} from '../kernel/machine-record.ts';
import type { CpuPtr } from '../shared-mem/pointer.ts';
import { Slab } from '../shared-mem/slab.ts';
import { readClock, setClock, setReadingCost } from './doors/clock.ts';
import { attach, cpu, I32 } from './doors/self.ts';
import { beginTracks, endTracks } from './doors/tracks.ts';
import type { Outcome } from './run.ts';
import { runAlone } from './run.ts';
import { runStepped } from './scheduler.ts';
import type { Strategy } from './strategies.ts';

type Stepped<T> = Generator<void, T, 1>;
/** The stepped variant of whole-scene.ts, sound or mutated. */
export interface WholeScene {
  planMemory(config: BootConfig): MemoryPlan;
  cpuRecord(index: number): CpuPtr;
  bootWhole(config: BootConfig, wallSeconds: number, _: 1): Stepped<void>;
  spawnProgram(image: number, entry: number, argument: number, _: 1): Stepped<number>;
  runCpu(coroutines: Coroutines, traps: TrapState, indexByNumber: Int16Array, _: 1): Stepped<void>;
}

export interface ProgramRun {
  readonly image: Image;
  /** Name of the exported generator function to start. */
  readonly entry: string;
  readonly strategy: Strategy;
  /** A race on a word of the kernel's is a panic; default false. */
  readonly races?: boolean;
  /** How long it may take on the virtual clock. */
  readonly limitNs: number;
  /** Operations of the atomic door. */
  readonly maxSteps: number;
}

export interface ProgramEnd {
  /** Wait status of the process, once it has ended. */
  readonly status: number | undefined;
  /** What a CPU threw, and the number of that CPU. */
  readonly thrown: { readonly error: unknown; readonly cpu: number } | undefined;
  readonly nowNs: number;
  readonly outcome: Outcome;
}

/** 2026-01-01: programs that compare the two clocks find them apart. */
const BOOT_WALL_SECONDS = 1_767_225_600;

/** As on a host. */
const READING_NS = 40;

export class WholeMachine {
  readonly config: BootConfig;
  readonly plan: MemoryPlan;
  /** As the last run left it. */
  readonly memory: ArrayBuffer;
  readonly #scene: WholeScene;
  /** What the boot wrote: all words below the slabs, in which it touches nothing. */
  readonly #boot: Int32Array;
  readonly #indexByNumber: Int16Array;

  constructor(scene: WholeScene, config: BootConfig) {
    this.#scene = scene;
    this.config = config;
    this.plan = scene.planMemory(config);
    this.memory = new ArrayBuffer(this.plan.bytes);
    attach(this.memory);
    setClock(0);
    runAlone(0 as CpuPtr, scene.bootWhole(config, BOOT_WALL_SECONDS, 1));
    this.#boot = I32.slice(0, Math.min(...this.#slabs().map(({ base }) => base)));
    this.#indexByNumber = buildIndexByNumber(config.abi);
  }

  run({ image, entry, strategy, races = false, limitNs, maxSteps }: ProgramRun): ProgramEnd {
    attach(this.memory);
    this.#undo();
    setClock(0);
    const shared = trapState();
    shared.memory = this.memory;
    shared.abi = this.config.abi;
    syscallTable.forEach((row, i) => {
      shared.numbers[i] = numberOf(this.config.abi, row.name);
    });
    const cpus = Array.from({ length: this.config.cpus }, (_, index) => index);
    const programs = cpus.map((index) => {
      const traps: TrapState = { ...shared, image, cpu: index };
      const coroutines = new SharedThreadCoroutines(traps, shared);
      coroutines.images[0] = image;
      const run = (): Stepped<void> => this.#scene.runCpu(coroutines, traps, this.#indexByNumber, 1);
      return { cpu: this.#scene.cpuRecord(index), run };
    });
    const pid = runAlone(programs[0]!.cpu, this.#scene.spawnProgram(0, image.names.indexOf(entry), 0, 1));
    if (pid < 0) throw new Error(`no room for a process: ${pid}`);
    const over = (quiet: boolean): boolean =>
      I32[MACHINE + Machine.state.off] === MACHINE_DEAD ||
      readClock() > limitNs ||
      (quiet && this.#statusOf(pid) !== undefined);
    if (races) beginTracks(this.config.cpus, this.plan.regions.get('user')!.base);
    setReadingCost(READING_NS);
    const outcome = runStepped(programs, { strategy, maxSteps, exactClock: true, over });
    setReadingCost(0);
    endTracks();
    const thrown = outcome.ending === 'threw' ? this.#die(outcome.error) : undefined;
    return { status: this.#statusOf(pid), thrown, nowNs: readClock(), outcome };
  }

  #slabs(): { readonly base: number; readonly touched: number }[] {
    return slabsOf(this.config).map(([name]) => {
      const slab = Machine[name].at(MACHINE);
      return {
        base: I32[slab + Slab.base.off]!,
        touched: I32[slab + Slab.untouched.off]! * I32[slab + Slab.stride.off]!,
      };
    });
  }

  /** To the memory of the boot. Records that were never handed out are as the boot left them; user memory is the newborn's to clear. */
  #undo(): void {
    for (const { base, touched } of this.#slabs()) I32.fill(0, base, base + touched);
    I32.set(this.#boot);
  }

  /** The last of the log of ends: the host reads it of a machine on threads. */
  #statusOf(pid: number): number | undefined {
    const log = this.plan.regions.get('exitLog')!.base;
    const size = this.config.processes * 2;
    const count = I32[MACHINE + Machine.exits.off]!;
    for (let n = Math.max(0, count - size); n < count; n++) {
      const at = log + (n % size) * 2;
      if (I32[at] === pid) return I32[at + 1];
    }
    return undefined;
  }

  /** Notes the verdict where a CPU's thread would. */
  #die(error: unknown): ProgramEnd['thrown'] {
    const verdict = I32[cpu + Cpu.activity.off] === CPU_USER ? VERDICT_PROGRAM : VERDICT_PANIC;
    if (I32[MACHINE + Machine.verdict.off] === VERDICT_NONE) I32[MACHINE + Machine.verdict.off] = verdict;
    const index = Array.from({ length: this.config.cpus }, (_, i) => this.#scene.cpuRecord(i)).indexOf(cpu);
    return { error, cpu: index };
  }
}

/**
 * A CPU's generators where several CPUs share a thread, and with it the one trap state that the libc sees: whoever resumes
 * a guest puts its own there first. The registers need no more, for nobody comes between their filling and their reading.
 */
class SharedThreadCoroutines extends Coroutines {
  readonly #resumed: GuestGenerator;
  #top: GuestGenerator | undefined;

  constructor(own: TrapState, shared: TrapState) {
    super();
    const next = (result: number): IteratorResult<number, unknown> => {
      shared.userBase = own.userBase;
      shared.userBytes = own.userBytes;
      shared.image = own.image;
      shared.tid = own.tid;
      shared.pid = own.pid;
      shared.cpu = own.cpu;
      return this.#top!.next(result);
    };
    this.#resumed = { next } as GuestGenerator;
  }

  override top(task: number): GuestGenerator | undefined {
    this.#top = super.top(task);
    return this.#top === undefined ? undefined : this.#resumed;
  }
}
