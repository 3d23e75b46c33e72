/**
 * What a machine counted, read from a snapshot: wakeups by class, repolls, ticks, idling. Field names of `wakeups` are
 * those of the command line's JSON. Times in ns.
 */
import { bucketStartNs, Cpu } from '../kernel/cpu/cpu.ts';
import { CpuCore } from '../shared-mem/cpu-core.ts';
import type { SlabName } from '../kernel/boot/plan.ts';
import type { FloatField, Snapshot } from './snapshot.ts';

export interface Wakeups {
  readonly total: number;
  readonly useful: number;
  readonly timeout: number;
  readonly signal: number;
  readonly herd: number;
  readonly nudge: number;
  readonly spurious: number;
  readonly queued: number;
}
export interface CpuStats {
  readonly traps: number;
  readonly switches: number;
  readonly ticksTaken: number;
  readonly ticksCoalesced: number;
  readonly interruptsTaken: number;
  readonly idleSleeps: number;
  readonly idleSpins: number;
  /** Looks in vain after which a task stayed runnable. */
  readonly yields: number;
  readonly yieldRests: number;
  readonly lockSleeps: number;
}
/** What WASIX counts of its ready queues; 0 in other designs. */
export interface ReadyQueueStats {
  readonly enqueueAttempts: number;
  readonly dedupeHits: number;
  readonly staleGenerationDrops: number;
  readonly emptyDequeues: number;
}
export interface MachineStats {
  readonly wakeups: Wakeups;
  readonly latency: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly tickLateness: { readonly p50: number; readonly p99: number };
  readonly repolls: number;
  /** Scans under the lock of VeridianOS's registry; 0 with other designs. */
  readonly scans: number;
  readonly epollWaits: number;
  readonly eventsDelivered: number;
  readonly readyQueue: ReadyQueueStats;
  readonly cpus: readonly CpuStats[];
  readonly census: Record<SlabName, { live: number; highWater: number; capacity: number }>;
}

export function statsOf(snapshot: Snapshot): MachineStats {
  const sum = (field: FloatField): number => {
    let total = 0;
    for (let c = 0; c < snapshot.config.cpus; c++) total += snapshot.float(snapshot.cpu(c), field);
    return total;
  };
  const classes = {
    useful: sum(Cpu.useful),
    timeout: sum(Cpu.timeouts),
    signal: sum(Cpu.signals),
    herd: sum(Cpu.herd),
    nudge: sum(Cpu.nudge),
    spurious: sum(Cpu.spurious),
  };
  const latency = snapshot.histogram(Cpu.wakeLatency);
  const lateness = snapshot.histogram(Cpu.tickLateness);
  let max = 0;
  for (let c = 0; c < snapshot.config.cpus; c++) {
    max = Math.max(max, snapshot.float(snapshot.cpu(c), Cpu.wakeLatencyMaxNs));
  }
  return {
    wakeups: {
      total: Object.values(classes).reduce((a, b) => a + b, 0),
      ...classes,
      queued: sum(Cpu.queued),
    },
    // A percentile is the end of its bucket, which may lie beyond the largest sample.
    latency: {
      p50: Math.min(percentile(latency, 0.5), Math.round(max)),
      p99: Math.min(percentile(latency, 0.99), Math.round(max)),
      max: Math.round(max),
    },
    tickLateness: { p50: percentile(lateness, 0.5), p99: percentile(lateness, 0.99) },
    repolls: sum(Cpu.repolls),
    scans: sum(Cpu.registryScans),
    epollWaits: sum(Cpu.epollWaits),
    eventsDelivered: sum(Cpu.eventsDelivered),
    readyQueue: {
      enqueueAttempts: sum(Cpu.enqueueAttempts),
      dedupeHits: sum(Cpu.dedupeHits),
      staleGenerationDrops: sum(Cpu.staleDrops),
      emptyDequeues: sum(Cpu.emptyDequeues),
    },
    cpus: Array.from({ length: snapshot.config.cpus }, (_, c) => cpuStats(snapshot, snapshot.cpu(c))),
    census: snapshot.census(),
  };
}

function cpuStats(snapshot: Snapshot, record: number): CpuStats {
  return {
    traps: snapshot.float(record, Cpu.traps),
    switches: snapshot.float(record, Cpu.switches),
    ticksTaken: snapshot.float(record, Cpu.ticksTaken),
    ticksCoalesced: snapshot.float(record, Cpu.ticksCoalesced),
    interruptsTaken: snapshot.float(record, Cpu.interruptsTaken),
    idleSleeps: snapshot.float(record, Cpu.idleSleeps),
    idleSpins: snapshot.float(record, Cpu.idleSpins),
    yields: snapshot.float(record, Cpu.yields),
    yieldRests: snapshot.float(record, Cpu.yieldRests),
    lockSleeps: snapshot.float(record, CpuCore.lockSleeps),
  };
}

/** The end of the bucket that holds the given share of all samples; 0 without samples. */
export function percentile(histogram: readonly number[], share: number): number {
  const total = histogram.reduce((a, b) => a + b, 0);
  if (total === 0) return 0;
  let seen = 0;
  for (let bucket = 0; bucket < histogram.length; bucket++) {
    seen += histogram[bucket]!;
    if (seen >= total * share) return Math.round(bucketStartNs(bucket + 1));
  }
  return Math.round(bucketStartNs(histogram.length));
}
