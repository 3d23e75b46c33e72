/**
 * A trace as text: a column for each CPU, a row for each step that matters, and below it the finding, how things stand, and
 * the command that runs it again. A row is one CPU's, so its text may run on over the columns to its right.
 */
import { placeText } from './explain.ts';
import type { Row } from './rows.ts';
import { rowsOf } from './rows.ts';
import type { RunTrace } from './trace.ts';

export interface ColumnOptions {
  /** default 100 */
  readonly columns?: number;
  readonly colour?: boolean;
  /** the most that are printed; default 100 */
  readonly rows?: number;
}

const WIDTH = 100;
const ROWS = 100;
const NARROWEST = 60;
const WHERE_MAX = 26;
/** Room that the last CPU's text has at least. */
const LAST_COLUMN = 50;
/** Columns nearer to each other than this would be no columns. */
const STRIDE_MIN = 6;

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'magenta';
const CODES: Readonly<Record<Style, number>> = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  cyan: 36,
  magenta: 35,
};
type Paint = (style: Style | undefined, text: string) => string;

const STYLES: Readonly<Record<Row['kind'], Style | undefined>> = {
  call: 'bold',
  answer: 'bold',
  change: 'cyan',
  look: undefined,
  wake: 'green',
  lock: 'magenta',
  spin: 'yellow',
  panic: 'red',
  fold: 'dim',
};

/** What a CPU without a task does. */
const NO_TASK: Readonly<Record<string, string>> = { sleeps: 'idles', ready: 'runs no task' };
const FOLD = {
  kind: 'fold',
  cpu: -1,
  depth: 0,
  under: '',
  where: '',
  switched: false,
  named: false,
  event: -1,
} as const;

export function columnReport(
  trace: RunTrace,
  { columns = WIDTH, colour = false, rows = ROWS }: ColumnOptions = {},
): string {
  const width = Math.max(NARROWEST, columns);
  const paint: Paint = (style, text) =>
    colour && style !== undefined && text !== '' ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text;
  return [...head(trace, width, paint), ...body(trace, width, rows, paint), ...foot(trace, width, paint)].join('\n');
}

function head({ about, finding, cpus, steps, switches }: RunTrace, width: number, paint: Paint): string[] {
  const what = [
    about.scenario,
    about.bug === '' ? '' : `with ${about.bug}`,
    about.design === '' ? '' : `on ${about.design}`,
  ];
  const run = `${cpus} CPUs, ${steps} steps, ${switches} switches`;
  const title = what.filter((part) => part !== '').join(' ');
  const left = finding.kind === 'done' ? 'done' : finding.kind;
  const gap = ' '.repeat(Math.max(2, width - left.length - title.length - run.length - 4));
  return [
    `${paint(finding.kind === 'done' ? 'green' : 'red', paint('bold', left))}  ${title}${gap}${paint('dim', run)}`,
    '',
  ];
}

interface Geometry {
  readonly step: number;
  readonly where: number;
  /** where each CPU's column begins within the body; undefined: it has none */
  readonly starts: ReadonlyMap<number, number>;
  readonly body: number;
  /** rows say whose they are, for there are more CPUs than columns */
  readonly labelled: boolean;
}

function geometryOf(rows: readonly Row[], trace: RunTrace, width: number): Geometry {
  const acting = [...new Set(rows.map(({ cpu }) => cpu))].filter((cpu) => cpu >= 0).sort((a, b) => a - b);
  const step = Math.max(4, String(trace.steps).length);
  const where = Math.min(WHERE_MAX, Math.max(5, ...rows.map((row) => row.where.length)));
  const room = width - step - 1 - where - 2;
  const last = Math.max(LAST_COLUMN, Math.floor(room / Math.max(1, acting.length)));
  const stride = acting.length < 2 ? 0 : Math.floor((room - last) / (acting.length - 1));
  const labelled = acting.length > 1 && stride < STRIDE_MIN;
  const starts = new Map(acting.map((cpu, index) => [cpu, labelled ? 0 : index * stride]));
  return { step, where, starts, body: room, labelled };
}

/** The last rows, and before them those that the explanation names. */
function rowsShown(trace: RunTrace, most: number): readonly Row[] {
  const rows = rowsOf(trace);
  if (rows.length <= most) return rows;
  const from = rows.length - most;
  const before = rows.slice(0, from).filter(({ named }) => named);
  const text = `${from - before.length} rows before these are left out`;
  return [...before, { ...rows[from]!, ...FOLD, step: rows[from]!.step, text }, ...rows.slice(from)];
}

function body(trace: RunTrace, width: number, most: number, paint: Paint): string[] {
  const rows = rowsShown(trace, most);
  if (rows.length === 0) return [];
  const geometry = geometryOf(rows, trace, width);
  const titles = new Map(
    [...geometry.starts].map(([cpu, start]) => [start, geometry.labelled ? 'CPUs' : `CPU ${cpu}`]),
  );
  const heading = overlay(geometry.body, titles, ' ');
  return [
    paint('dim', `${'step'.padStart(geometry.step)} ${heading}  where`),
    ...rows.map((row) => rowLine(row, geometry, paint)),
    '',
  ];
}

/** Texts put into a line at their places; a later one cuts off an earlier. */
function overlay(width: number, texts: ReadonlyMap<number, string>, fill: string): string {
  const line = Array.from({ length: width }, () => fill);
  for (const [start, text] of texts) for (const [i, letter] of [...text].entries()) line[start + i] = letter;
  return line.slice(0, width).join('');
}

function rowLine(row: Row, { step, where, starts, body: room, labelled }: Geometry, paint: Paint): string {
  const bars = new Map([...starts.values()].map((start) => [start, '│']));
  if (row.kind === 'fold') {
    const text = `⋮ ${row.text}`;
    return paint('dim', `${' '.repeat(step)} ${overlay(room, new Map([...bars, [2, text]]), ' ')}`.trimEnd());
  }
  const start = starts.get(row.cpu) ?? 0;
  const left = overlay(start, new Map([...bars].filter(([at]) => at < start)), ' ');
  const label = labelled ? `CPU ${row.cpu} ` : '';
  const indent = '  '.repeat(row.depth);
  const tag = row.under === '' ? '' : `[${row.under}] `;
  const space = room - start - 2 - label.length - indent.length - tag.length;
  const text = cut(row.text, space);
  const used = start + 2 + label.length + indent.length + tag.length + text.length;
  const rest = new Map([...bars].filter(([at]) => at > used).map(([at, bar]) => [at - used, bar]));
  const right = overlay(Math.max(0, room - used), rest, ' ');
  const mark = row.switched ? paint('bold', '▶') : paint('dim', '│');
  const number = row.named
    ? paint('red', String(row.step).padStart(step))
    : paint('dim', String(row.step).padStart(step));
  const shown = `${indent}${paint('magenta', tag)}${paint(row.named ? 'red' : STYLES[row.kind], text)}`;
  const line = `${number}${row.named ? paint('red', '●') : ' '}${paint('dim', left)}${mark} ${label}${shown}${paint('dim', right)}`;
  return row.where === '' ? line.trimEnd() : `${line}  ${paint('dim', cutLeft(row.where, where))}`;
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
/** The end of a place, its line, matters more than its beginning. */
function cutLeft(text: string, width: number): string {
  return text.length <= width ? text : `…${text.slice(text.length - width + 1)}`;
}

function foot(trace: RunTrace, width: number, paint: Paint): string[] {
  const { finding, because, about } = trace;
  const lines: string[] = [];
  const message = finding.message.startsWith(`${finding.kind}:`)
    ? finding.message
    : `${finding.kind}: ${finding.message}`;
  if (finding.message !== '') {
    lines.push(...wrap(message, width).map((line) => paint('red', paint('bold', line))), '');
  }
  if (because.length > 0) lines.push(...because.flatMap((sentence) => wrap(sentence, width - 2, '  ')), '');
  lines.push(...standing(trace).flatMap((line) => wrap(line, width, '       ')));
  if (about.replay !== '') lines.push('', `again: ${paint('bold', about.replay)}`);
  return lines;
}

/** Where each CPU and each task stands. */
export function standing(trace: RunTrace): string[] {
  const { cpus, tasks } = trace.ends;
  return [
    ...cpus.map(({ cpu, doing, task, holds, waitsFor, place }) => {
      const runs = task === 0 ? (NO_TASK[doing] ?? doing) : `runs task ${task}${doing === 'ready' ? '' : `, ${doing}`}`;
      const held = holds.length === 0 ? '' : `, holds ${holds.map((lock) => trace.locks[lock]!.name).join(' and ')}`;
      const wants = waitsFor < 0 ? '' : `, waits for ${trace.locks[waitsFor]!.name}`;
      const where = placeText(trace, place);
      return `CPU ${cpu}  ${runs}${held}${wants}${where === '' ? '' : `, at ${where}`}`;
    }),
    ...tasks.map(({ task, cpu, state, call, queues }) => {
      const what = call === '' ? '' : ` in ${call}`;
      return `task ${task} on CPU ${cpu}  ${state}${what}${queues.length === 0 ? '' : `, stands in ${queues.join(', ')}`}`;
    }),
  ];
}

function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
