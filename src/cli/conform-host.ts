/**
 * What `smplab conform --engine host` can do beyond judging: write the answers of the host's kernel into files, and let
 * random programs run on it and on a machine until they answer differently.
 */
import type { Command } from 'commander';
import type { FuzzDifference, FuzzOutcome } from '../conform/fuzz/run.ts';
import type { BootOptions } from '../machine/config.ts';
import { EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, UsageError } from './exit-codes.ts';
import type { Session } from './session.ts';

export interface HostFlags {
  readonly engine: string;
  readonly record?: boolean;
  readonly add?: boolean;
  readonly runs?: number;
  readonly fuzz?: number;
  readonly from?: number;
  readonly lanes?: number;
}

export function hostFlags(command: Command): void {
  command
    .option('--record', "host engine: write this kernel's answers into the files")
    .option('--add', 'with --record: keep the answers that they have')
    .option(
      '--runs <n>',
      'with --record: runs of each case (default: 1, or 20 if it starts threads)',
      wholeNumber('--runs'),
    )
    .option(
      '--fuzz <n>',
      'host engine: so many random programs on this kernel and on a machine; a difference is made small and printed',
      wholeNumber('--fuzz'),
    )
    .option(
      '--lanes <n>',
      'with --fuzz: so many machines, and processes on this kernel, at once (default: 2)',
      wholeNumber('--lanes'),
    )
    .option('--from <n>', 'with --fuzz: the number of the first program (default: 0)', wholeNumber('--from', 0));
}

export function wholeNumber(flag: string, least = 1): (text: string) => number {
  return (text) => {
    if (/^(?:0|[1-9]\d{0,8})$/.test(text) && Number(text) >= least) return Number(text);
    throw new UsageError(`${flag}: a whole number from ${least} was expected, not '${text}'`);
  };
}

export function checkHostFlags(flags: HostFlags, files: readonly string[]): void {
  const given = flags.record === true ? '--record' : flags.fuzz !== undefined ? '--fuzz' : undefined;
  if (given !== undefined && flags.engine !== 'host')
    throw new UsageError(`${given}: the answers are those of --engine host`);
  if (flags.record === true && flags.fuzz !== undefined)
    throw new UsageError('--record and --fuzz: one of them at a time');
  if (flags.record === true && files.length === 0) throw new UsageError('--record: name the files to write');
  if (flags.fuzz !== undefined && files.length > 0)
    throw new UsageError('--fuzz: makes its own programs, and takes no files');
  for (const name of ['from', 'lanes'] as const) {
    if (flags[name] !== undefined && flags.fuzz === undefined) throw new UsageError(`--${name}: belongs to --fuzz`);
  }
  const alone = flags.add === true ? '--add' : flags.runs !== undefined ? '--runs' : undefined;
  if (alone !== undefined && flags.record !== true) throw new UsageError(`${alone}: belongs to --record`);
}

/** Records into files; what stood there is gone, unless it is kept by --add. */
export async function record(
  { output, progress }: Session,
  files: readonly string[],
  flags: HostFlags,
): Promise<number> {
  const { recordFile } = await import('../conform/host/record.ts');
  const { HostRunner } = await import('../conform/host/runner.ts');
  const { describeHost } = await import('./boot.ts');
  const runner = new HostRunner();
  const recorded: { file: string; case: string; outcomes: number; added: number }[] = [];
  try {
    for (const file of files) {
      progress.show(`recording ${file}`);
      const { runs, add = false } = flags;
      const cases = await recordFile(file, runner, { add, ...(runs === undefined ? {} : { runs }) });
      recorded.push(...cases.map((one) => ({ file, ...one })));
    }
  } finally {
    await runner.close();
    progress.end();
  }
  if (output.json) await output.document('conform', describeHost(), { engine: 'host', recorded });
  else if (!output.quiet) {
    const lines = recorded.map(({ file, case: name, outcomes, added }) => {
      return `${file}: ${name}: ${outcomes} outcome${outcomes === 1 ? '' : 's'}, ${added} of them new`;
    });
    await output.result(`${lines.join('\n')}\n`);
  }
  return EXIT_OK;
}

/** Random programs; exit 1 if the two sides differ. */
export async function fuzzed(
  { output, progress, interrupts }: Session,
  { fuzz: programs = 0, from: first = 0, lanes }: HostFlags,
  boot: BootOptions,
): Promise<number> {
  const { fuzz } = await import('../conform/fuzz/run.ts');
  const { configOf, describeHost } = await import('./boot.ts');
  const epoll = boot.epoll ?? 'kevlar';
  const startMs = performance.now();
  progress.show('fuzz: starting');
  const outcome = await fuzz({
    programs,
    first,
    ...(lanes === undefined ? {} : { lanes }),
    seed: boot.seed ?? 1,
    boot,
    signal: interrupts.signal,
    onProgram: (done, differences) => {
      const rate = Math.round((done * 1000) / (performance.now() - startMs));
      progress.show(`fuzz: ${done} of ${programs} programs, ${rate}/s, ${differences} differences`);
    },
  });
  progress.end();
  const interrupted = interrupts.signal.aborted;
  if (output.json) {
    const config = configOf({ ...boot, checks: true });
    await output.document('conform', describeHost(), { config, interrupted, epoll, engine: 'host', fuzz: outcome });
  } else if (!output.quiet || !isClean(outcome)) {
    await output.result(fuzzText(epoll, outcome));
    if (output.verbose) await output.result(callsText(outcome));
  }
  const left = programs - outcome.programs;
  if (left > 0) output.note(goOn(outcome, left, epoll));
  if (interrupted) return EXIT_INTERRUPTED;
  return isClean(outcome) ? EXIT_OK : EXIT_FAILED;
}

function isClean({ differences, problems }: FuzzOutcome): boolean {
  return differences.length === 0 && problems.length === 0;
}

/** It ended early: by a Ctrl-C, or because enough differs. */
function goOn({ first, programs, seed }: FuzzOutcome, left: number, epoll: string): string {
  const from = first + programs;
  const rest = `--fuzz ${left} --from ${from} --seed ${seed} --epoll ${epoll}`;
  return `it ended after ${programs} programs; to go on: smplab conform --engine host ${rest}`;
}

function fuzzText(epoll: string, outcome: FuzzOutcome): string {
  const { first, programs, threaded, steps, declared, unseen, unanswered, seed, seconds, differences, once } = outcome;
  const rate = Math.round(programs / Math.max(seconds, 0.001));
  const from = first === 0 ? '' : ` from ${first} on`;
  const lines = [
    `fuzz: ${epoll} against the kernel of this host, seed ${seed}: ${programs} programs${from} (${threaded} with threads, ${steps} steps) in ${seconds.toFixed(1)} s, ${rate}/s`,
    `  ${differences.length} differ, ${declared} show a declared divergence, ${unseen} an outcome that breaks no rule, ${unanswered} have no answer of the host`,
    `  ${once.length} differed once and not again`,
  ];
  for (const problem of outcome.problems) lines.push('', `PROBLEM ${problem}`);
  for (const difference of differences) lines.push('', ...differenceLines('DIFFERENCE', difference));
  for (const difference of once) lines.push('', ...differenceLines('ONCE', difference));
  return `${lines.join('\n')}\n`;
}

function differenceLines(title: string, { program, case: one, failure }: FuzzDifference): string[] {
  return [
    `${title} ${program}: thread ${failure.thread}, step ${failure.step}: ${failure.why}`,
    `  the host    ${JSON.stringify(failure.expected)}`,
    `  the machine ${JSON.stringify(failure.got)}`,
    `  as a case of its own, for smplab conform: ${JSON.stringify(one)}`,
  ];
}

/** What was called, and what the host answered. */
function callsText({ calls }: FuzzOutcome): string {
  const lines = Object.entries(calls).map(([name, { made, succeeded, blocked, errors }]) => {
    const share = Math.round((100 * succeeded) / made);
    const sorted = Object.entries(errors).sort(([, left], [, right]) => right - left);
    const rest = [
      ...sorted.map(([error, count]) => `${error} ${count}`),
      ...(blocked > 0 ? [`blocked ${blocked}`] : []),
    ];
    return `  ${name.padEnd(18)} ${String(made).padStart(8)} ${String(share).padStart(4)} % ok  ${rest.join(', ')}`;
  });
  return `calls, as the host answered them:\n${lines.join('\n')}\n`;
}
