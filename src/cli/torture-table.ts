/**
 * What torture found, as tables for people: figures in columns, then a verdict line each, then what failed.
 */
import { columnOf, duration, figure, GREEN, paint, RED, type TableStyle, tableLines } from '../bench/columns.ts';
import type { LockRow } from '../torture/lock-verdict.ts';

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
