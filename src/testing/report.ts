/**
 * What somebody reads who has a bug: what is wrong, where each thread was, then the schedule with a column for each thread,
 * and how to see it again.
 */
import type { Execution } from '../explore/dpor/execution.ts';
import type { Finding, Problem } from './problem.ts';
import type { Step } from './run-parts.ts';
import type { Place } from './runtime.ts';
import { placeOf } from './runtime.ts';
import { switchesOf } from './shrink.ts';

export interface Told {
  /** the first line */
  readonly headline: string;
  readonly details: readonly string[];
  /** the schedule as a table */
  readonly trace: string;
  /** the places that it is about, the nearest first, as a stack has them */
  readonly frames: readonly string[];
}

export function tell<M>(
  problem: Problem<M>,
  { kind, error, race }: Finding,
  execution: Execution,
  order: readonly number[],
): Told {
  const { names, state } = problem;
  const details: string[] = [];
  const frames: string[] = [];
  let headline = '';
  if (race !== undefined) {
    const here = placeOf(race.site);
    const there = placeOf(race.before.site);
    const [me, other] = [names[race.thread]!, names[race.before.thread]!];
    headline = `${me} ${verb(race)} \`${here.text}\` while ${other} may be at \`${there.text}\``;
    const width = Math.max(me.length, other.length);
    frames.push(frame(me, here), frame(other, there));
    details.push(
      `${other.padEnd(width)}  ${past(race.before)} at ${at(there)}  ${there.text}`,
      `${me.padEnd(width)}  ${past(race)} at ${at(here)}  ${here.text}`,
      race.atomic || race.before.atomic
        ? 'One of the two is no Atomics operation, and nothing orders them.'
        : 'Nothing orders the two: no Atomics operation that one does afterwards is read by the other one before.',
    );
  } else if (kind === 'deadlock' || kind === 'livelock') {
    const waiting = names.flatMap((name, i) =>
      execution.doing(i).doing === 'done' ? [] : [{ name, wait: state.waits[i] }],
    );
    const all = waiting.length === names.length ? 'every thread' : waiting.map(({ name }) => name).join(' and ');
    headline =
      kind === 'deadlock'
        ? `${all} sleeps, and nobody is left to wake ${waiting.length === 1 ? 'it' : 'them'}`
        : execution.stuck()
          ? `${all} spins on what nobody changes any more`
          : ((error as Error | undefined)?.message.replace('livelock: ', '') ??
            `no end after ${problem.maxSteps} operations`);
    for (const { name, wait } of waiting) {
      if (wait === undefined) {
        details.push(`${name}  goes on`);
        continue;
      }
      const place = placeOf(wait.site);
      frames.push(frame(name, place));
      const now = wait.view[wait.index];
      const held = now === wait.value ? `still holds ${now}` : `held ${wait.value} then, and holds ${now} now`;
      const lost =
        wait.kind === 'sleeps' && now !== wait.value ? ': what it waits for has happened, and nobody told it' : '';
      details.push(`${name}  ${wait.kind} at ${at(place)}  ${place.text}; the word ${held}${lost}`);
    }
  } else {
    headline = error instanceof Error ? error.message : String(error);
    if (kind === 'assertion') {
      const thrower = order.at(-1);
      if (thrower !== undefined) details.push(`thrown by ${names[thrower]}${frameOf(error)}`);
    } else details.push('found by check, when all threads had come to their end');
  }
  const steps = state.steps ?? [];
  const marked = new Set<Step | undefined>();
  if (race !== undefined) {
    marked.add(steps.findLast(({ thread, site }) => thread === race.thread && site === race.site));
    marked.add(steps.findLast(({ thread, site }) => thread === race.before.thread && site === race.before.site));
  }
  return { headline, details, trace: table(names, steps, switchesOf(order), marked), frames };
}

function verb({ writes }: { readonly writes: boolean }): string {
  return writes ? 'writes' : 'reads';
}
function past({ writes, atomic }: { readonly writes: boolean; readonly atomic: boolean }): string {
  return `${atomic ? 'atomically ' : ''}${writes ? 'wrote' : 'read'}`;
}
function frame(name: string, { path, line, column }: Place): string {
  return `    at ${name} (${path}:${line}:${column})`;
}
function at({ file, line }: Place): string {
  return `${file}:${line}`;
}
function frameOf(error: unknown): string {
  const frame = error instanceof Error ? /\n\s+at (.*)/.exec(error.stack ?? '')?.[1] : undefined;
  return frame === undefined ? '' : ` at ${frame}`;
}

const WIDTH_MAX = 58;

/** A row for each step, in the column of its thread; what a thread does over and over is folded into one row. */
export function table(
  names: readonly string[],
  steps: readonly Step[],
  switches: number,
  marked: ReadonlySet<Step | undefined> = new Set(),
): string {
  const files = new Set(steps.map(({ site }) => placeOf(site).file));
  const rows = fold(steps).map(({ thread, site, text, times, rounds, step }) => {
    const place = placeOf(site);
    const where = files.size > 1 ? `${place.file.replace(/^.*\//, '')}:${place.line}` : `${place.line}`;
    const code = place.text.length > 40 ? `${place.text.slice(0, 39)}…` : place.text;
    const more = rounds > 1 ? `  (round 1 of ${rounds})` : times > 1 ? `  (${times} times)` : '';
    return { thread, cell: `${where.padStart(3)}  ${code}  ${text}${more}${marked.has(step) ? '  ◀' : ''}` };
  });
  const widths = names.map((name, i) =>
    Math.min(
      WIDTH_MAX,
      Math.max(name.length, ...rows.filter(({ thread }) => thread === i).map(({ cell }) => cell.length)),
    ),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  │ ')
      .trimEnd();
  const head = line(names);
  const rule = widths.map((width) => '─'.repeat(width)).join('──┼─');
  const body = rows.map(({ thread, cell }) => line(names.map((_name, i) => (i === thread ? cell : ''))));
  const where = files.size === 1 ? ` of ${[...files][0]}` : '';
  const count = `${switches} ${switches === 1 ? 'switch' : 'switches'}`;
  return [
    `the shortest schedule found (${count}; line${where}, what stands there, what it did):`,
    '',
    head,
    rule,
    ...body,
  ].join('\n');
}

type Row = Step & { times: number; rounds: number; step: Step };
/** Rows of a loop that is folded, at most. */
const LOOP_MAX = 24;

function fold(steps: readonly Step[]): Row[] {
  const rows: Row[] = [];
  for (const step of steps) {
    const last = rows.at(-1);
    if (last !== undefined && isSame(last, step)) {
      last.times++;
      last.step = step;
    } else rows.push({ ...step, times: 1, rounds: 1, step });
  }
  const folded: Row[] = [];
  for (let at = 0; at < rows.length; ) {
    let [length, rounds] = [1, 1];
    for (let candidate = 2; candidate <= LOOP_MAX; candidate++) {
      const found = roundsAt(rows, at, candidate);
      if (found < 3) continue;
      [length, rounds] = [candidate, found];
      break;
    }
    for (const row of rows.slice(at, at + length)) folded.push({ ...row, rounds });
    at += length * rounds;
  }
  return folded;
}
/** How often the rows from `at` on come over and over. */
function roundsAt(rows: readonly Row[], at: number, length: number): number {
  let same = 0;
  while (at + length + same < rows.length && isSame(rows[at + same]!, rows[at + length + same]!)) same++;
  return 1 + Math.floor(same / length);
}
function isSame(one: Step, other: Step): boolean {
  return one.thread === other.thread && one.site === other.site && one.text === other.text;
}
