/**
 * The differential fuzzer: random programs on the kernel of the host and on a machine, and what the two answer compared.
 *
 * A program of one thread has one right answer: the host's. With threads the host is asked several times, and again when
 * the machine answers something that it did not say yet; only what it never says is a difference. A difference must show
 * again when it is tried again, and is then made small. A design's declared divergences are none.
 */
import type { BootOptions } from '../../machine/config.ts';
import type { ConformCase, Observation, Outcome } from '../../programs/conform/case.ts';
import { canonical, stableText } from '../canonical.ts';
import { divergencesOf } from '../divergences/index.ts';
import { HostRunner } from '../host/runner.ts';
import { CaseRunner } from '../run.ts';
import { type BrokenRun, type CaseFailure, type CaseVerdict, verdictOf } from '../verdict.ts';
import { isThreaded, type RandomProgram, randomProgram } from './generate.ts';
import { shrunk } from './shrink.ts';

export interface FuzzOptions {
  readonly programs: number;
  readonly seed: number;
  readonly boot?: BootOptions;
  readonly onProgram?: (done: number, differences: number) => void;
  readonly signal?: AbortSignal;
  /** After so many differences it ends. */
  readonly differencesMax?: number;
}

export interface FuzzDifference {
  readonly program: string;
  /** A whole case: the shrunk program, and what the host answers. */
  readonly case: ConformCase;
  readonly failure: CaseFailure;
}

export interface FuzzOutcome {
  readonly seed: number;
  readonly programs: number;
  readonly threaded: number;
  readonly steps: number;
  readonly declared: number;
  /** Of designs other than Linux's: outcomes that the host never gave, and that break no rule. */
  readonly unseen: number;
  /** Programs that the host itself did not come to an end with. */
  readonly unanswered: number;
  readonly differences: readonly FuzzDifference[];
  readonly seconds: number;
}

const THREADED_RUNS = 2;
/** How often the host is asked before an outcome is called one that it never gives; a busy host needs the most. */
const ASKED_AGAIN = [8, 40, 150];
const CONFIRMATIONS = 2;
const DIFFERENCES_MAX = 10;
const CASE_LIMIT_MS = 10_000;

/** @throws HostUnavailable; BootError */
export async function fuzz(options: FuzzOptions): Promise<FuzzOutcome> {
  const { programs, seed, boot = {}, differencesMax = DIFFERENCES_MAX, signal } = options;
  const judge = new Judge(boot);
  const differences: FuzzDifference[] = [];
  const counts = { programs: 0, threaded: 0, steps: 0, declared: 0, unseen: 0, unanswered: 0 };
  const startMs = performance.now();
  try {
    while (counts.programs < programs && differences.length < differencesMax && signal?.aborted !== true) {
      const program = randomProgram(seed, counts.programs);
      const verdict = await judge.verdict(program);
      counts.programs++;
      counts.steps += program.main.length + Object.values(program.threads).flat().length;
      if (isThreaded(program)) counts.threaded++;
      if (verdict === undefined) counts.unanswered++;
      else if (verdict.kind === 'declared') counts.declared++;
      else if (verdict.kind === 'unseen' && judge.design !== 'linux') counts.unseen++;
      else if (verdict.kind !== 'passed') {
        const difference = await judge.confirmed(program);
        if (difference !== undefined) differences.push(difference);
      }
      options.onProgram?.(counts.programs, differences.length);
    }
  } finally {
    await judge.close();
  }
  return { seed, ...counts, differences, seconds: (performance.now() - startMs) / 1000 };
}

/** Asks both sides. */
export class Judge {
  private readonly host = new HostRunner(CASE_LIMIT_MS);
  private readonly machine: CaseRunner;
  readonly design: string;

  constructor(boot: BootOptions) {
    this.machine = new CaseRunner(boot, CASE_LIMIT_MS);
    this.design = boot.epoll ?? 'kevlar';
  }

  /** @returns undefined where the host gives no answer */
  async verdict(program: RandomProgram): Promise<CaseVerdict | undefined> {
    return (await this.judged(program))?.verdict;
  }

  /** @returns the difference, made small, if it shows again */
  async confirmed(program: RandomProgram): Promise<FuzzDifference | undefined> {
    for (let i = 0; i < CONFIRMATIONS; i++) if (!(await this.differs(program))) return undefined;
    const small = await shrunk(program, (smaller) => this.differs(smaller));
    // It may need luck to show once more.
    const last = (await this.shown(small)) ?? (await this.shown(program));
    return last && { program: program.name, case: last.one, failure: last.failure };
  }

  private async differs(program: RandomProgram): Promise<boolean> {
    return (await this.shown(program)) !== undefined;
  }

  private async shown(program: RandomProgram): Promise<{ one: ConformCase; failure: CaseFailure } | undefined> {
    const judged = await this.judged(program);
    if (judged?.verdict.failure === undefined) return undefined;
    if (judged.verdict.kind === 'unseen' && this.design !== 'linux') return undefined;
    return { one: judged.one, failure: judged.verdict.failure };
  }

  private async judged(program: RandomProgram): Promise<{ one: ConformCase; verdict: CaseVerdict } | undefined> {
    const one: ConformCase = { ...program, expect: [] };
    const outcomes = new Map<string, Outcome>();
    const [run, answered] = await Promise.all([
      this.machine.run(one),
      this.ask(one, outcomes, isThreaded(program) ? THREADED_RUNS : 1),
    ]);
    if (!answered) return undefined;
    const judge = (): CaseVerdict =>
      verdictOf({ ...one, expect: [...outcomes.values()] }, run, divergencesOf(this.design));
    let verdict = judge();
    for (const times of isThreaded(program) ? ASKED_AGAIN : []) {
      if (verdict.kind === 'passed' || verdict.kind === 'declared' || 'broken' in run) break;
      await this.ask(one, outcomes, times);
      verdict = judge();
    }
    return { one: { ...one, expect: [...outcomes.values()] }, verdict };
  }

  private async ask(one: ConformCase, outcomes: Map<string, Outcome>, times: number): Promise<boolean> {
    for (let i = 0; i < times; i++) {
      const run: Observation | BrokenRun = await this.host.run(one);
      if ('broken' in run) return outcomes.size > 0;
      const outcome = canonical(one, run.outcome);
      outcomes.set(stableText(outcome), outcome);
    }
    return true;
  }

  async close(): Promise<void> {
    await Promise.all([this.host.close(), this.machine.close()]);
  }
}
