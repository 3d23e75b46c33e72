/**
 * `smplab conform`: cases that carry a real kernel's answers, run on the machine and judged. Logic and verdicts are
 * conform's own (src/conform); this file turns flags into a run and a run into words.
 */
import type { Command } from 'commander';
import type { ConformEngine } from '../conform/run.ts';
import type { ConformSummary } from '../conform/summary.ts';
import type { CaseVerdict } from '../conform/verdict.ts';
import { EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, UsageError } from './exit-codes.ts';
import { commandLine } from './failure.ts';
import { type OutputFlags, outputFlags } from './output.ts';
import { checkHostFlags, fuzzed, type HostFlags, hostFlags, record, wholeNumber } from './conform-host.ts';
import { inSession, type Session } from './session.ts';
import { bootOptions, readSettings, type SettingUse, settingFlags } from './settings.ts';
import { unknownName } from './suggest.ts';

/** Checks are always on here. */
const USE: SettingUse = {
  names: ['cpus', 'hz', 'seed', 'epoll', 'lock', 'abi', 'idleSpinNs', 'fastPath', 'pollCache'],
};

const ENGINES = ['parallel', 'host', 'stepped'];

interface ConformFlags extends OutputFlags, HostFlags {
  readonly engine: string;
  readonly schedules?: number;
}

export function define(command: Command): void {
  command
    .argument('[files...]', 'case files, .json or .json.gz; the bundled ones by default')
    .option('--engine <name>', `who runs the cases: ${ENGINES.join(', ')}`, 'parallel')
    .option(
      '--schedules <n>',
      'stepped engine: so many schedules of each case that starts threads, from --seed on (default: 1)',
      wholeNumber('--schedules'),
    );
  hostFlags(command);
  outputFlags(settingFlags(command, USE)).addHelpText(
    'after',
    `
Examples:
  smplab conform
  smplab conform --epoll kevlar --cpus 4
  smplab conform my-case.json --json | jq .failures
  smplab conform --engine stepped
  smplab conform --engine stepped --schedules 1000 --seed 7 --epoll linux
  smplab conform --engine host
  smplab conform --engine host --record my-case.json
  smplab conform --engine host --fuzz 10000 --seed 3 --epoll linux
  smplab conform --engine host --fuzz 4000 --from 6000 --seed 3 --epoll linux

The exit code is 1 if a case failed. A result that the design declares to differ is not a failure.`,
  );
  command.action((files: string[], flags: ConformFlags) =>
    inSession(flags, async (session) => {
      checkEngine(flags);
      const { settings, warnings } = await readSettings(command, USE);
      for (const warning of warnings) session.output.warn(`smplab: ${warning}`);
      const engine = flags.engine as ConformEngine;
      checkHostFlags(flags, files);
      if (flags.record === true) return record(session, files, flags);
      if (flags.fuzz !== undefined) return fuzzed(session, flags, bootOptions(settings));
      return conform(session, files, { engine, schedules: flags.schedules ?? 1 }, bootOptions(settings));
    }),
  );
}

function checkEngine({ engine, schedules }: ConformFlags): void {
  if (!ENGINES.includes(engine)) throw new UsageError(`--engine: ${unknownName('engine', engine, ENGINES)}`);
  if (schedules !== undefined && engine !== 'stepped')
    throw new UsageError('--schedules: the schedules are those of --engine stepped');
}

async function conform(
  { output, progress, interrupts }: Session,
  files: readonly string[],
  { engine, schedules }: { readonly engine: ConformEngine; readonly schedules: number },
  boot: ReturnType<typeof bootOptions>,
): Promise<number> {
  const { runConform } = await import('../conform/run.ts');
  const { summaryOf, summaryTable } = await import('../conform/summary.ts');
  const { divergencesOf } = await import('../conform/divergences/index.ts');
  const { configOf, describeHost } = await import('./boot.ts');
  // A stepped CPU that has nothing to do sleeps at once.
  const config = configOf({ ...boot, checks: true, ...(engine === 'stepped' ? { idleSpinNs: 0 } : {}) });
  const soFar: CaseVerdict[] = [];
  progress.show('conform: reading cases');
  const run = runConform({
    ...(files.length > 0 ? { files } : {}),
    engine,
    schedules,
    boot,
    onCase: (done, total, verdict) => {
      soFar.push(verdict);
      const failed = soFar.filter(({ kind }) => kind === 'failed').length;
      progress.show(`conform: ${done} of ${total} cases, ${failed} failed: ${verdict.case}`);
    },
  });
  // After a Ctrl-C nobody waits for it any more.
  run.catch(() => {});
  const end = await Promise.race([run, interrupts.interrupted]);
  progress.end();
  const epoll = engine === 'host' ? 'linux' : (boot.epoll ?? 'kevlar');
  const summary: ConformSummary =
    end === 'interrupted'
      ? summaryOf(
          { epoll, engine },
          [{ file: 'so far', verdicts: soFar }],
          engine === 'host' ? [] : divergencesOf(epoll),
        )
      : end;
  const isPartial = end === 'interrupted';
  if (output.json) {
    await output.document('conform', describeHost(), {
      config,
      interrupted: isPartial,
      ...summary,
    });
  } else if (!output.quiet || summary.failed > 0) {
    await output.result(
      `${summaryTable(summary)}${isPartial ? '\ninterrupted: these are the cases that had ended\n' : ''}`,
    );
  }
  if (isPartial) return EXIT_INTERRUPTED;
  if (summary.failed === 0) return EXIT_OK;
  output.note(`again: ${commandLine(process.argv.slice(2))}`);
  return EXIT_FAILED;
}
