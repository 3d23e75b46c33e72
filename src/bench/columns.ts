/**
 * Tables for people: columns of text under titles, colour only where the caller allows it. Whoever prints a table uses
 * this room, so that all of them look alike and say the same with and without colour.
 */

export interface TableStyle {
  readonly color: boolean;
  /** Width of the terminal; notes are broken to it. */
  readonly columns: number;
}

export interface Column {
  readonly title: string;
  /** Figures stand to the right, so that their digits line up. */
  readonly right: boolean;
  readonly cells: readonly string[];
}

export const BOLD = 1;
export const RED = 31;
export const GREEN = 32;
export const YELLOW = 33;

/** NO_COLOR, FORCE_COLOR and the terminal decide, in this order (no-color.org). */
export function colorAllowed(environment: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  if (environment.NO_COLOR !== undefined && environment.NO_COLOR !== '') return false;
  if (environment.FORCE_COLOR !== undefined && environment.FORCE_COLOR !== '0') return true;
  return isTerminal;
}

export function paint(text: string, code: number, style: TableStyle): string {
  return style.color ? `\u001b[${code}m${text}\u001b[0m` : text;
}

/** A column from rows: what each of them says under this title. */
export function columnOf<Row>(rows: readonly Row[], title: string, right: boolean, cell: (row: Row) => string): Column {
  return { title, right, cells: rows.map(cell) };
}

/** Lines of a table: the titles first, then one line a row. `finish` may colour a whole line. */
export function tableLines(
  columns: readonly Column[],
  style: TableStyle,
  finish: (line: string, row: number) => string = (line) => line,
): string[] {
  const widths = columns.map(({ title, cells }) => Math.max(title.length, ...cells.map((cell) => cell.length)));
  const line = (cellOf: (column: Column) => string): string =>
    columns
      .map((column, index) => padded(cellOf(column), widths[index]!, column.right))
      .join('  ')
      .trimEnd();
  const titles = paint(
    line((column) => column.title),
    BOLD,
    style,
  );
  const rows = columns[0]?.cells ?? [];
  return [
    titles,
    ...rows.map((_, row) =>
      finish(
        line((column) => column.cells[row] ?? ''),
        row,
      ),
    ),
  ];
}

function padded(text: string, width: number, right: boolean): string {
  return right ? text.padStart(width) : text.padEnd(width);
}

/** Breaks a text at spaces; lines after the first begin with `indent`. */
export function broken(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent;
    }
    line += line === '' || line === indent ? word : ` ${word}`;
  }
  return [...lines, line].join('\n');
}

/** A figure with as many digits as one can use. */
export function figure(value: number): string {
  const magnitude = Math.abs(value);
  if (Number.isInteger(value) || magnitude >= 1000) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 2);
}

const UNITS = [
  { unit: 's', ns: 1e9 },
  { unit: 'ms', ns: 1e6 },
  { unit: 'us', ns: 1e3 },
] as const;

/** A time in the unit that a person would choose: 812 ns, 12.3 us, 1.20 s. */
export function duration(ns: number): string {
  const fit = UNITS.find((each) => Math.abs(ns) >= each.ns);
  return fit === undefined ? `${Math.round(ns)} ns` : `${figure(ns / fit.ns)} ${fit.unit}`;
}
