// What a conform run tells: the JSON document for scripts and the table for people. Both are made from the same totals.
// Promise: cases = passed + declared + unseen + failed, in the whole and in each file; `failures` has every failed case.

import type { Outcome } from '../programs/conform/case.ts';
import type { CaseFailure, CaseVerdict, Divergence, VerdictKind } from './verdict.ts';

export interface FileVerdicts {
  readonly file: string;
  readonly verdicts: readonly CaseVerdict[];
}

export interface RunIdentity {
  readonly epoll: string;
  readonly engine: string;
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
  readonly failures: readonly (CaseFailure & { readonly case: string; readonly file: string })[];
  readonly divergences: readonly { readonly rule: string; readonly reason: string; readonly cases: number }[];
  /** Divergences that are declared, do not depend on chance, and that none of these cases showed. */
  readonly notShown: readonly string[];
  readonly unseenOutcomes: readonly { readonly case: string; readonly file: string; readonly outcome: Outcome }[];
  readonly files: readonly (Totals & { readonly file: string })[];
}

export function summaryOf(
  identity: RunIdentity,
  files: readonly FileVerdicts[],
  divergences: readonly Divergence[],
): ConformSummary {
  const all = files.flatMap(({ file, verdicts }) => verdicts.map((verdict) => ({ file, ...verdict })));
  const shown = (rule: string): number => all.filter((verdict) => verdict.rule === rule).length;
  const failures = all.flatMap(({ file, case: name, kind, failure }) =>
    kind === 'failed' && failure !== undefined ? [{ case: name, ...failure, file }] : [],
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
    unseenOutcomes: all.flatMap(({ file, case: name, kind, outcome }) =>
      kind === 'unseen' && outcome !== undefined ? [{ case: name, file, outcome }] : [],
    ),
    files: files.map(({ file, verdicts }) => ({ file, ...totalsOf(verdicts) })),
  };
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
  const lines = [`conform: ${summary.epoll}, ${summary.engine}`, '', line(HEADINGS), ...rows.map(line)];
  if (summary.divergences.length > 0) {
    lines.push('', 'declared divergences that these cases show');
    for (const { rule, cases, reason } of summary.divergences) {
      lines.push(`  ${rule.padEnd(4)} ${String(cases).padStart(4)} ${cases === 1 ? 'case ' : 'cases'}  ${reason}`);
    }
  }
  if (summary.notShown.length > 0)
    lines.push('', `declared, and not shown by these cases: ${summary.notShown.join(', ')}`);
  for (const { case: name, file } of summary.unseenOutcomes) lines.push('', `unseen: ${file}: ${name}`);
  for (const failure of summary.failures.slice(0, FAILURES_PRINTED_MAX)) lines.push('', ...failureLines(failure));
  const more = summary.failures.length - FAILURES_PRINTED_MAX;
  if (more > 0) lines.push('', `... and ${more} more failures (--json lists them all)`);
  return `${lines.join('\n')}\n`;
}

function failureLines(failure: CaseFailure & { readonly case: string; readonly file: string }): readonly string[] {
  // A run that broke has its report for a reason, and no result.
  if (failure.got === failure.why) return [`FAILED ${failure.file}: ${failure.case}: ${failure.why}`];
  return [
    `FAILED ${failure.file}: ${failure.case}: thread ${failure.thread}, step ${failure.step}: ${failure.why}`,
    `  expected ${JSON.stringify(failure.expected)}`,
    `  got      ${JSON.stringify(failure.got)}`,
  ];
}
