// What a conform run tells: the JSON document for scripts and the table for people. Both are made from the same totals.
// Promise: cases = passed + declared + unseen + failed, in the whole and in each file; `failures` has every failed case.

import type { Outcome } from '../programs/conform/case.ts';
import type { CaseFailure, CaseVerdict, Divergence, UnderSchedules, VerdictKind } from './verdict.ts';

export interface FileVerdicts {
  readonly file: string;
  readonly verdicts: readonly CaseVerdict[];
}

export interface RunIdentity {
  readonly epoll: string;
  readonly engine: string;
  /** Stepped: schedules of each case with threads, and the seed of the first. */
  readonly schedules?: number;
  readonly seed?: number;
}

export interface Totals {
  readonly cases: number;
  readonly passed: number;
  readonly declared: number;
  /** Steps, not cases. */
  readonly notCompared: number;
  readonly unseen: number;
  readonly failed: number;
}

export interface ConformSummary extends RunIdentity, Totals {
  readonly schemaVersion: 1;
  readonly verb: 'conform';
  readonly failures: readonly NamedFailure[];
  readonly divergences: readonly { readonly rule: string; readonly reason: string; readonly cases: number }[];
  /** Divergences that are declared, do not depend on chance, and that none of these cases showed. */
  readonly notShown: readonly string[];
  readonly unseenOutcomes: readonly NamedOutcome[];
  /** Of all cases, under all schedules. */
  readonly runs: number;
  /** Outcomes that Linux may give and no host has given (settled.ts); not among those unseen. */
  readonly settledOutcomes: readonly NamedOutcome[];
  readonly files: readonly (Totals & { readonly file: string })[];
}

export interface NamedFailure extends CaseFailure, Seeded {
  readonly case: string;
  readonly file: string;
}

interface NamedOutcome extends Seeded {
  readonly case: string;
  readonly file: string;
  readonly outcome: Outcome;
}

/** Stepped: the seed that shows it, and how many schedules did. */
interface Seeded {
  readonly seed?: number;
  readonly times?: number;
}

export function summaryOf(
  identity: RunIdentity,
  files: readonly FileVerdicts[],
  divergences: readonly Divergence[],
): ConformSummary {
  const all = files.flatMap(({ file, verdicts }) => verdicts.map((verdict) => ({ file, ...verdict })));
  const shown = (rule: string): number => all.filter((verdict) => verdict.rule === rule).length;
  const failures = all.flatMap(({ file, case: name, kind, failure, schedules }) =>
    kind === 'failed' && failure !== undefined ? [{ case: name, ...failure, file, ...seeded(schedules) }] : [],
  );
  return {
    schemaVersion: 1,
    verb: 'conform',
    ...identity,
    ...totalsOf(all),
    failures,
    divergences: divergences
      .map(({ rule, reason }) => ({ rule, reason, cases: shown(rule) }))
      .filter(({ cases }) => cases > 0),
    notShown: divergences
      .filter(({ rule, byChance }) => byChance !== true && shown(rule) === 0)
      .map(({ rule }) => rule),
    unseenOutcomes: all.flatMap(({ file, case: name, kind, outcome, schedules }) => {
      if (schedules !== undefined) return schedules.unseen.map((each) => ({ case: name, file, ...each }));
      return kind === 'unseen' && outcome !== undefined ? [{ case: name, file, outcome }] : [];
    }),
    settledOutcomes: all.flatMap(({ file, case: name, schedules }) =>
      (schedules?.settled ?? []).map((each) => ({ case: name, file, ...each })),
    ),
    runs: all.reduce((sum, { schedules }) => sum + (schedules?.runs ?? 1), 0),
    files: files.map(({ file, verdicts }) => ({ file, ...totalsOf(verdicts) })),
  };
}

function seeded(schedules: UnderSchedules | undefined): Seeded {
  return schedules === undefined ? {} : { seed: schedules.seed, times: schedules.times };
}

function totalsOf(verdicts: readonly CaseVerdict[]): Totals {
  const count = (kind: VerdictKind): number => verdicts.filter((verdict) => verdict.kind === kind).length;
  return {
    cases: verdicts.length,
    passed: count('passed'),
    declared: count('declared'),
    notCompared: verdicts.reduce((sum, verdict) => sum + verdict.notCompared, 0),
    unseen: count('unseen'),
    failed: count('failed'),
  };
}

/** Does a run of the bundled cases stand? A divergence that no case shows is no divergence: the design behaves as Linux. */
export function isComplete(summary: ConformSummary): boolean {
  return summary.failed === 0 && summary.notShown.length === 0;
}

const COLUMNS = ['cases', 'passed', 'declared', 'notCompared', 'unseen', 'failed'] as const;
const HEADINGS: readonly string[] = ['file', 'cases', 'passed', 'declared', 'steps not compared', 'unseen', 'failed'];
/** Failures printed in full; the JSON document has them all. */
const FAILURES_PRINTED_MAX = 20;

export function summaryTable(summary: ConformSummary): string {
  const total = { ...summary, file: 'all' };
  const rows = [...summary.files, total].map((row) => [row.file, ...COLUMNS.map((column) => String(row[column]))]);
  const widths = HEADINGS.map((heading, column) => Math.max(heading.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd();
  const { schedules = 1, seed = 1, runs, settledOutcomes } = summary;
  const how = schedules > 1 ? `, ${schedules} schedules from seed ${seed}: ${runs} runs` : '';
  const lines = [`conform: ${summary.epoll}, ${summary.engine}${how}`, '', line(HEADINGS), ...rows.map(line)];
  if (summary.divergences.length > 0) {
    lines.push('', 'declared divergences that these cases show');
    for (const { rule, cases, reason } of summary.divergences) {
      lines.push(`  ${rule.padEnd(4)} ${String(cases).padStart(4)} ${cases === 1 ? 'case ' : 'cases'}  ${reason}`);
    }
  }
  if (summary.notShown.length > 0)
    lines.push('', `declared, and not shown by these cases: ${summary.notShown.join(', ')}`);
  for (const { case: name, file, ...how } of settledOutcomes)
    lines.push('', `in another order: ${file}: ${name}${seedWords(how)}`);
  for (const { case: name, file, ...how } of summary.unseenOutcomes)
    lines.push('', `unseen: ${file}: ${name}${seedWords(how)}`);
  for (const failure of summary.failures.slice(0, FAILURES_PRINTED_MAX)) lines.push('', ...failureLines(failure));
  const more = summary.failures.length - FAILURES_PRINTED_MAX;
  if (more > 0) lines.push('', `... and ${more} more failures (--json lists them all)`);
  return `${lines.join('\n')}\n`;
}

function seedWords({ seed, times = 1 }: Seeded): string {
  return seed === undefined ? '' : ` (--seed ${seed}${times > 1 ? `; under ${times} schedules` : ''})`;
}

function failureLines(failure: NamedFailure): readonly string[] {
  const where = `FAILED ${failure.file}: ${failure.case}${seedWords(failure)}`;
  // A run that broke has its report for a reason, and no result.
  if (failure.got === failure.why) return [`${where}: ${failure.why}`];
  return [
    `${where}: thread ${failure.thread}, step ${failure.step}: ${failure.why}`,
    `  expected ${JSON.stringify(failure.expected)}`,
    `  got      ${JSON.stringify(failure.got)}`,
  ];
}
