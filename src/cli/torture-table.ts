/**
 * What torture found, as tables for people: figures in columns, then a verdict line each, then what failed.
 */
import {
  columnOf,
  duration,
  figure,
  GREEN,
  paint,
  RED,
  type TableStyle,
  tableLines,
  YELLOW,
} from '../bench/columns.ts';
import type { LockRow } from '../torture/lock-verdict.ts';
import type { CallRow, SyscallOutcome } from '../torture/syscalls.ts';
import type { WaitOutcome } from '../torture/waits.ts';

export function lockLines(rows: readonly LockRow[], cpus: number, isPartial: boolean, style: TableStyle): string[] {
  const columns = [
    columnOf(rows, 'lock', false, ({ lock }) => lock),
    columnOf(rows, 'acquisitions', true, ({ acquisitions }) => figure(acquisitions)),
    columnOf(rows, 'a second', true, ({ perSecond }) => figure(perSecond)),
    columnOf(rows, 'failures', true, ({ failures }) => figure(failures)),
    columnOf(rows, 'max/min', true, ({ maxOverMin }) => (maxOverMin === null ? '-' : maxOverMin.toFixed(2))),
    columnOf(rows, 'Jain', true, ({ jain }) => jain.toFixed(3)),
    columnOf(rows, 'handoff p50', true, ({ handoff }) => duration(handoff.p50)),
    columnOf(rows, 'p99', true, ({ handoff }) => duration(handoff.p99)),
    columnOf(rows, 'spins', true, ({ spinBudget }) => figure(spinBudget)),
    columnOf(rows, 'sleeps', true, ({ sleeps }) => figure(sleeps)),
  ];
  const color = (row: number): number => (rows[row]!.failures === 0 ? GREEN : RED);
  const oversubscribed = rows.some((row) => row.oversubscribed) ? ', oversubscribed' : '';
  return [
    `locks tortured by ${cpus} ${cpus === 1 ? 'CPU' : 'CPUs'}${oversubscribed}`,
    '',
    ...tableLines(columns, style, (line, row) => paint(line, color(row), style)),
    '',
    ...rows.flatMap(({ verdict, problems }, row) => [
      paint(verdict, color(row), style),
      ...problems.map((problem) => `  ${problem}`),
    ]),
    ...(isPartial ? ['', 'interrupted: the last lock had less time'] : []),
  ];
}

interface Style {
  readonly style: TableStyle;
  readonly verbose: boolean;
}

/** A call that hardly ever succeeds is hardly tortured. */
const RARE = 0.1;

export function guestLines(
  kind: string,
  outcome: SyscallOutcome | WaitOutcome,
  isPartial: boolean,
  { style, verbose }: Style,
): string[] {
  const { operations, succeeded, failures, seconds, problems, oversubscribed } = outcome;
  const verdict =
    `${kind}: ${failures === 0 ? 'SUCCESS' : 'FAILURE'}: Operations: ${figure(operations)}  ` +
    `Succeeded: ${share(succeeded, operations)}  Fail: ${failures}`;
  const also = [
    `${figure(operations / seconds)} a second`,
    `${outcome.audits} audits`,
    ...('workers' in outcome ? [`${outcome.workers} workers`] : []),
    ...('wakeups' in outcome ? [`${figure(outcome.wakeups)} wakeups`] : []),
    ...(oversubscribed ? ['oversubscribed'] : []),
  ];
  return [
    ...('calls' in outcome ? [...callLines(outcome.calls, verbose, style), ''] : []),
    paint(verdict, failures === 0 ? GREEN : RED, style),
    `  ${duration(seconds * 1e9)}: ${also.join(', ')}`,
    ...lateLines(outcome),
    ...problems.map((problem) => `  ${problem.replaceAll('\n', '\n  ')}`),
    ...(isPartial ? ['interrupted: this is what was done so far'] : []),
  ];
}

function lateLines(outcome: SyscallOutcome | WaitOutcome): string[] {
  if (!('late' in outcome) || outcome.late === undefined) return [];
  const { p50, p99, max } = outcome.late;
  return [`  waits ended late by ${duration(p50)} (p50), ${duration(p99)} (p99), ${duration(max)} at most`];
}

function share(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((part / whole) * 100).toFixed(1)} %`;
}

/** Calls in the order of their attempts; the least fortunate ones in yellow. */
function callLines(calls: readonly CallRow[], verbose: boolean, style: TableStyle): string[] {
  const rows = [...calls].sort((a, b) => b.attempts - a.attempts);
  const shown = verbose ? rows : rows.filter(({ attempts }) => attempts > 0);
  const columns = [
    columnOf(shown, 'call', false, ({ name }) => name),
    columnOf(shown, 'attempts', true, ({ attempts }) => figure(attempts)),
    columnOf(shown, 'succeeded', true, ({ succeeded }) => figure(succeeded)),
    columnOf(shown, '', true, ({ attempts, succeeded }) => share(succeeded, attempts)),
  ];
  return tableLines(columns, style, (line, row) => {
    const { attempts, succeeded } = shown[row]!;
    return succeeded < attempts * RARE ? paint(line, YELLOW, style) : line;
  });
}
