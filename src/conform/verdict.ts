// The verdict on one run of one case: passed, declared, unseen or failed.
// The runner calls `verdictOf` after each case, and `settleUnseen` after each file.
// Promise: a difference is forgiven only if a divergence named that very result beforehand, or if the case has threads
// and no checkable consequence of a contract rule speaks against the outcome.

import {
  type ConformCase,
  type Observation,
  type Outcome,
  type StepResult,
  threadsOf,
} from '../programs/conform/case.ts';
import { canonical, renamings, sameOutcome, sameResult, stableText } from './canonical.ts';
import { contractViolation } from './contract.ts';
import { type Difference, firstDifference, type History, renamed, type StepAt } from './history.ts';

/** A rule of Linux that a design answers otherwise, and what exactly it answers there. */
export interface Divergence {
  /** The number of the rule in the project's list of Linux semantics, as `E16`. */
  readonly rule: string;
  /** Why the design differs, for people. */
  readonly reason: string;
  /** Which of several threads comes first decides whether a run shows it; so a run that does not is no worse for it. */
  readonly byChance?: true;
  /** From the program and the expected results alone: the results that the design gives at this step instead. */
  readonly instead: (at: StepAt, history: History, expected: StepResult) => readonly StepResult[];
}

export type VerdictKind = 'passed' | 'declared' | 'unseen' | 'failed';

export interface CaseFailure {
  readonly thread: string;
  readonly step: number;
  readonly expected: StepResult | null;
  readonly got: StepResult | string | null;
  /** Why it is a failure, for people. */
  readonly why: string;
}

export interface CaseVerdict {
  readonly case: string;
  readonly kind: VerdictKind;
  /** The divergence that a declared case shows. */
  readonly rule?: string;
  /** Steps after the declared difference: they ran in a state that Linux would not be in. */
  readonly notCompared: number;
  readonly failure?: CaseFailure;
  /** The whole outcome of an unseen case, or of one that was settled, in canonical form. */
  readonly outcome?: Outcome;
  /** Stepped, passed: why the outcome is right though no host has given it (settled.ts). */
  readonly settled?: string;
  readonly schedules?: UnderSchedules;
}

/** Of a case that the stepped machine ran. */
export interface UnderSchedules {
  readonly runs: number;
  /** The first that gave this verdict, and how many did. */
  readonly seed: number;
  readonly times: number;
  /** Every outcome that was not recorded and is right nevertheless (settled.ts). */
  readonly settled: readonly UnrecordedOutcome[];
  /** Every other outcome that was not recorded, though the verdict be worse. */
  readonly unseen: readonly UnrecordedOutcome[];
}

export interface UnrecordedOutcome {
  readonly outcome: Outcome;
  /** The first that gave it, and how many did. */
  readonly seed: number;
  readonly times: number;
}

/** What a run that gave no outcome says instead: a hang, a panic, a program that died. */
export interface BrokenRun {
  readonly broken: string;
  /** Where everybody slept for ever, or too long, and nothing else was wrong: how far each thread had come. */
  readonly asleep?: Observation;
}

export function verdictOf(
  one: ConformCase,
  run: Observation | BrokenRun,
  divergences: readonly Divergence[],
): CaseVerdict {
  if ('broken' in run) return verdictOfBroken(one, run, divergences);
  if (one.expect.some((expect) => sameOutcome(one, run.outcome, expect))) {
    return { case: one.name, kind: 'passed', notCompared: 0 };
  }
  const differences = differencesOf(one, run);
  const declared = declaredVerdict(one, differences, divergences);
  if (declared !== undefined) return declared;
  const failure = failureOf(one, run, differences[0]);
  if (failure.why === UNSEEN)
    return { case: one.name, kind: 'unseen', notCompared: 0, failure, outcome: canonical(one, run.outcome) };
  return failedVerdict(one, failure);
}

/** A run that broke failed; unless its first difference is a declared one, and that is why everybody sleeps. */
function verdictOfBroken(one: ConformCase, run: BrokenRun, divergences: readonly Divergence[]): CaseVerdict {
  const differences = run.asleep === undefined ? [] : differencesOf(one, run.asleep);
  const failure = { thread: 'main', step: 0, expected: null, got: run.broken, why: run.broken };
  return declaredVerdict(one, differences, divergences) ?? failedVerdict(one, failure);
}

function declaredVerdict(
  one: ConformCase,
  differences: readonly Difference[],
  divergences: readonly Divergence[],
): CaseVerdict | undefined {
  for (const difference of differences) {
    const rule = declaredRule(difference, divergences);
    if (rule !== undefined) return { case: one.name, kind: 'declared', rule, notCompared: difference.after };
  }
  return undefined;
}

const UNSEEN = 'an outcome that was not recorded, and breaks no rule';

function failedVerdict(one: ConformCase, failure: CaseFailure): CaseVerdict {
  return { case: one.name, kind: 'failed', notCompared: 0, failure };
}

/** The first difference from each expected outcome, under each exchange of equal threads; the latest in the run first. */
function differencesOf(one: ConformCase, run: Observation): readonly Difference[] {
  const found = new Map<string, Difference>();
  for (const renaming of renamings(one, Object.keys(run.outcome))) {
    const observation = renamed(run, renaming);
    for (const expect of one.expect) {
      const difference = firstDifference(one, observation, expect);
      if (difference === undefined) continue;
      const { at, expected } = difference;
      const key = stableText([renaming, at.thread, at.index, expected ?? null]);
      if (!found.has(key)) found.set(key, difference);
    }
  }
  return [...found.values()].sort((left, right) => left.after - right.after || left.at.index - right.at.index);
}

/** A step that finds a thread asleep which should have ended shows where: what differs is the call in which it sleeps. */
function sleeperShown(difference: Difference): Difference | undefined {
  const { at, history, expect } = difference;
  const thread = sleeperIn(difference);
  const call = history.open.find((span) => span.thread === thread);
  const step = call === undefined ? undefined : threadsOf(history.case)[call.thread]?.[call.index];
  if (call === undefined || step === undefined) return undefined;
  const open = history.open.filter((other) => other !== call);
  const expected = expect[call.thread]?.[call.index];
  // It slept still when this step ended.
  const moment = { ...call, step, end: Math.max(call.end, at.end) };
  return { ...difference, at: moment, history: { ...history, open }, expected, got: 'blocked' };
}

/** The thread that a join waits for in vain, that is blocked though it should not be, or that takes a signal still. */
function sleeperIn({ at, expected, got }: Difference): string | undefined {
  const { step } = at;
  if (expected === undefined || expected === 'blocked' || got === undefined || got === 'blocked') return undefined;
  if ('join' in step) return got.joined === false ? step.join : undefined;
  if ('blocked' in step) return got.blocked === true ? step.blocked : undefined;
  if (!('sys' in step) || expected.ret !== '-ESRCH' || got.ret !== 0) return undefined;
  const to = step.sys === 'tkill' ? step.args[0] : step.sys === 'tgkill' ? step.args[1] : undefined;
  return typeof to === 'string' && to.startsWith('@') ? to.slice(1) : undefined;
}

function declaredRule(difference: Difference, divergences: readonly Divergence[]): string | undefined {
  const { at, history, expected, got } = sleeperShown(difference) ?? difference;
  if (expected === undefined || got === undefined) return undefined;
  for (const divergence of divergences) {
    const results = divergence.instead(at, history, expected);
    if (results.some((result) => sameResult(result, got))) return divergence.rule;
  }
  return undefined;
}

function failureOf(one: ConformCase, run: Observation, difference: Difference | undefined): CaseFailure {
  const place = {
    thread: difference?.at.thread ?? 'main',
    step: difference?.at.index ?? 0,
    expected: difference?.expected ?? null,
    got: difference?.got ?? null,
  };
  if (Object.keys(one.threads).length === 0) return { ...place, why: 'a case of one thread has one right answer' };
  const violation = contractViolation(one, run);
  return { ...place, why: violation ?? UNSEEN };
}

/** More than one case in fifty whose outcome was never recorded is no longer chance. */
export const UNSEEN_SHARE_MAX = 0.02;

/** The verdicts of one whole file: where too many are unseen, each of them is a failure. */
export function settleUnseen(verdicts: readonly CaseVerdict[]): readonly CaseVerdict[] {
  const unseen = verdicts.filter((verdict) => verdict.kind === 'unseen').length;
  if (unseen <= verdicts.length * UNSEEN_SHARE_MAX) return verdicts;
  return verdicts.map((verdict): CaseVerdict => {
    if (verdict.kind !== 'unseen' || verdict.failure === undefined) return verdict;
    const why = `unseen, and ${unseen} of ${verdicts.length} cases of the file are, which is more than 2 %`;
    const { outcome, schedules } = verdict;
    return {
      case: verdict.case,
      kind: 'failed',
      notCompared: 0,
      failure: { ...verdict.failure, why },
      ...(outcome && { outcome }),
      ...(schedules && { schedules }),
    };
  });
}
