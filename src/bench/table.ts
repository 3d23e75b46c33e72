/**
 * Rows as a table for people: what was measured, its unit, how well it is known, from how many samples, on how many host
 * cores. Colour only where the caller allows it; the text says the same without.
 */

import { broken, type Column, columnOf, figure, GREEN, paint, tableLines, type TableStyle, YELLOW } from './columns.ts';
import type { ParameterValue, Row } from './rows.ts';

export { colorAllowed, type TableStyle } from './columns.ts';

export interface TableHost {
  readonly cores: number;
  readonly cpu: string;
  readonly kernel: string;
  readonly node: string;
}

function parameter(key: string, value: ParameterValue): string {
  if (value === true) return key;
  if (value === false) return `no-${key}`;
  return `${key}=${value}`;
}

function describeParameters(row: Row): string {
  return Object.entries(row.params)
    .map(([key, value]) => parameter(key, value))
    .join(' ');
}

/** The bounds of the median as a distance in per cent, the larger of the two sides. */
function spread(row: Row): string {
  if (row.samples.length < 2 || row.median === 0) return '-';
  const widest = Math.max(row.high - row.median, row.median - row.low) / Math.abs(row.median);
  return `${(widest * 100).toFixed(widest < 0.1 ? 1 : 0)} %`;
}

function ratio(row: Row): string {
  return row.host === null ? '-' : row.host.ratio.toFixed(2);
}

/** Counted beside the time, with a column of their own: so a row of a sweep can be compared with the next. */
function locks(row: Row): string {
  const taken = row.counts?.['locks'];
  return taken === undefined ? '-' : figure(taken);
}

function tableColumns(rows: readonly Row[]): Column[] {
  const column = (title: string, right: boolean, cell: (row: Row) => string): Column =>
    columnOf(rows, title, right, cell);
  const columns = [
    column('benchmark', false, (row) => row.name),
    column('with', false, describeParameters),
    column('epoll', false, (row) => row.design),
    column('cpus', true, (row) => String(row.cpus)),
    column('median', true, (row) => figure(row.median)),
    column('unit', false, (row) => row.unit),
    column('95 % bounds', true, (row) => `${figure(row.low)} .. ${figure(row.high)}`),
    column('+-', true, spread),
    column('samples', true, (row) => String(row.samples.length)),
  ];
  if (rows.some((row) => row.counts?.['locks'] !== undefined)) {
    columns.push(column('locks/op', true, (row) => locks(row)));
  }
  if (rows.some((row) => row.host !== null)) {
    columns.push(
      column('host', true, (row) => (row.host === null ? '-' : figure(row.host.median))),
      column('machine/host', true, ratio),
    );
  }
  return columns;
}

function describeFit(row: Row): string[] {
  if (row.fit === undefined) return [];
  const { slope, intercept, r2 } = row.fit;
  return [`slope ${figure(slope)}, intercept ${figure(intercept)}, r2 ${r2.toFixed(4)}`];
}

function describeCounts(row: Row): string[] {
  const counts = Object.entries(row.counts ?? {}).filter(([key]) => key !== 'locks');
  return counts.length === 0 ? [] : [counts.map(([key, value]) => `${key} ${figure(value)}`).join(', ')];
}

/** Everything a row says beside its figures, one line each, under the table. */
function remarks(rows: readonly Row[], style: TableStyle): string[] {
  return rows.flatMap((row) =>
    [...describeFit(row), ...describeCounts(row), ...(row.notes ?? [])].map((remark) => {
      const subject = [row.name, describeParameters(row)].filter((part) => part !== '').join(' ');
      return broken(`${subject}: ${remark}`, Math.max(40, style.columns), '  ');
    }),
  );
}

export function renderTable(rows: readonly Row[], host: TableHost, style: TableStyle): string {
  if (rows.length === 0) return 'no rows\n';
  const context = `host: ${host.cores} cores of ${host.cpu}, ${host.kernel}, Node ${host.node}`;
  const table = tableLines(tableColumns(rows), style, (line, index) => {
    const compared = rows[index]!.host;
    return compared === null ? line : paint(line, compared.ratio <= 1 ? GREEN : YELLOW, style);
  });
  const below = remarks(rows, style);
  return `${[context, '', ...table, ...(below.length > 0 ? ['', ...below] : [])].join('\n')}\n`;
}
