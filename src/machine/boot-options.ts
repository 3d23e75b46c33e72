/**
 * What a machine can be booted with, as a library's user writes it. The schema that checks it, with ranges and defaults,
 * is config.ts; `smplab.config.schema.json` is printed from both.
 *
 * Counts are maxima, laid out at boot: who asks for more later gets Linux's errno. The whole machine may have 2 GiB.
 */
import type { Abi, EpollDesign } from '../kernel/abi/types.ts';

/** Options of `Machine.boot`. Every one has a default, and a wrong one is a `BootError` that says what it may be. */
export interface BootOptions {
  /** Simulated CPUs, each a worker thread: 1 to 64. */
  cpus?: number | undefined;
  /** Timer ticks a second on every CPU: 1 to 10,000. */
  hz?: number | undefined;
  /** Design of epoll, and with it of who is woken: its project's name. */
  epoll?: EpollDesign | undefined;
  /** Numbers and layouts of system calls: those of Linux on x86_64, or on arm64. */
  abi?: Abi | undefined;
  /** Algorithm of the locks: one name, as `ticket`, or one by class, as `ttas,runqueue=ticket`. */
  lock?: string | undefined;
  /** How long an idle CPU spins before it sleeps, ns: 0 to 1e9. */
  idleSpinNs?: number | undefined;
  /** Turns that a CPU spins for a lock before it sleeps. */
  lockSpins?: number | undefined;
  /** Ticks that a task runs while others wait for its CPU. */
  sliceTicks?: number | undefined;
  /** Seed of everything that is random: a whole number. */
  seed?: number | undefined;
  /** Tasks (threads) that may live at once. Beyond: EAGAIN. */
  tasks?: number | undefined;
  /** Processes that may live at once. Beyond: EAGAIN. */
  processes?: number | undefined;
  /** User memories of processes, 0: one each. Those that share one (CLONE_VM) need fewer. Beyond: EAGAIN. */
  addressSpaces?: number | undefined;
  /** Open files of the whole machine. Beyond: ENFILE. */
  files?: number | undefined;
  /** Descriptors of a process (RLIMIT_NOFILE). Beyond: EMFILE. */
  nofile?: number | undefined;
  /** Epoll instances. Beyond: ENOMEM. */
  epolls?: number | undefined;
  /** Descriptors that all epoll instances together watch. Beyond: ENOSPC, or with Kevlar ENOMEM. */
  interests?: number | undefined;
  /** Pipes. Beyond: ENFILE. */
  pipes?: number | undefined;
  /** Sockets, two a pair. Beyond: ENFILE. */
  sockets?: number | undefined;
  /** Pending signals of which more is known than their number, of all processes together (RLIMIT_SIGPENDING). */
  signalInfos?: number | undefined;
  /** Buffers of 4096 bytes, of which pipes, sockets and memfds hold their data. */
  pages?: number | undefined;
  /** User memory of a process, bytes: whole pages of 4096. */
  userBytes?: number | undefined;
  /** Verify lock order, lock owners, field guards and freed records at every step. */
  checks?: boolean | undefined;
  /** Count wakeups by class, with latencies: two clock reads a wakeup. */
  profile?: boolean | undefined;
  /** A wake with nobody waiting returns after one atomic load. Off only to measure what that is worth. */
  fastPath?: boolean | undefined;
  /** Kevlar's cache of poll results, per interest. */
  pollCache?: boolean | undefined;
  /** The clock jumps to the next deadline when every CPU idles. */
  warp?: boolean | undefined;
  /** JavaScript memory of each CPU's thread, MiB. A guest that needs more ends the machine. */
  heapMb?: number | undefined;
  /** A CPU that stays in kernel code for so long without moving has locked up, ms: the machine dies, with a report. */
  lockupMs?: number | undefined;
  /** A task that is runnable for so long and does not run is starving, ms: a warning, with a report. */
  starvationMs?: number | undefined;
}
