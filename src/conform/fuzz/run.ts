/**
 * The differential fuzzer: random programs on the kernel of the host and on a machine, and what the two answer compared
 * (judge.ts). A difference must show again when it is tried again, and is then made small. A design's declared divergences
 * are none.
 *
 * Several lanes work at once, each with a machine and a process on the host, so that one computes while another waits. A
 * lane takes a batch of programs after the other; what came of them is counted in the order of the programs, so that a run
 * that was interrupted can be continued behind the last that was counted.
 */
import type { BootOptions } from '../../machine/config.ts';
import type { CallCounts } from './statistics.ts';
import { CallStatistics } from './statistics.ts';
import { randomProgram } from './generate.ts';
import { differenceOf, type FuzzDifference, Judge } from './judge.ts';
import { isThreaded, type RandomProgram } from './program.ts';

export type { FuzzDifference } from './judge.ts';

export interface FuzzOptions {
  /** How many, from `first` on. */
  readonly programs: number;
  readonly seed: number;
  /** Number of the first program; 0 by default. */
  readonly first?: number;
  readonly boot?: BootOptions;
  readonly onProgram?: (done: number, differences: number) => void;
  readonly signal?: AbortSignal;
  /** After so many differences it ends. */
  readonly differencesMax?: number;
  readonly lanes?: number;
}

export interface FuzzOutcome {
  readonly seed: number;
  readonly first: number;
  readonly programs: number;
  readonly threaded: number;
  readonly steps: number;
  readonly declared: number;
  /** Outcomes that the host never gave, and that break no rule: of other designs than Linux's, or where much is chance. */
  readonly unseen: number;
  /** Programs that the host itself did not come to an end with. */
  readonly unanswered: number;
  readonly differences: readonly FuzzDifference[];
  /** What showed once, and not again. */
  readonly once: readonly FuzzDifference[];
  /** What audits of the machines' memories found. */
  readonly problems: readonly string[];
  /** Per system call: how often it was made, and what the host answered. */
  readonly calls: CallCounts;
  readonly seconds: number;
}

const DIFFERENCES_MAX = 10;
const BATCH = 32;
const LANES = 2;

/** @throws HostUnavailable; BootError */
export async function fuzz(options: FuzzOptions): Promise<FuzzOutcome> {
  const run = new FuzzRun(options);
  const startMs = performance.now();
  const lanes = Math.min(options.lanes ?? LANES, Math.ceil(options.programs / BATCH));
  // All lanes come to their end before the first that failed is heard of: each must close what it opened.
  const ends = await Promise.allSettled(Array.from({ length: lanes }, () => run.lane()));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return run.outcome((performance.now() - startMs) / 1000);
}

interface Entry {
  readonly program: RandomProgram;
  readonly kind: 'passed' | 'declared' | 'unseen' | 'unanswered' | 'difference' | 'once';
  readonly difference?: FuzzDifference;
}

class FuzzRun {
  private readonly options: FuzzOptions;
  private readonly first: number;
  private readonly end: number;
  private next: number;
  /** Finished batches, by their first program, until all before them are counted. */
  private readonly finished = new Map<number, readonly Entry[]>();
  private readonly counts = { programs: 0, threaded: 0, steps: 0, declared: 0, unseen: 0, unanswered: 0 };
  private readonly differences: FuzzDifference[] = [];
  private readonly once: FuzzDifference[] = [];
  private readonly problems: string[] = [];
  private readonly statistics = new CallStatistics();
  private failed = false;
  /** Numbers of the programs that differ, counted or not. */
  private readonly found: number[] = [];

  constructor(options: FuzzOptions) {
    this.options = options;
    this.first = options.first ?? 0;
    this.end = this.first + options.programs;
    this.next = this.first;
  }

  /** Takes batches until there are none, or something ends the run. */
  async lane(): Promise<void> {
    const judge = new Judge(this.options.boot ?? {}, this.options.signal);
    try {
      while (!this.isOver()) {
        const from = this.next;
        const to = Math.min(from + BATCH, this.end);
        this.next = to;
        const entries = await this.batch(judge, from, to);
        // Interrupted on the way, its programs were not judged to the end.
        if (this.options.signal?.aborted === true) return;
        this.finished.set(from, entries);
        this.count();
      }
    } catch (error) {
      this.failed = true;
      throw error;
    } finally {
      await judge.close();
      this.problems.push(...judge.problems);
    }
  }

  private isOver(): boolean {
    if (this.failed || this.options.signal?.aborted === true) return true;
    return this.next >= this.end || this.isEnough(this.next);
  }

  /** Do so many programs before this one differ that it need not be looked at? */
  private isEnough(index: number): boolean {
    const { differencesMax = DIFFERENCES_MAX } = this.options;
    return this.found.filter((other) => other < index).length >= differencesMax;
  }

  /** @returns an entry for each, or for those up to where there are differences enough */
  private async batch(judge: Judge, from: number, to: number): Promise<readonly Entry[]> {
    const programs: RandomProgram[] = [];
    for (let index = from; index < to; index++) programs.push(randomProgram(this.options.seed, index));
    const entries: Entry[] = [];
    for (const [i, judged] of (await judge.judged(programs)).entries()) {
      const program = programs[i]!;
      if (this.isEnough(from + i)) break;
      if (judged === undefined) {
        entries.push({ program, kind: 'unanswered' });
        continue;
      }
      this.statistics.add(program, judged.one.expect[0]!);
      if (!judge.differs(judged)) {
        entries.push({ program, kind: judged.verdict.kind === 'failed' ? 'difference' : judged.verdict.kind });
        continue;
      }
      const again = await judge.confirmed(program);
      // A machine that broke is broken, even if it needs luck to break again.
      const isBroken = typeof judged.verdict.failure?.got === 'string' && judged.verdict.failure.got !== 'blocked';
      const difference = again ?? differenceOf(program, judged)!;
      const isFound = again !== undefined || isBroken;
      if (isFound) this.found.push(from + i);
      entries.push({ program, kind: isFound ? 'difference' : 'once', difference });
    }
    return entries;
  }

  /** Counts what is finished, in the order of the programs. */
  private count(): void {
    const { counts } = this;
    for (;;) {
      const entries = this.finished.get(this.first + counts.programs);
      if (entries === undefined) break;
      for (const { program, kind, difference } of entries) {
        counts.programs++;
        counts.steps += program.main.length + Object.values(program.threads).flat().length;
        if (isThreaded(program)) counts.threaded++;
        if (kind === 'declared' || kind === 'unseen' || kind === 'unanswered') counts[kind]++;
        if (kind === 'difference') this.differences.push(difference!);
        if (kind === 'once') this.once.push(difference!);
      }
    }
    this.options.onProgram?.(counts.programs, this.differences.length);
  }

  outcome(seconds: number): FuzzOutcome {
    const { differences, once, problems, first } = this;
    const { seed } = this.options;
    return { seed, first, ...this.counts, differences, once, problems, calls: this.statistics.calls(), seconds };
  }
}
