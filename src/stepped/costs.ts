/**
 * What a design's calls cost, counted and not timed: the stepped kernel runs them on one CPU, and a watcher of its memory
 * counts the locks taken, the atomic operations, and the records looked at. The same figures on every host.
 *
 * Locks are counted only in a kernel with checks; the rest is that of a kernel without, as machines run. From each count
 * that of a call which does nothing (getppid) is taken off.
 */
import { EFD_NONBLOCK, EPOLL_CTL_ADD, EPOLLET, EPOLLIN } from '../kernel/abi/flags-event.ts';
import type { EpollDesign } from '../kernel/abi/types.ts';
import { MACHINE, Machine } from '../kernel/machine-record.ts';
import { Task } from '../kernel/task/task.ts';
import { WaitEntry } from '../kernel/wait/wait-queue-struct.ts';
import { CpuCore } from '../shared-mem/cpu-core.ts';
import { Slab } from '../shared-mem/slab.ts';
import { cpu, F64, I32 } from './doors/self.ts';
import type { Watcher } from './doors/steering.ts';
import type { Guest, GuestBody, Scene } from './machine.ts';
import { steppedMachine } from './machine.ts';
import { roundRobin } from './strategies.ts';

export interface Cost {
  readonly locks: number;
  /** Operations of the atomic door. */
  readonly atomics: number;
  /** Interests, stands in wait queues, ready entries and nodes of the interests' map: each counted once. */
  readonly visits: number;
}

type Body = Generator<number, void, number>;
/** Runs in a guest; what happens between `begin` and each `mark` is one figure. */
interface Meter {
  begin(): void;
  mark(): void;
}

/** Where the records of a slab lie, and which of their words are looked for; all in words. */
interface Region {
  readonly base: number;
  readonly end: number;
  readonly stride: number;
  readonly from: number;
  readonly words: number;
}

function regionOf(slab: number, from: number, words: number): Region {
  const [base, stride, capacity] = [Slab.base, Slab.stride, Slab.capacity].map(({ off }) => I32[slab + off]!);
  return { base: base!, end: base! + stride! * capacity!, stride: stride!, from, words };
}

/** Of a machine that is booted. */
function regions(): readonly Region[] {
  const whole = [Machine.interests, Machine.waitEntries, Machine.readyEntries, Machine.mapNodes];
  return [
    ...whole.map((slab) => regionOf(slab.at(MACHINE), 0, Number.POSITIVE_INFINITY)),
    // The first stand of a task is part of its record.
    regionOf(Machine.tasks.at(MACHINE), Task.firstWait.off, WaitEntry.size),
  ];
}

/** Of the CPU that runs; it counts them with checks on. */
function locksTaken(): number {
  return F64[(cpu + CpuCore.locksTaken.off) >> 1]!;
}

class CountingWatcher implements Watcher, Meter {
  readonly counts: Cost[] = [];
  #regions: readonly Region[] = [];
  #counting = false;
  #locksBefore = 0;
  #atomics = 0;
  #records = new Set<number>();

  begin(): void {
    if (this.#regions.length === 0) this.#regions = regions();
    this.#counting = true;
    this.#locksBefore = locksTaken();
    this.#atomics = 0;
    this.#records = new Set();
  }
  mark(): void {
    this.counts.push({ locks: locksTaken() - this.#locksBefore, atomics: this.#atomics, visits: this.#records.size });
    this.begin();
  }

  read(address: number): void {
    this.#touch(address);
  }
  write(address: number): void {
    this.#touch(address);
  }
  atomic(address: number): void {
    if (this.#counting) this.#atomics++;
    this.#touch(address);
  }
  #touch(address: number): void {
    if (!this.#counting) return;
    for (const { base, end, stride, from, words } of this.#regions) {
      if (address < base || address >= end) continue;
      const at = (address - base) % stride;
      if (at >= from && at - from < words) this.#records.add(address - at);
    }
  }
}

const EPOLL = 3;
const FIRST = 4;
const BUFFER = 4096;

/** Writes an event into the guest's memory. @returns where */
function eventAt(guest: Guest, events: number, data: number): number {
  const at = guest.buffer + BUFFER;
  I32.set([events, data, 0], at >> 2);
  return at;
}

/** An instance that watches `fds` eventfds, of which the last `ready` can be read. */
function* watching(guest: Guest, fds: number, ready: number): Body {
  yield guest.call('epoll_create1', 0);
  for (let i = 0; i < fds; i++) {
    yield guest.call('eventfd2', i < fds - ready ? 0 : 1, EFD_NONBLOCK);
    yield guest.call('epoll_ctl', EPOLL, EPOLL_CTL_ADD, FIRST + i, eventAt(guest, EPOLLIN, FIRST + i));
  }
}

/** Meters a call, after one that does nothing. */
function* metered(guest: Guest, meter: Meter, call: () => number): Body {
  meter.begin();
  yield guest.call('getppid');
  meter.mark();
  yield call();
  meter.mark();
}

/** EPOLL_CTL_ADD of an eventfd that is not ready, to an instance that watches `fds` already. */
export function addCost(scene: Scene, design: EpollDesign, fds: number): Cost {
  const body = (meter: Meter): GuestBody =>
    function* (guest) {
      yield* watching(guest, fds, 0);
      yield guest.call('eventfd2', 0, EFD_NONBLOCK);
      const event = eventAt(guest, EPOLLIN, 0);
      yield* metered(guest, meter, () => guest.call('epoll_ctl', EPOLL, EPOLL_CTL_ADD, FIRST + fds, event));
    };
  return counted(scene, design, fds + 1, (meter) => [body(meter)])[0]!;
}

/** epoll_wait with timeout 0 on `fds` descriptors of which `ready` are, and room for all. */
export function waitCost(scene: Scene, design: EpollDesign, fds: number, ready: number): Cost {
  const body = (meter: Meter): GuestBody =>
    function* (guest) {
      yield* watching(guest, fds, ready);
      const room = Math.max(1, ready);
      yield* metered(guest, meter, () => guest.call('epoll_wait', EPOLL, guest.buffer + BUFFER, room, 0));
    };
  return counted(scene, design, fds, (meter) => [body(meter)])[0]!;
}

/**
 * A write to an eventfd that one instance watches by edge, while `waiters` threads sleep in epoll_wait on it. The first
 * cost is the writer's, the second that of all who run until it is the writer's turn again.
 */
export function wakeCost(scene: Scene, design: EpollDesign, waiters: number): readonly [Cost, Cost] {
  const waiter: GuestBody = function* (guest) {
    for (;;) {
      yield guest.call('epoll_wait', EPOLL, guest.buffer + BUFFER, 1, -1);
      yield guest.call('read', FIRST, guest.buffer, 8);
    }
  };
  const writer = (meter: Meter): GuestBody =>
    function* (guest) {
      yield guest.call('epoll_create1', 0);
      yield guest.call('eventfd2', 0, EFD_NONBLOCK);
      const event = eventAt(guest, EPOLLIN | EPOLLET, FIRST);
      yield guest.call('epoll_ctl', EPOLL, EPOLL_CTL_ADD, FIRST, event);
      // Each of the others gets its turn, and sleeps in its wait.
      yield guest.call('sched_yield');
      guest.put(1);
      yield* metered(guest, meter, () => guest.call('write', FIRST, guest.buffer, 8));
      yield guest.call('sched_yield');
      meter.mark();
      yield guest.call('exit_group', 0);
    };
  const threads = (meter: Meter): GuestBody[] => [writer(meter), ...Array.from({ length: waiters }, () => waiter)];
  const [write, after] = counted(scene, design, 1, threads);
  return [write!, after!];
}

/** Runs the guests. @returns the costs behind the first mark, less that first one */
function counted(scene: Scene, epoll: EpollDesign, fds: number, bodies: (meter: Meter) => readonly GuestBody[]) {
  const watcher = new CountingWatcher();
  const threads = bodies(watcher);
  const many = threads.length + fds + 8;
  const run = steppedMachine({
    scene,
    threads: threads.map((body) => ({ home: 0, body })),
    cpus: 1,
    eventfds: [],
    lock: 'ttas',
    lockSpins: 0,
    room: { epoll, files: many, nofile: many, interests: many, userBytes: 65_536 },
    maxSteps: 10_000_000,
  });
  const { end } = run(roundRobin(0), watcher);
  if (end !== 'done') throw new Error(`the costs of ${epoll} could not be counted: ${end}`);
  const [nothing, ...costs] = watcher.counts;
  return costs.map(
    ({ locks, atomics, visits }): Cost => ({
      locks: locks - nothing!.locks,
      atomics: atomics - nothing!.atomics,
      visits,
    }),
  );
}
