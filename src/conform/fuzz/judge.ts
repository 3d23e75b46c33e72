/**
 * Asks both sides, the kernel of the host and a machine, and says whether they differ.
 *
 * A program of one thread has one right answer: the host's. With threads the host is asked several times, and again when
 * the machine answers something that it did not say yet; only what it never says is a difference.
 */
import type { BootOptions } from '../../machine/config.ts';
import type { ConformCase, Observation, Outcome } from '../../programs/conform/case.ts';
import { canonical, stableText } from '../canonical.ts';
import { divergencesOf } from '../divergences/index.ts';
import { HostRunner } from '../host/runner.ts';
import { type BrokenRun, type CaseFailure, type CaseVerdict, verdictOf } from '../verdict.ts';
import { isAlwaysAtRest, isThreaded, type RandomProgram } from './program.ts';
import { MachineSide } from './machine-side.ts';
import { shrunk } from './shrink.ts';

export interface FuzzDifference {
  readonly program: string;
  /** A whole case: the shrunk program, and what the host answers. */
  readonly case: ConformCase;
  readonly failure: CaseFailure;
}

export interface Judged {
  /** The program, and every answer of the host's. */
  readonly one: ConformCase;
  readonly verdict: CaseVerdict;
}

/**
 * How often the host is asked again before an outcome is called one that it never gives; a busy host needs the most. From
 * the second time on each run has its threads on other CPUs.
 */
const ASKED_AGAIN = [2, 16, 64, 128];
/** Runs of the machine in which a difference is to show again: who is faster may decide whether it does. */
const CONFIRMATIONS = { alone: 2, threads: 24 } as const;
const SMALLER_RUNS = { alone: 1, threads: 8 } as const;
/** Of so many outcomes one more is no surprise, though it was asked for some two hundred times. */
const OUTCOMES_MAX = 3;
const CASE_LIMIT_MS = 10_000;

export class Judge {
  private readonly host = new HostRunner(CASE_LIMIT_MS);
  private readonly machine: MachineSide;
  private readonly signal: AbortSignal | undefined;
  readonly design: string;

  /** @throws HostUnavailable */
  constructor(boot: BootOptions, signal?: AbortSignal) {
    this.machine = new MachineSide(boot, CASE_LIMIT_MS);
    this.design = boot.epoll ?? 'kevlar';
    this.signal = signal;
  }

  /** What the audits of the machines found. */
  get problems(): readonly string[] {
    return this.machine.problems;
  }

  /** @returns for each program what came of it; undefined where the host gives no answer */
  async judged(programs: readonly RandomProgram[]): Promise<(Judged | undefined)[]> {
    const cases = programs.map((program): ConformCase => ({ ...program, expect: [] }));
    const [runs, answers] = await Promise.all([this.machine.runAll(cases), this.firstAnswers(cases)]);
    const judged: (Judged | undefined)[] = [];
    for (const [i, one] of cases.entries()) judged.push(await this.settled(one, runs[i]!, answers[i]!));
    return judged;
  }

  private async firstAnswers(cases: readonly ConformCase[]): Promise<Map<string, Outcome>[]> {
    const answers = cases.map(() => new Map<string, Outcome>());
    for (const [i, run] of (await this.host.runAll(cases)).entries()) keep(cases[i]!, run, answers[i]!);
    return answers;
  }

  /** The verdict on one run of the machine, after the host was asked as often as it takes. */
  private async settled(
    one: ConformCase,
    run: Observation | BrokenRun,
    answers: Map<string, Outcome>,
  ): Promise<Judged | undefined> {
    if (answers.size === 0) return undefined;
    for (const times of isThreaded(one) ? [...ASKED_AGAIN, 0] : [0]) {
      const judged = this.judgedBy(one, run, answers);
      if (times === 0 || isFine(judged.verdict) || 'broken' in run || this.signal?.aborted === true) return judged;
      const isSpread = times > ASKED_AGAIN[0]!;
      const runs = await this.host.runAll(
        Array.from({ length: times }, () => one),
        isSpread,
      );
      for (const again of runs) keep(one, again, answers);
    }
    return undefined;
  }

  private judgedBy(one: ConformCase, run: Observation | BrokenRun, answers: Map<string, Outcome>): Judged {
    const whole = { ...one, expect: [...answers.values()] };
    return { one: whole, verdict: verdictOf(whole, run, divergencesOf(this.design)) };
  }

  /**
   * Does it count as a difference? An outcome that the host never gave, and that breaks no rule, does of Linux's design,
   * where the program leaves little to chance: it lets all come to rest between two steps, and the host gave few.
   */
  differs({ one, verdict }: Judged): boolean {
    if (verdict.kind !== 'unseen') return verdict.kind === 'failed';
    return this.design === 'linux' && one.expect.length <= OUTCOMES_MAX && isAlwaysAtRest(one);
  }

  /** @returns the difference, made small, if it shows again */
  async confirmed(program: RandomProgram): Promise<FuzzDifference | undefined> {
    if ((await this.shown(program, CONFIRMATIONS)) === undefined) return undefined;
    const small = await shrunk(program, async (smaller) => (await this.shown(smaller, SMALLER_RUNS)) !== undefined);
    // It may need luck to show once more.
    const last = (await this.shown(small, CONFIRMATIONS)) ?? (await this.shown(program, CONFIRMATIONS));
    return last && differenceOf(program, last);
  }

  /** Runs it so often. @returns a run that differs, if there is one */
  private async shown(
    program: RandomProgram,
    runs: typeof CONFIRMATIONS | typeof SMALLER_RUNS,
  ): Promise<Judged | undefined> {
    if (this.signal?.aborted === true) return undefined;
    const one: ConformCase = { ...program, expect: [] };
    const times = isThreaded(program) ? runs.threads : runs.alone;
    const [seen, [answers]] = await Promise.all([
      this.machine.runAll(Array.from({ length: times }, () => one)),
      this.firstAnswers([one]),
    ]);
    for (const run of seen) {
      const judged = await this.settled(one, run, answers!);
      if (judged !== undefined && this.differs(judged)) return judged;
    }
    return undefined;
  }

  async close(): Promise<void> {
    await Promise.all([this.host.close(), this.machine.close()]);
  }
}

export function differenceOf(program: RandomProgram, { one, verdict }: Judged): FuzzDifference | undefined {
  return verdict.failure && { program: program.name, case: one, failure: verdict.failure };
}

function isFine({ kind }: CaseVerdict): boolean {
  return kind === 'passed' || kind === 'declared';
}

function keep(one: ConformCase, run: Observation | BrokenRun, answers: Map<string, Outcome>): void {
  if ('broken' in run) return;
  const outcome = canonical(one, run.outcome);
  answers.set(stableText(outcome), outcome);
}
