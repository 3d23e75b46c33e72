/**
 * The machine's own record: its configuration (fixed at boot), where everything lies, and the few words that all CPUs
 * share. There is one, at a fixed place, so every kernel file may name it.
 */
import { List } from '../shared-mem/list.ts';
import { LOCK_CLASSES } from '../shared-mem/locks/classes.ts';
import { SpinLock } from '../shared-mem/locks/spin-lock.ts';
import { FIRST_RECORD } from '../shared-mem/layout.ts';
import type { Address, CpuPtr, Ptr } from '../shared-mem/pointer.ts';
import { Slab } from '../shared-mem/slab.ts';
import { atomic, cacheLine, embed, f64, plain, plains, struct } from '../shared-mem/struct.ts';
import { VeridianRegistry } from './epoll/veridian/records.ts';
import { SocketNames } from './file/socket-names-struct.ts';
import { WaitQueue } from './wait/wait-queue-struct.ts';

export const Machine = struct('Machine', {
  line: cacheLine(),
  magic: plain('immutable'),
  version: plain('immutable'),
  words: plain('immutable'),
  /** 1 once the memory is laid out: nothing is laid out twice, and no lock word is ever zeroed again. */
  sealed: atomic(),
  cpus: plain('immutable'),
  hz: plain('immutable'),
  design: plain('immutable'),
  /** Index into LOCK_NAMES, by class: the algorithm of its locks. */
  lockKinds: plains(LOCK_CLASSES.length, 'immutable'),
  /** 0 x86_64, 1 arm64 */
  abi: plain('immutable'),
  firstCpu: plain<CpuPtr>('immutable'),
  /** Descriptors a process may have. */
  nofile: plain('immutable'),
  /** Bytes of user memory a process has. */
  userBytes: plain('immutable'),
  /** First byte of the first process's user memory. */
  userBase: plain('immutable'),
  fdSlots: plain<Address>('immutable'),
  /** The last exits, pairs (pid, status), and how many pairs fit. */
  exitLog: plain<Address>('immutable'),
  exitLogSize: plain('immutable'),
  /** Ticks of a task before another runnable one takes its place. */
  sliceTicks: plain('immutable'),
  seed: plain('immutable'),
  tickNs: f64('immutable'),
  idleSpinNs: f64('immutable'),
  /** Host monotonic ns (process.hrtime) at boot: the zero of the machine's clock. */
  bootHostNs: f64('immutable'),
  /** Wall clock at boot, s and ns. */
  bootWallSeconds: f64('immutable'),
  bootWallNs: f64('immutable'),

  stateLine: cacheLine(),
  /** MACHINE_* below. */
  state: atomic(),
  /** Grows with every exit of a process and every change of state; the host waits on it. */
  hostBell: atomic(),
  /** Processes of the host's that ended, ever. */
  exits: atomic(),
  cpusStarted: atomic(),
  liveTasks: atomic(),
  /** How many CPUs found nothing to run and sleep or are about to; above that, how often one stopped (cpu/idle.ts). */
  idling: atomic(),
  /** Things outside that may still act (a paused host, a live actor): while there is one, quiet is not a deadlock. */
  outsideActors: atomic(),
  /** Grace periods begun; see cpu/quiescence.ts. */
  epoch: atomic(),
  /** Timers that are armed outside of sleeping tasks (timerfd): while there is one, quiet is not a deadlock. */
  armedTimers: atomic(),
  /** Verdict of the CPU that stopped the machine: VERDICT_*. */
  verdict: atomic(),
  /** Warp: what the clock jumped over so far, guarded by a sequence count (odd: being written). */
  warpSequence: atomic(),
  warpNs: f64('owned:warp sequence'),

  slabLine: cacheLine(),
  tasks: embed(Slab),
  processes: embed(Slab),
  addressSpaces: embed(Slab),
  fdTables: embed(Slab),
  files: embed(Slab),
  pages: embed(Slab),
  pipes: embed(Slab),
  sockets: embed(Slab),
  controls: embed(Slab),
  waitEntries: embed(Slab),
  frames: embed(Slab),
  signalInfos: embed(Slab),
  epolls: embed(Slab),
  interests: embed(Slab),
  readyEntries: embed(Slab),
  mapNodes: embed(Slab),

  queueLine: cacheLine(),
  /** Kevlar's POLL_WAIT_QUEUE: the one queue that all its waiters stand in. */
  globalQueue: embed(WaitQueue),
  /** FUTEX_BUCKETS wait queues, one after the other (syscall/futex.ts). */
  futexQueues: plain<Address>('immutable'),
  /** Guards which epoll watches which, while an epoll is added to another: a check for cycles sees one picture. */
  nestingLock: embed(SpinLock),
  /** Paths of each length that a search found, under the nesting lock (epoll/linux/nesting.ts). */
  pathCounts: plains(5, 'nestingLock'),
  /** Searches through nested instances so far. */
  searches: plain('nestingLock'),
  allEpolls: embed(List),
  /** VeridianOS's: every instance, under one lock. */
  epollRegistry: embed(VeridianRegistry),
  /** Guards the tree of processes, and the log of exits. */
  treeLock: embed(SpinLock),
  /** Descriptors on their way in messages of sockets (file/in-flight.ts), of any kind. */
  inFlight: atomic(),
  /** Guards `flyingSockets`, and what the collector notes of each. */
  flightLock: embed(SpinLock),
  /** Files of kind socket that are on their way in some message. */
  flyingSockets: embed(List),
  /** Names of unix sockets (file/socket-names.ts). */
  socketNames: embed(SocketNames),
});
export type MachinePtr = Ptr<'Machine'>;
export const MACHINE = FIRST_RECORD as MachinePtr;

export const MACHINE_RUNNING = 1;
export const MACHINE_PAUSED = 2;
export const MACHINE_STOPPED = 3;
export const MACHINE_DEAD = 4;

export const VERDICT_NONE = 0;
export const VERDICT_PANIC = 1;
export const VERDICT_DEADLOCK = 2;
export const VERDICT_LOCKUP = 3;
export const VERDICT_PROGRAM = 4;
