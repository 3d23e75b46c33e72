/**
 * `smplab explore`: schedules of a scenario on the stepped machine, until one fails or none is left. The search is
 * explore's own (src/explore); this file turns flags into a request and a result into words.
 */
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { EXIT_FAILED, EXIT_INTERRUPTED, EXIT_MACHINE, EXIT_OK, UsageError } from './exit-codes.ts';
import { type OutputFlags, outputFlags } from './output.ts';
import { inSession, type Session } from './session.ts';
import { unknownName } from './suggest.ts';
import { oneOf, seconds, wholeNumber } from './values.ts';
import type { ExploreRequest, StrategyName } from '../explore/run.ts';

interface ExploreFlags extends OutputFlags {
  readonly bug?: string;
  readonly epoll?: string;
  readonly strategy: string;
  readonly schedules?: string;
  readonly seconds?: string;
  readonly seed: string;
  readonly preemptions: string;
  readonly replay?: string;
  readonly html?: string;
}

/** Beside the scenarios: the counts of known programs, and every bug of the zoo. */
const COUNTS = 'counts';
const ZOO = 'zoo';
const PCT_RUNS = 10_000;

export function define(command: Command): void {
  command
    .argument(
      '[scenario]',
      'see `smplab list`; or all; or zoo, every bug; or counts, programs whose number of schedules is known',
    )
    .option('--bug <name>', 'in a kernel with this bug of the zoo; its own scenario by default')
    .option('--epoll <design>', "the design it runs on; the scenario's first by default")
    .option('--strategy <name>', 'random, pct, pos, dfs, dpor or portfolio', 'portfolio')
    .option('-n, --schedules <n>', 'how many at most; 10000 by default, for all together 1000000')
    .option('-s, --seconds <n>', 'how long at most')
    .option('--seed <n>', 'another seed, other schedules', '1')
    .option('--preemptions <n>', 'dfs: in each schedule at most', '2')
    .option('--replay <token>', 'run the one schedule that a token stands for')
    .option('--html <file>', 'write the schedule that failed as an interactive page');
  outputFlags(command).addHelpText(
    'after',
    `
Examples:
  smplab explore one-wakeup
  smplab explore --bug lost-wakeup
  smplab explore --bug lost-wakeup --html lost.html
  smplab explore one-wakeup --strategy dfs --preemptions 2
  smplab explore all --schedules 100000
  smplab explore --replay v1:...
  smplab explore zoo
  smplab explore counts

A step is an atomic operation at which another CPU could be chosen. dfs and dpor end with the verdict complete when every
schedule was run, up to the bound or the reduction. The exit code is 3 if something was found.`,
  );
  command.action((scenario: string | undefined, flags: ExploreFlags) =>
    inSession(flags, async (session) => {
      if (flags.replay !== undefined) return replay(session, flags.replay, scenario, flags);
      if (scenario === COUNTS) return counts(session);
      if (scenario === ZOO) return zoo(session, notBelow(0, flags.seed, '--seed'));
      return search(session, scenario, flags);
    }),
  );
}

async function search(session: Session, scenario: string | undefined, flags: ExploreFlags): Promise<number> {
  const { output, progress, interrupts } = session;
  if (scenario === undefined && flags.bug === undefined) {
    throw new UsageError('explore what? Name a scenario, `all`, or --bug NAME; `smplab list` has their names');
  }
  const { explore, STRATEGIES } = await import('../explore/run.ts');
  const request: ExploreRequest = {
    scenario,
    bug: flags.bug,
    epoll: flags.epoll,
    strategy: oneOf('strategy', STRATEGIES)(flags.strategy, '--strategy') as StrategyName,
    preemptions: notBelow(0, flags.preemptions, '--preemptions'),
    schedules: flags.schedules === undefined ? undefined : notBelow(1, flags.schedules, '--schedules'),
    secondsMax: flags.seconds === undefined ? undefined : seconds(flags.seconds, '--seconds'),
    seed: notBelow(0, flags.seed, '--seed'),
    signal: interrupts.signal,
    onProgress: (done) => progress.show(`explore: ${done.toLocaleString('en-US')} schedules`),
  };
  progress.show('explore: loading the kernel');
  const result = await explore(request).catch(rethrown);
  progress.end();
  if (output.json) await output.document('explore', await host(), result);
  else if (!output.quiet || result.found !== null) {
    const { resultText } = await import('./explore-table.ts');
    const text = result.found === null ? '' : `${await story(session, result.found.token, flags)}\n\n`;
    await output.result(`${text}${resultText(result, output.style)}\n`);
  }
  if (result.found === null) return result.interrupted ? EXIT_INTERRUPTED : EXIT_OK;
  if (output.json && flags.html !== undefined) await story(session, result.found.token, flags);
  return EXIT_MACHINE;
}

/** The columns of a failing schedule; also written as a page, if one is asked for. */
async function story({ output }: Session, token: string, { html }: ExploreFlags): Promise<string> {
  const { traceOfToken } = await import('../explore/story.ts');
  const { columnReport, htmlReport } = await import('../explore/report/index.ts');
  const trace = await traceOfToken(token);
  if (html !== undefined) {
    writeFileSync(html, htmlReport(trace));
    output.note(`wrote ${html}`);
  }
  return columnReport(trace, { columns: output.style.columns, colour: output.style.color });
}

async function replay(
  session: Session,
  token: string,
  scenario: string | undefined,
  flags: ExploreFlags,
): Promise<number> {
  if (scenario !== undefined || flags.bug !== undefined) {
    throw new UsageError('--replay: the token names its scenario and its bug; leave them away');
  }
  const { output } = session;
  const { replayToken } = await import('../explore/run.ts');
  const { finding, ...ran } = await replayToken(token).catch(rethrown);
  const found = finding === undefined ? null : { ...finding, token, switches: ran.switches };
  const text = output.json && flags.html === undefined ? '' : await story(session, token, flags);
  if (output.json) {
    const { scenario: name, design, bug, seed, steps } = ran;
    const body = { schedules: 1, steps, seed, found };
    await output.document('explore', await host(), {
      scenario: name,
      design,
      bug: bug === '' ? null : bug,
      strategy: 'replay',
      verdict: found === null ? 'ok' : 'bug',
      ...body,
    });
  } else await output.result(`${text}\n`);
  if (found !== null) return EXIT_MACHINE;
  output.note('the schedule ran to a good end');
  return EXIT_OK;
}

async function counts({ output }: Session): Promise<number> {
  const { steppedKernel } = await import('../explore/kernel.ts');
  const kernel = await steppedKernel();
  const [rows, pct] = [kernel.counts('all'), kernel.checkPct(PCT_RUNS)];
  if (output.json) await output.document('explore', await host(), { scenario: COUNTS, strategy: 'dpor', rows, pct });
  else {
    const { countsText } = await import('./explore-table.ts');
    await output.result(`${countsText(rows, pct, output.style)}\n`);
  }
  return EXIT_OK;
}

async function zoo({ output, progress, interrupts }: Session, seed: number): Promise<number> {
  const { runZoo } = await import('../explore/zoo-run.ts');
  const { zooText } = await import('./explore-table.ts');
  progress.show('explore zoo: loading the kernel');
  const rows = await runZoo({
    seed,
    signal: interrupts.signal,
    onRow: ({ bug }, done, total) => progress.show(`explore zoo: ${done} of ${total} bugs: ${bug}`),
  });
  progress.end();
  const interrupted = interrupts.signal.aborted;
  if (output.json) await output.document('explore', await host(), { scenario: ZOO, seed, interrupted, rows });
  else await output.result(`${zooText(rows, output.style)}\n`);
  if (interrupted) return EXIT_INTERRUPTED;
  return rows.every(({ found, expected, cleanWithout }) => found === expected && cleanWithout) ? EXIT_OK : EXIT_FAILED;
}

async function host(): Promise<unknown> {
  const { describeHost } = await import('../bench/run.ts');
  return describeHost();
}

function notBelow(least: number, value: string, where: string): number {
  const number = wholeNumber(value, where);
  if (number < least) throw new UsageError(`${where}: ${number} is less than ${least}`);
  return number;
}

/** Errors that a person made: a wrong name, a token that is not one of ours. */
function rethrown(error: unknown): never {
  if (!(error instanceof Error)) throw error;
  if (error.name === 'NameError') {
    const { what, given, known } = error as Error & { what: string; given: string; known: readonly string[] };
    throw new UsageError(given === '' ? error.message : unknownName(what, given, known));
  }
  if (error.name === 'TokenError' || error.name === 'ForeignTokenError') throw new UsageError(error.message);
  throw error;
}
