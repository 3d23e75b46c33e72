/**
 * Torture of one lock: as many threads as CPUs hammer it for some seconds, and this host's thread only looks. It sees a
 * CPU that does not come in any more and ends the run with a report; so a broken lock cannot hang whoever tortures it.
 *
 * What stands still is judged by what the others do. A CPU that sleeps for the lock while others come and go had no
 * ring: a lost wakeup. If nobody comes in, or nobody comes out, it is a lockup. Nothing here rings a doorbell before the
 * verdict, for that would mend what it looks for.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { BootConfig } from '../kernel/boot/plan.ts';
import { defaultBootConfig } from '../kernel/boot/plan.ts';
import { HISTOGRAM_BUCKETS } from '../kernel/cpu/cpu.ts';
import { Snapshot } from '../machine/snapshot.ts';
import { workerFile } from '../machine/worker-file.ts';
import { defaultBootConstants } from '../shared-mem/boot-constants.ts';
import { CpuCore } from '../shared-mem/cpu-core.ts';
import { LOCK_NAMES, type LockName } from '../shared-mem/locks/classes.ts';
import type { HammerOrder, LockTorturePlaces } from './lock-record.ts';
import {
  DOING_ENDED,
  DOING_HOLD,
  DOING_NOTHING,
  DOING_WAIT,
  LockTorture,
  LockTortureCpu,
  lockTortureConfig,
  placesOf,
} from './lock-record.ts';
import { type CpuCount, type LockRow, lockRow } from './lock-verdict.ts';

export interface LockTortureOptions {
  readonly lock: LockName;
  readonly cpus: number;
  readonly seconds: number;
  readonly checks?: boolean;
  readonly seed?: number;
  /** Turns of a wait before it sleeps; the machine's by default. */
  readonly spinBudget?: number;
  readonly holdNs?: number;
  readonly restNs?: number;
  readonly irqOff?: boolean;
  /** A CPU that waits so long, whatever the others do, is lost. */
  readonly stallSeconds?: number;
  /** Ends the run early; what was counted is reported. */
  readonly signal?: AbortSignal;
  /** Told a few times a second. */
  readonly progress?: (acquisitions: number) => void;
  /** Another bundle of lock-hammer.ts, for tests. */
  readonly bundle?: string;
}

const LOOK_MS = 50;
const START_LIMIT_MS = 10_000;
const STALL_SECONDS = 2;

/** @returns the row; a broken lock is a row with failures and never an error */
export async function tortureLock(options: LockTortureOptions): Promise<LockRow> {
  const run = new LockRun(options);
  return run.toTheEnd();
}

class LockRun {
  private readonly options: LockTortureOptions;
  private readonly config: BootConfig;
  private readonly places: LockTorturePlaces;
  private readonly snapshot: Snapshot;
  private readonly workers: Worker[] = [];
  private readonly troubles: string[] = [];
  private ended = 0;
  private startMs = 0;
  private stopMs = 0;
  /** Of each CPU: its acquisitions when it last moved, its doorbell then, and when that was. */
  private readonly last: { acquisitions: number; doorbell: number; movedMs: number }[] = [];

  constructor(options: LockTortureOptions) {
    this.options = options;
    const lockSpins = options.spinBudget ?? defaultBootConfig.lockSpins;
    this.config = lockTortureConfig(options.cpus, lockSpins, options.seed ?? 1);
    this.places = placesOf(this.config);
    const memory = new SharedArrayBuffer(this.places.plan.bytes);
    this.snapshot = new Snapshot(memory, this.config, this.places.plan);
    // One zero for all clocks.
    const hostNs = Number(process.hrtime.bigint());
    for (let index = 0; index < options.cpus; index++) this.workers.push(this.startHammer(memory, index, hostNs));
  }

  private startHammer(memory: SharedArrayBuffer, index: number, hostNs: number): Worker {
    const { options } = this;
    const hammer: HammerOrder = {
      index,
      kind: LOCK_NAMES.indexOf(options.lock),
      config: this.config,
      times: { hostNs, wallSeconds: 0, wallNs: 0 },
      seed: options.seed ?? 1,
      holdNs: options.holdNs ?? 0,
      restNs: options.restNs ?? 0,
      irqOff: options.irqOff === true,
    };
    const checks = options.checks === true;
    const worker = new Worker(options.bundle ?? workerFile(checks, 'lock-hammer'), {
      workerData: { smplab: { memory, constants: { ...defaultBootConstants, checks } }, hammer },
      execArgv: [],
    });
    worker.on('message', () => this.ended++);
    worker.on('error', (error: Error) => {
      this.ended++;
      this.troubles.push(`panic: CPU ${index}: ${error.message}`);
    });
    return worker;
  }

  async toTheEnd(): Promise<LockRow> {
    try {
      await this.begun();
      await this.hammered();
      await this.stopped();
    } finally {
      await Promise.all(this.workers.map((worker) => worker.terminate()));
    }
    return lockRow({
      lock: this.options.lock,
      seconds: Math.max(0.001, (this.stopMs - this.startMs) / 1000),
      cpus: this.places.cpus.map((_, index) => this.countOf(index)),
      counter: this.nobodyIsInside() ? this.snapshot.float(this.places.torture, LockTorture.counter) : undefined,
      spinBudget: this.config.lockSpins,
      oversubscribed: this.options.cpus > availableParallelism(),
      troubles: this.troubles,
    });
  }

  private async begun(): Promise<void> {
    const limitMs = performance.now() + START_LIMIT_MS;
    while (this.ready() < this.options.cpus && this.troubles.length === 0) {
      if (performance.now() > limitMs) {
        this.troubles.push(`start: only ${this.ready()} of ${this.options.cpus} CPUs began in ${START_LIMIT_MS} ms`);
      }
      await pause(5);
    }
    this.startMs = performance.now();
    this.stopMs = this.startMs;
  }

  private ready(): number {
    return this.snapshot.word(this.places.torture, LockTorture.ready);
  }

  private async hammered(): Promise<void> {
    const endMs = this.startMs + this.options.seconds * 1000;
    while (performance.now() < endMs && this.options.signal?.aborted !== true && !this.hasFailed()) {
      await pause(Math.min(LOOK_MS, Math.max(1, endMs - performance.now())));
      this.look();
      this.options.progress?.(this.acquisitions().reduce((a, b) => a + b, 0));
    }
    this.stopMs = performance.now();
  }

  private hasFailed(): boolean {
    const counted = [LockTortureCpu.intrusions, LockTortureCpu.interruptsInside];
    return (
      this.troubles.length > 0 ||
      this.places.cpus.some((record) => counted.some((field) => this.snapshot.word(record, field) > 0))
    );
  }

  /** Tells the CPUs to stop, and waits for them as long as for one that waits for the lock. */
  private async stopped(): Promise<void> {
    this.snapshot.words[this.places.torture + LockTorture.stop.off] = 1;
    while (this.ended < this.options.cpus && this.troubles.length === 0) {
      await pause(5);
      this.look();
    }
  }

  private acquisitions(): number[] {
    return this.places.cpus.map((record) => this.snapshot.float(record, LockTortureCpu.acquisitions));
  }

  private look(): void {
    const nowMs = performance.now();
    const acquisitions = this.acquisitions();
    acquisitions.forEach((count, index) => {
      const doorbell = this.snapshot.word(this.snapshot.cpu(index), CpuCore.doorbell);
      const last = this.last[index];
      if (last === undefined || last.acquisitions !== count) {
        this.last[index] = { acquisitions: count, doorbell, movedMs: nowMs };
      }
    });
    const stallMs = (this.options.stallSeconds ?? STALL_SECONDS) * 1000;
    const doings = this.places.cpus.map((record) => this.snapshot.word(record, LockTortureCpu.doing));
    const stands = (index: number): boolean => nowMs - this.last[index]!.movedMs >= stallMs;
    const waiting = doings.flatMap((doing, index) => (doing === DOING_WAIT && stands(index) ? [index] : []));
    const holding = doings.flatMap((doing, index) => (doing === DOING_HOLD && stands(index) ? [index] : []));
    if (waiting.length === 0 && holding.length === 0) return;
    // Judged by who still moves: not yet known while somebody has not stood still for long enough.
    const moving = doings.some((doing, index) => !stands(index) && doing !== DOING_ENDED && doing !== DOING_NOTHING);
    const moved = this.last.some(({ movedMs }, index) => !stands(index) || movedMs > this.last[waiting[0]!]!.movedMs);
    for (const index of holding) {
      this.troubles.push(`lockup: CPU ${index} has been inside for ${stallMs / 1000} s; it waits to get out`);
    }
    if (holding.length > 0) return;
    if (moving || moved) for (const index of waiting) this.troubles.push(this.lostOne(index, stallMs));
    else this.troubles.push(`lockup: nobody is inside, and none of the ${waiting.length} CPUs that wait comes in`);
  }

  private lostOne(index: number, stallMs: number): string {
    const cpu = this.snapshot.cpu(index);
    const asleep = this.snapshot.word(cpu, CpuCore.sleeping) !== 0;
    const rung = this.snapshot.word(cpu, CpuCore.doorbell) !== this.last[index]!.doorbell;
    const where = asleep && !rung ? 'asleep and never rung' : asleep ? 'asleep, rung in vain' : 'awake';
    const after = `after ${this.last[index]!.acquisitions} acquisitions`;
    const name = asleep && !rung ? 'lost wakeup' : 'starvation';
    return `${name}: CPU ${index} has not come in for ${stallMs / 1000} s, while others did: ${where} ${after}`;
  }

  /** While somebody is inside, what was counted there need not add up yet. */
  private nobodyIsInside(): boolean {
    return this.places.cpus.every((record) => this.snapshot.word(record, LockTortureCpu.doing) !== DOING_HOLD);
  }

  private countOf(index: number): CpuCount {
    const record = this.places.cpus[index]!;
    return {
      acquisitions: this.snapshot.float(record, LockTortureCpu.acquisitions),
      intrusions: this.snapshot.word(record, LockTortureCpu.intrusions),
      intruder: this.snapshot.word(record, LockTortureCpu.intruder) - 1,
      interruptsInside: this.snapshot.word(record, LockTortureCpu.interruptsInside),
      sleeps: this.snapshot.float(this.snapshot.cpu(index), CpuCore.lockSleeps),
      handoffs: Array.from({ length: HISTOGRAM_BUCKETS }, (_, bucket) =>
        this.snapshot.word(record, LockTortureCpu.handoffs, bucket),
      ),
    };
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
