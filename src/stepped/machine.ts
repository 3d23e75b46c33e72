/**
 * Runs a small machine, kernel and trap loop whole, under the stepped scheduler: boot once, then each seed from a
 * snapshot of the memory. There are no ticks, so a lost wakeup is never repaired: the kernel itself then declares a
 * deadlock, and the run ends with every CPU asleep.
 */
import type { TrapState } from '../cpu-worker/coroutines.ts';
import { Coroutines } from '../cpu-worker/coroutines.ts';
import { buildIndexByNumber } from '../kernel/abi/syscalls.ts';
import type { BootConfig, MemoryPlan } from '../kernel/boot/plan.ts';
import { slabsOf } from '../kernel/boot/plan.ts';
import { syscallTable } from '../kernel/abi/syscall-table.ts';
import { Cpu } from '../kernel/cpu/cpu.ts';
import { MACHINE, Machine } from '../kernel/machine-record.ts';
import { Slab } from '../shared-mem/slab.ts';
import type { ProcessPtr } from '../kernel/process/process.ts';
import type { TaskPtr } from '../kernel/task/task.ts';
import type { CpuPtr } from '../shared-mem/pointer.ts';
import { setClock } from './doors/clock.ts';
import { attach, F64, I32 } from './doors/self.ts';
import { beginBuffers, drainAll } from './doors/store-buffer.ts';
import { beginTracks, knowAll, takeBack } from './doors/tracks.ts';
import type { CpuProgram, Ending, Outcome } from './run.ts';
import type { Guest, GuestBody } from './guests.ts';
import { guestsOf, readEventfd, writeEventfd } from './guests.ts';
import { runAlone } from './run.ts';
import { runStepped } from './scheduler.ts';
import type { Strategy } from './strategies.ts';
import type { Watcher } from './doors/steering.ts';

export { readEventfd, writeEventfd };
export type { Guest, GuestBody };

type Stepped<T> = Generator<void, T, 1>;
/** The stepped variant of scene.ts, sound or mutated. */
export interface Scene {
  readonly defaultBootConfig: BootConfig;
  planMemory(config: BootConfig): MemoryPlan;
  cpuRecord(index: number): CpuPtr;
  bootScene(config: BootConfig, _: 1): Stepped<void>;
  spawnMain(home: number, _: 1): Stepped<ProcessPtr>;
  addThread(p: ProcessPtr, entry: number, home: number, _: 1): Stepped<TaskPtr>;
  openEventfd(p: ProcessPtr, semaphore: number, _: 1): Stepped<number>;
  runCpu(coroutines: Coroutines, traps: TrapState, indexByNumber: Int16Array, _: 1): Stepped<void>;
  liveTasks(_: 1): Stepped<number>;
  verdict(_: 1): Stepped<number>;
  taskAt(index: number): TaskPtr;
  isLive(t: TaskPtr, _: 1): Stepped<number>;
  callOf(t: TaskPtr): number;
  homeOf(t: TaskPtr): CpuPtr;
  tidOf(t: TaskPtr): number;
  sleepsInVain(t: TaskPtr, _: 1): Stepped<number>;
  runnableOn(index: number, _: 1): Stepped<number>;
  settleCpu(_: 1): Stepped<void>;
  userBase(p: ProcessPtr): number;
}

export interface Setup {
  readonly scene: Scene;
  /** guests by thread, the main one first, each with the CPU it lives on */
  readonly threads: readonly { readonly home: number; readonly body: GuestBody }[];
  /** entries behind those of the threads, which a guest may begin with clone */
  readonly entries?: readonly GuestBody[];
  readonly cpus: number;
  /** 1 for each eventfd that is a semaphore; their descriptors begin at 3 */
  readonly eventfds: readonly number[];
  readonly lock: string;
  readonly lockSpins: number;
  /** Room for what the guests make themselves; by default for none of it. */
  readonly room?: Partial<BootConfig>;
  /**
   * exit (the default): guests end as processes do, and memory can be audited. returns: a CPU stops where its guest's last
   * call has returned, for scenes about the calls alone; then it has one guest.
   */
  readonly ends?: 'exit' | 'returns';
  /** sc (the default): every write is seen at once. tso: plain writes (`poke`) wait in store buffers. */
  readonly memory?: 'sc' | 'tso';
  /** Operations of the atomic door before a run is given up; default 100,000. */
  readonly maxSteps?: number;
}

export interface SteppedRun {
  readonly outcome: Outcome;
  /** done: every task ended. deadlock: the kernel says so. Else what went wrong. */
  readonly end: string;
  readonly results: readonly (readonly number[])[];
}

const VERDICTS = ['', 'panic', 'deadlock', 'lockup', 'program'];

/** What a run did to its memory is taken back only when the next one begins, on whatever machine: until then it can be seen. */
let takeBackLast = (): void => {};

/** A small machine that runs from its boot as often as wanted, each time as if it were the first. */
export interface SteppedMachine {
  /** One a CPU; valid for one run after each `begin`. */
  readonly programs: readonly CpuProgram[];
  /** Memory is as booted, and accesses are noted from here on. */
  begin(): void;
  /** For the scheduler: a machine with ticks never comes to rest by itself, so it is over once it is quiet without tasks. */
  over(quiet: boolean): boolean;
  /** The run is over, and whoever asks from here on looks on: nothing races with it, and no write is under way. */
  ended(): void;
  /** What the run came to: see `SteppedRun.end`. */
  endOf(ending: Ending, error: unknown): string;
  /** What the guests noted. */
  results(): readonly (readonly number[])[];
  /** Of the kernel itself: '', or panic, deadlock, lockup, program. */
  verdict(): string;
  /** How many tasks have not ended. */
  liveTasks(): number;
  /** A task and the call it sleeps in although that need not wait; asked last, for it may change memory. */
  findVainSleeper(): { readonly tid: number; readonly call: string } | undefined;
  /** Calls that each CPU has made. */
  traps(): readonly number[];
  /** How many tasks can run and do not, when nothing moves any more. */
  runnableTasks(): number;
  /** After a run that ended well: gives back what waits to be, on every CPU. */
  settle(): void;
  /** Records that live, by slab. */
  census(): Readonly<Record<string, number>>;
}

export function bootStepped(setup: Setup): SteppedMachine {
  const {
    scene,
    threads,
    entries: more = [],
    cpus,
    eventfds,
    lock,
    lockSpins,
    room,
    ends = 'exit',
    memory: memoryModel = 'sc',
  } = setup;
  const config: BootConfig = {
    ...scene.defaultBootConfig,
    cpus,
    lock,
    lockSpins,
    hz: 0,
    idleSpinNs: 0,
    tasks: threads.length,
    processes: 1,
    nofile: 8,
    userBytes: 4096,
    files: 3 + eventfds.length,
    epolls: 1,
    interests: 1,
    pipes: 1,
    sockets: 1,
    signalInfos: 4,
    pages: 1,
    ...room,
  };
  takeBackLast();
  const plan = scene.planMemory(config);
  const memory = new ArrayBuffer(plan.bytes);
  attach(memory);
  setClock(0);
  const none = 0 as CpuPtr;
  runAlone(none, scene.bootScene(config, 1));
  const boot = scene.cpuRecord(0);
  const p = runAlone(boot, scene.spawnMain(threads[0]!.home, 1));
  for (const [entry, { home }] of threads.entries()) if (entry > 0) runAlone(boot, scene.addThread(p, entry, home, 1));
  for (const semaphore of eventfds) runAlone(boot, scene.openEventfd(p, semaphore, 1));
  const snapshot = I32.slice();
  const slabs = slabsOf(config).map(([name]) => [name, MACHINE + Machine[name].off] as const);
  // Written past the doors: what lies in pipes, and the guests' own memory.
  const unlogged = ['slab pages', 'user'].map((name) => {
    const { base, words } = plan.regions.get(name)!;
    return { base, booted: snapshot.subarray(base, base + words) };
  });
  const userBase = scene.userBase(p);
  const indexByNumber = buildIndexByNumber(config.abi);

  const bodies = [...threads.map(({ body }) => body), ...more];
  const { entries, results, registers } = guestsOf(bodies, config.abi, userBase, ends);
  const image = { url: 'scene', entries, names: entries.map((_entry, i) => `thread ${i}`), argv: undefined };
  const programs = Array.from({ length: cpus }, (_, index) => {
    const traps = { ...emptyTrapState, memory, registers, abi: config.abi, cpu: index };
    const run = (): Generator<void, void, 1> => {
      const coroutines = new Coroutines();
      coroutines.images[0] = image;
      return scene.runCpu(coroutines, traps, indexByNumber, 1);
    };
    return { cpu: scene.cpuRecord(index), run };
  });

  return {
    programs,
    settle() {
      // A grace period, what waits for it, and what that gives back.
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < cpus; i++) runAlone(scene.cpuRecord(i), scene.settleCpu(1));
      }
    },
    begin() {
      takeBackLast();
      attach(memory);
      setClock(0);
      for (const each of results) if (each.length > 0) each.length = 0;
      beginTracks(cpus);
      beginBuffers(memoryModel === 'tso');
      takeBackLast = finish;
    },
    over: (quiet) => quiet && config.hz > 0 && I32[MACHINE + Machine.liveTasks.off] === 0,
    ended,
    endOf(ending, error) {
      ended();
      if (ending === 'threw') return error instanceof Error ? (error.stack ?? error.message) : String(error);
      const verdict = this.verdict();
      if (verdict !== '') return verdict;
      if (ending !== 'stuck') return ending;
      const live = this.liveTasks();
      return live === 0 ? 'done' : `stuck with ${live} live tasks`;
    },
    verdict: () => VERDICTS[runAlone(boot, scene.verdict(1))]!,
    liveTasks: () => runAlone(boot, scene.liveTasks(1)),
    findVainSleeper() {
      for (let i = 0; i < config.tasks; i++) {
        const t = scene.taskAt(i);
        if (runAlone(boot, scene.isLive(t, 1)) === 0) continue;
        const call = syscallTable[scene.callOf(t)]?.name ?? 'a call';
        if (runAlone(scene.homeOf(t), scene.sleepsInVain(t, 1)) === 1) return { tid: scene.tidOf(t), call };
      }
      return undefined;
    },
    // Asked in the middle of a run: past the doors, or it would race with the CPUs.
    traps: () => programs.map(({ cpu }) => F64[(cpu + Cpu.traps.off) >> 1]!),
    runnableTasks() {
      let count = 0;
      for (let i = 0; i < cpus; i++) count += runAlone(boot, scene.runnableOn(i, 1));
      return count;
    },
    census() {
      const words = new Int32Array(memory);
      return Object.fromEntries(slabs.map(([name, slab]) => [name, words[slab + Slab.live.off]!]));
    },
    results: () => results.slice(0, threads.length),
  };

  function ended(): void {
    knowAll();
    drainAll();
    beginBuffers(false);
  }
  function finish(): void {
    takeBackLast = () => {};
    attach(memory);
    takeBack();
    for (const { base, booted } of unlogged) I32.set(booted, base);
  }
}

/** @returns a function that runs the machine from its boot with a strategy, as often as wanted */
export function steppedMachine(setup: Setup) {
  const machine = bootStepped(setup);
  const { maxSteps = 100_000 } = setup;
  return (strategy: Strategy, watcher: Watcher | null = null): SteppedRun => {
    machine.begin();
    const outcome = runStepped(machine.programs, { strategy, watcher, maxSteps, over: machine.over });
    const end = machine.endOf(outcome.ending, outcome.error);
    return { outcome, end, results: machine.results().map((each) => [...each]) };
  };
}

const emptyTrapState: TrapState = {
  registers: new Float64Array(6),
  numbers: new Int32Array(0),
  memory: new ArrayBuffer(0),
  abi: 'x86_64',
  userBase: 0,
  userBytes: 0,
  image: undefined,
  tid: 0,
  libcEntries: [],
  pid: 0,
  cpu: 0,
};
