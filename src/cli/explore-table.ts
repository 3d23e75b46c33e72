/**
 * What an exploration came to, in words and tables.
 */
import { columnOf, figure, paint, type TableStyle, tableLines, BOLD } from '../bench/columns.ts';
import type { PctCheck } from '../explore/engine/pct-check.ts';
import type { CountRow } from '../explore/dpor/counts.ts';
import type { ExploreResult } from '../explore/run.ts';
import type { ZooRow } from '../explore/zoo-run.ts';
import { REPLAYS } from '../explore/zoo-run.ts';

export function resultText(result: ExploreResult, style: TableStyle): string {
  const lines: string[] = [];
  if (result.rows.length > 1) lines.push(...table(result, style), '');
  lines.push(paint(verdict(result), BOLD, style), pace(result));
  if (result.found !== null) {
    const { switches, switchesFirst } = result.found;
    if (switchesFirst > switches)
      lines.push(`the schedule above has ${switches} switches, made short from ${switchesFirst}`);
  }
  return lines.join('\n');
}

function verdict({ scenario, bug, verdict: word, found, strategy, interrupted }: ExploreResult): string {
  const where = `${scenario}${bug === null ? '' : ` with the bug ${bug}`}`;
  if (found !== null) return `${where}: found: ${found.kind} in ${found.scenario} on ${found.design}`;
  if (word === 'complete')
    return `${where}: complete: every schedule was run, up to what ${strategy} leaves out; none failed`;
  return `${where}: ok: no schedule failed${interrupted ? ' before the search was interrupted' : ''}`;
}

function pace({
  schedules,
  steps,
  seconds,
  schedulesPerSecond,
  stepsPerSecond,
  lanes,
  strategy,
  seed,
  rows,
}: ExploreResult): string {
  const by = `${strategy}, seed ${seed}`;
  const speed = `${figure(schedulesPerSecond)} schedules/s, ${figure(stepsPerSecond / 1e6)} M steps/s on one core`;
  const on = lanes > 1 ? ` on ${lanes} lanes together` : '';
  const boot = rows.length === 1 ? `booted in ${(1000 * rows[0]!.bootSeconds).toFixed(0)} ms; ` : '';
  return `${boot}${figure(schedules)} schedules, ${figure(steps)} steps in ${seconds.toFixed(2)} s${on} (${by}): ${speed}`;
}

function table({ rows }: ExploreResult, style: TableStyle): string[] {
  return tableLines(
    [
      columnOf(rows, 'scenario', false, ({ scenario }) => scenario),
      columnOf(rows, 'design', false, ({ design }) => design),
      columnOf(rows, 'schedules', true, ({ schedules }) => figure(schedules)),
      columnOf(rows, 'steps each', true, ({ steps, schedules }) => figure(Math.round(steps / Math.max(1, schedules)))),
      columnOf(rows, 'schedules/s', true, ({ schedules, seconds }) =>
        figure(Math.round(schedules / Math.max(seconds, 1e-9))),
      ),
    ],
    style,
  );
}

export function countsText(rows: readonly CountRow[], pct: PctCheck, style: TableStyle): string {
  const lines = tableLines(
    [
      columnOf(rows, 'program', false, ({ name }) => name),
      columnOf(rows, 'n', true, ({ n }) => String(n)),
      columnOf(rows, 'known', true, ({ expected }) => figure(expected)),
      columnOf(rows, 'dpor', true, ({ complete }) => figure(complete)),
      columnOf(rows, 'blocked', true, ({ blocked }) => figure(blocked)),
      columnOf(rows, 'cut', true, ({ cut }) => figure(cut)),
      columnOf(rows, 'seconds', true, ({ seconds }) => seconds.toFixed(2)),
    ],
    style,
  );
  const equal = rows.filter(({ complete, expected }) => complete === expected).length;
  return [
    ...lines,
    '',
    `${equal} of ${rows.length} counts are those of GenMC's tests`,
    `20 steps undisturbed, in ${figure(pct.runs)} runs: pct at depth 1 in ${(100 * pct.pct).toFixed(1)} % of them, random in ${(100 * pct.random).toFixed(1)} %`,
  ].join('\n');
}

export function zooText(rows: readonly ZooRow[], style: TableStyle): string {
  const lines = tableLines(
    [
      columnOf(rows, '#', true, ({ number }) => (number === null ? '' : String(number))),
      columnOf(rows, 'bug', false, ({ bug }) => bug),
      columnOf(rows, 'scenario', false, ({ scenario }) => scenario),
      columnOf(rows, 'design', false, ({ design }) => design),
      columnOf(rows, 'found as', false, ({ found, expected }) =>
        found === null ? 'NOT FOUND' : found === expected ? found : `${found}, NOT ${expected}`,
      ),
      columnOf(rows, 'schedules', true, ({ schedules }) => figure(schedules)),
      columnOf(rows, 'seconds', true, ({ seconds }) => seconds.toFixed(2)),
      columnOf(rows, 'switches', true, ({ switches }) => String(switches)),
      columnOf(rows, 'replays', true, ({ replays }) => `${replays}/${REPLAYS}`),
      columnOf(rows, 'without it', false, ({ cleanWithout }) => (cleanWithout ? 'clean' : 'NOT CLEAN')),
    ],
    style,
  );
  const good = rows.filter(({ found, expected }) => found === expected);
  const most = Math.max(0, ...rows.map(({ seconds }) => seconds));
  const all = good.every(({ replays }) => replays === REPLAYS);
  const numbered = good.filter(({ number }) => number !== null).length;
  return [
    ...lines,
    '',
    `${good.length} of ${rows.length} bugs found as what they are (${numbered} of the thirty that are numbered), each within ${most.toFixed(1)} s;`,
    `${all ? 'every token ran to the same end each time' : 'NOT every token ran to the same end each time'}`,
  ].join('\n');
}
