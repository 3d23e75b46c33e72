/**
 * A replay as tables for people: what of the trace was compared, what each design answered, and what its wakeups cost.
 */
import { columnOf, duration, figure, GREEN, paint, RED, type TableStyle, tableLines } from '../bench/columns.ts';
import { replayWords } from '../replay/report.ts';
import type { DesignReplay, ReplaySummary } from '../replay/run.ts';
import { wakeupLines } from './stats-table.ts';

export function replayLines(summary: ReplaySummary, style: TableStyle, verbose: boolean): string[] {
  const { program, calls, compared, imposed, unsupported } = summary;
  return [
    `${program}: ${figure(calls)} calls, ${figure(compared)} compared (${share(compared, calls)})`,
    ...reasonLines('imposed, as their result came from outside', imposed, verbose),
    ...reasonLines('not supported', unsupported, verbose),
    '',
    ...designLines(summary.designs, style),
    ...summary.designs.flatMap(mismatchLines),
    ...summary.designs.flatMap((design) => [
      '',
      `wakeups of ${design.epoll}`,
      ...wakeupLines(design.wakeups, undefined, style),
    ]),
    '',
    'in words',
    ...replayWords(summary).flatMap((sentence) => wrapped(sentence, WIDTH)),
  ];
}

const WIDTH = 118;

/** A sentence over as many lines as it takes, all but the first of them indented. */
function wrapped(sentence: string, width: number): string[] {
  const lines: string[] = [];
  let line = ' ';
  for (const word of sentence.split(' ')) {
    if (line.length + 1 + word.length > width && line.trim() !== '') {
      lines.push(line);
      line = '   ';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

function share(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((part / whole) * 100).toFixed(1)} %`;
}

/** The first answers that differ, each with its place in the trace. */
function mismatchLines({ epoll, mismatches, firstMismatches }: DesignReplay): string[] {
  const lines = firstMismatches.flatMap(({ line, tid, call, expected, got }) => [
    `${epoll}: line ${line}, thread ${tid}: ${call}`,
    `  recorded ${expected}`,
    `  got      ${got}`,
  ]);
  const more = mismatches - firstMismatches.length;
  return lines.length === 0 ? [] : ['', ...lines, ...(more > 0 ? [`... and ${more} more`] : [])];
}

const REASONS_SHOWN = 4;

/** Counts by reason on one line; the most frequent ones, or all with -v. */
function reasonLines(title: string, counts: Readonly<Record<string, number>>, verbose: boolean): string[] {
  const ranked = Object.entries(counts).sort((a, b) => b[1] - a[1]);
  if (ranked.length === 0) return [];
  const total = ranked.reduce((sum, [, count]) => sum + count, 0);
  const shown = verbose ? ranked : ranked.slice(0, REASONS_SHOWN);
  const parts = shown.map(([name, count]) => `${name} ${figure(count)}`);
  const rest = ranked.length - shown.length;
  return [`  ${figure(total)} ${title}: ${parts.join(', ')}${rest > 0 ? `, and ${rest} more (-v)` : ''}`];
}

function designLines(designs: readonly DesignReplay[], style: TableStyle): string[] {
  const columns = [
    columnOf(designs, 'epoll', false, ({ epoll }) => epoll),
    columnOf(designs, 'compared', true, ({ compared }) => figure(compared)),
    columnOf(designs, 'mismatches', true, ({ mismatches }) => figure(mismatches)),
    columnOf(designs, 'declared', true, ({ declared }) => figure(declared)),
    columnOf(designs, 'epoll waits', true, ({ epollWaits }) => figure(epollWaits)),
    columnOf(designs, 'events', true, ({ eventsDelivered }) => figure(eventsDelivered)),
    columnOf(designs, 'repolls', true, ({ repolls }) => figure(repolls)),
    columnOf(designs, 'an event', true, ({ repollsPerEvent }) => figure(repollsPerEvent)),
    columnOf(designs, 'latency p50', true, ({ latency }) => duration(latency.p50)),
    columnOf(designs, 'p99', true, ({ latency }) => duration(latency.p99)),
    columnOf(designs, 'max', true, ({ latency }) => duration(latency.max)),
    columnOf(designs, 'wall', true, ({ wall }) => duration(wall)),
  ];
  return tableLines(columns, style, (line, row) => paint(line, designs[row]!.mismatches === 0 ? GREEN : RED, style));
}
