/**
 * Runs a small machine, kernel and trap loop whole, under the stepped scheduler: boot once, then each seed from a
 * snapshot of the memory. There are no ticks, so a lost wakeup is never repaired: the kernel itself then declares a
 * deadlock, and the run ends with every CPU asleep.
 */
import type { GuestGenerator, TrapState } from '../cpu-worker/coroutines.ts';
import { Coroutines } from '../cpu-worker/coroutines.ts';
import { buildIndexByNumber, numberOf } from '../kernel/abi/syscalls.ts';
import type { SyscallName } from '../kernel/abi/syscalls.ts';
import type { BootConfig } from '../kernel/boot/plan.ts';
import type { ProcessPtr } from '../kernel/process/process.ts';
import type { TaskPtr } from '../kernel/task/task.ts';
import type { CpuPtr } from '../shared-mem/pointer.ts';
import { setClock } from './doors/clock.ts';
import { attach, I32 } from './doors/self.ts';
import type { Outcome } from './scheduler.ts';
import { runAlone, runStepped } from './scheduler.ts';
import type { Strategy } from './strategies.ts';
import type { Watcher } from './doors/steering.ts';

type Stepped<T> = Generator<void, T, 1>;
/** The stepped variant of scene.ts, sound or mutated. */
export interface Scene {
  readonly defaultBootConfig: BootConfig;
  planMemory(config: BootConfig): { readonly bytes: number };
  cpuRecord(index: number): CpuPtr;
  bootScene(config: BootConfig, _: 1): Stepped<void>;
  spawnMain(home: number, _: 1): Stepped<ProcessPtr>;
  addThread(p: ProcessPtr, entry: number, home: number, _: 1): Stepped<TaskPtr>;
  openEventfd(p: ProcessPtr, semaphore: number, _: 1): Stepped<number>;
  runCpu(coroutines: Coroutines, traps: TrapState, indexByNumber: Int16Array, _: 1): Stepped<void>;
  liveTasks(_: 1): Stepped<number>;
  verdict(_: 1): Stepped<number>;
  userBase(p: ProcessPtr): number;
}

/** What a guest may do: call the kernel with numbers, and use eight bytes of memory that are its own. */
export interface Guest {
  call(name: SyscallName, ...args: number[]): number;
  readonly buffer: number;
  put(value: number): void;
  get(): number;
  readonly results: number[];
  /** Writes the three words that a newborn begins with; they lie behind every thread's own bytes. @returns where */
  newborn(entry: number, home: number): number;
}
export type GuestBody = (guest: Guest) => GuestGenerator;

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

/** @returns a function that runs the machine from its boot with a strategy, as often as wanted */
export function steppedMachine(setup: Setup) {
  const { scene, threads, entries: more = [], cpus, eventfds, lock, lockSpins, room, maxSteps = 100_000 } = setup;
  const config: BootConfig = {
    ...scene.defaultBootConfig,
    cpus,
    lock,
    lockSpins,
    hz: 0,
    idleSpinNs: 0,
    // As small as will do: each run begins with a copy of all of it.
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
  const memory = new ArrayBuffer(scene.planMemory(config).bytes);
  attach(memory);
  setClock(0);
  const none = 0 as CpuPtr;
  runAlone(none, scene.bootScene(config, 1));
  const boot = scene.cpuRecord(0);
  const p = runAlone(boot, scene.spawnMain(threads[0]!.home, 1));
  for (const [entry, { home }] of threads.entries()) if (entry > 0) runAlone(boot, scene.addThread(p, entry, home, 1));
  for (const semaphore of eventfds) runAlone(boot, scene.openEventfd(p, semaphore, 1));
  const snapshot = I32.slice();
  const userBase = scene.userBase(p);
  const indexByNumber = buildIndexByNumber(config.abi);

  return (strategy: Strategy, watcher: Watcher | null = null): SteppedRun => {
    attach(memory);
    I32.set(snapshot);
    setClock(0);
    const bodies = [...threads.map(({ body }) => body), ...more];
    const results = bodies.map((): number[] => []);
    // The registers are shared by all CPUs: between a guest's filling them and the kernel's reading them is no point.
    const registers = new Float64Array(6);
    const entries = bodies.map((body, i) => (): GuestGenerator => {
      const buffer = userBase + 8 * i;
      return body({
        call(name, ...args) {
          registers.fill(0);
          registers.set(args);
          return numberOf(config.abi, name);
        },
        buffer,
        put: (value) => I32.set([value, 0], buffer >> 2),
        get: () => I32[buffer >> 2]!,
        results: results[i]!,
        newborn(entry, home) {
          const at = userBase + 1024 + 24 * entry;
          I32.set([entry, 0, 0, 0, home, 0], at >> 2);
          return at;
        },
      });
    });
    const programs = Array.from({ length: cpus }, (_, index) => {
      const coroutines = new Coroutines();
      coroutines.images[0] = {
        url: 'scene',
        entries,
        names: entries.map((_entry, i) => `thread ${i}`),
        argv: undefined,
      };
      const traps = { ...emptyTrapState, memory, registers, abi: config.abi, cpu: index };
      return { cpu: scene.cpuRecord(index), run: () => scene.runCpu(coroutines, traps, indexByNumber, 1) };
    });
    const outcome = runStepped(programs, { strategy, watcher, maxSteps });
    return { outcome, end: endOf(outcome), results: results.slice(0, threads.length) };
  };

  function endOf({ ending, error }: Outcome): string {
    if (ending === 'threw') return error instanceof Error ? (error.stack ?? error.message) : String(error);
    const verdict = VERDICTS[runAlone(boot, scene.verdict(1))]!;
    if (verdict !== '') return verdict;
    if (ending !== 'stuck') return ending;
    const live = runAlone(boot, scene.liveTasks(1));
    return live === 0 ? 'done' : `stuck with ${live} live tasks`;
  }
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

export function* readEventfd(guest: Guest, fd: number): Generator<number, number, number> {
  const n = yield guest.call('read', fd, guest.buffer, 8);
  guest.results.push(n === 8 ? guest.get() : n);
  return n;
}
export function* writeEventfd(guest: Guest, fd: number, value: number): Generator<number, number, number> {
  guest.put(value);
  return yield guest.call('write', fd, guest.buffer, 8);
}
