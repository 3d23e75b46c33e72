/**
 * A CPU's record. Its core (what locks need) comes first, so one pointer is both; then what it runs, its timer, and
 * what it counts. Fields marked owned:cpu are written by that CPU only; reports peek at them.
 */
import { CpuCore } from '../../shared-mem/cpu-core.ts';
import { EventRing } from '../../shared-mem/event-ring.ts';
import { List } from '../../shared-mem/list.ts';
import { SpinLock } from '../../shared-mem/locks/spin-lock.ts';
import type { Address, CpuPtr, Ptr } from '../../shared-mem/pointer.ts';
import { atomic, cacheLine, embed, f64, plain, plains, struct } from '../../shared-mem/struct.ts';
import { MACHINE, Machine } from '../machine-record.ts';
import { SignalInfo } from '../signal/pending-struct.ts';
import { WaitEntry } from '../wait/wait-queue-struct.ts';

/** Handles that one wake takes from a queue at a time. */
export const WAKE_BATCH = 32;
/** A handle's words: task, generation, source, keys. */
export const BATCH_WORDS = 4;
/** Buckets of a latency histogram: eight for each power of two from 1 ns on. */
export const HISTOGRAM_BUCKETS = 256;

/** A siginfo_t, or a signalfd_siginfo. */
export const SIGINFO_WORDS = 32;

export const Cpu = struct('Cpu', {
  core: embed(CpuCore),

  runLine: cacheLine(),
  runLock: embed(SpinLock),
  runList: embed(List),
  /** Tasks on the run list, for a look without the lock. */
  runCount: atomic(),
  /** Living tasks whose home this is. */
  residents: atomic(),
  current: plain<Ptr<'Task'>>('owned:cpu'),
  /** CPU_* below: what a report says it was doing. Set twice a trap, so it is no atomic word. */
  activity: plain('owned:cpu'),
  needResched: plain('owned:cpu'),
  /** A timer interrupt was taken and its work is still to be done. */
  timerDue: plain('owned:cpu'),
  /** 1: the last idle spin ended without work; the next idle phase sleeps at once. Running a task clears it. */
  spunSinceWork: plain('owned:cpu'),
  /** Units of work until the clock is read again; how many there were at the last look, and when that was, ns. */
  workLeft: plain('owned:cpu'),
  workGiven: plain('owned:cpu'),
  checkedAtNs: f64('owned:cpu'),
  sliceLeft: plain('owned:cpu'),
  /** Grace periods that this CPU has witnessed; IDLE_EPOCH while it idles. */
  seenEpoch: atomic(),
  /** Files released but perhaps still looked at by another CPU, the oldest first; linked through File.limboNext. */
  limbo: plain<Ptr<'File'>>('owned:cpu'),
  limboLast: plain<Ptr<'File'>>('owned:cpu'),
  /** Files that are dead, but not released yet, the last first; linked likewise. */
  dropped: plain<Ptr<'File'>>('owned:cpu'),
  /** Ended tasks and processes, which others find by number; linked through their headers. And their newest period. */
  limboTasks: plain<Ptr<'Task'>>('owned:cpu'),
  limboProcesses: plain<Ptr<'Process'>>('owned:cpu'),
  endedPeriod: plain('owned:cpu'),
  /** 1: a task ends, and is on its way there; who waits for its end may be told before. */
  ending: plain('owned:cpu'),
  /** Those that wait together for one period; younger ones gather in limbo meanwhile. */
  ripeningTasks: plain<Ptr<'Task'>>('owned:cpu'),
  ripeningProcesses: plain<Ptr<'Process'>>('owned:cpu'),
  ripeningEndedPeriod: plain('owned:cpu'),

  timerLine: cacheLine(),
  timerLock: embed(SpinLock),
  timerCount: plain('timerLock'),
  /** A binary heap of Timer pointers, earliest first. */
  timerHeap: plain<Address>('immutable'),
  timerCapacity: plain('immutable'),
  /** While it rests: the earliest deadline of those that stay runnable, which stand in no heap (cpu/rest.ts). */
  restDeadlineNs: f64('timerLock'),
  /** When the next tick is due, ns. */
  nextTickNs: f64('owned:cpu'),
  /** The earliest deadline as this CPU knows it, so that an idle CPU knows how long to sleep. */
  nextDeadlineNs: f64('owned:cpu'),
  clockOffsetNs: f64('owned:cpu'),
  /** The clock as last read. */
  lastNowNs: f64('owned:cpu'),
  /** Tasks of this CPU that sleep with a deadline which no heap holds: a tick will wake them (wait/sleep.ts). */
  tickSleepers: plain('owned:cpu'),
  /** 1: a pass over many files is open and has not read the clock; 2: it has (time/clock.ts). */
  clockPass: plain('owned:cpu'),

  /** What is counted without bound is a float64: an int32 would overflow within a day. */
  countLine: cacheLine(),
  ticksTaken: f64('owned:cpu'),
  /** Ticks that were due while an earlier one was still pending: merged into it. */
  ticksCoalesced: f64('owned:cpu'),
  interruptsTaken: f64('owned:cpu'),
  traps: f64('owned:cpu'),
  idleSleeps: f64('owned:cpu'),
  /** Idle phases that ended while still spinning. */
  idleSpins: f64('owned:cpu'),
  switches: f64('owned:cpu'),
  yieldRests: f64('owned:cpu'),
  /** Traps up to the last yield: more than one since then, and something else was done than yielding. */
  trapsAtYield: f64('owned:cpu'),
  /** Yields since a task of this CPU last did anything else. */
  yieldStreak: plain('owned:cpu'),
  /** cpu/rest.ts: 1 while its tasks do nothing but look in vain since its last rest, and `Machine.idling` when that ended. */
  inVain: plain('owned:cpu'),
  stopsSeen: plain('owned:cpu'),
  /** While it rests: the stops (above the idlers in `Machine.idling`) after which each of its tasks has looked, or -1. */
  lookedAfter: atomic(),
  /** The earliest deadline of those that stayed runnable since its last rest, ns. */
  yieldDeadlineNs: f64('owned:cpu'),
  useful: f64('owned:cpu'),
  timeouts: f64('owned:cpu'),
  signals: f64('owned:cpu'),
  herd: f64('owned:cpu'),
  nudge: f64('owned:cpu'),
  spurious: f64('owned:cpu'),
  queued: f64('owned:cpu'),
  /** Files polled by the epoll design while looking for ready ones. */
  repolls: f64('owned:cpu'),
  /** Events that epoll_wait delivered, and calls of it that ended. */
  eventsDelivered: f64('owned:cpu'),
  epollWaits: f64('owned:cpu'),
  /** The ready queues of WASIX: pushes; those that changed nothing; entries dropped as stale, and as empty. */
  enqueueAttempts: f64('owned:cpu'),
  dedupeHits: f64('owned:cpu'),
  staleDrops: f64('owned:cpu'),
  emptyDequeues: f64('owned:cpu'),
  /** Looks at a whole instance under the registry's lock, and looks in vain after which a task stayed runnable. */
  registryScans: f64('owned:cpu'),
  yields: f64('owned:cpu'),
  wakeLatency: plains(HISTOGRAM_BUCKETS, 'owned:cpu'),
  tickLateness: plains(HISTOGRAM_BUCKETS, 'owned:cpu'),
  wakeLatencyMaxNs: f64('owned:cpu'),

  batchLine: cacheLine(),
  /** What is known of the signal that it sends now, and of the one that it took last (signal/pending-set.ts). */
  sentInfo: embed(SignalInfo),
  takenInfo: embed(SignalInfo),
  /** Where a siginfo is put together for a guest. */
  siginfo: plains(SIGINFO_WORDS, 'owned:cpu'),
  /** Handles taken from a queue, to be woken after its lock is released. */
  batch: plains(WAKE_BATCH * BATCH_WORDS, 'owned:cpu'),
  batched: plain('owned:cpu'),
  /** Marks how far a wake came in a queue while it wakes a batch. */
  bookmark: embed(WaitEntry),
  events: embed(EventRing),
});

export const IDLE_EPOCH = 0x7fffffff;

export const CPU_OFF = 0;
export const CPU_USER = 1;
export const CPU_KERNEL = 2;
export const CPU_IDLE = 3;
export const CPU_PAUSED = 4;
export const CPU_ACTIVITY_NAMES: readonly string[] = ['off', 'in a task', 'in the kernel', 'idle', 'paused'];

/** The record of CPU `index`. */
export function cpuRecord(index: number): CpuPtr {
  return (Machine.firstCpu.get(MACHINE) + index * Cpu.size) as CpuPtr;
}

/** The bucket of a duration: eight buckets for each power of two. */
export function histogramBucket(ns: number): number {
  if (ns < 8) return ns < 0 ? 0 : ns | 0;
  const whole = ns > 0x7fffffff ? 0x7fffffff : ns | 0;
  const power = 31 - Math.clz32(whole);
  return (power - 2) * 8 + ((whole >> (power - 3)) & 7);
}

/** The smallest duration that falls into a bucket, ns. */
export function bucketStartNs(bucket: number): number {
  if (bucket < 8) return bucket;
  const power = (bucket >> 3) + 2;
  return 2 ** power + (bucket & 7) * 2 ** (power - 3);
}
