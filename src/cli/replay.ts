/**
 * `smplab replay`: a recorded strace as a workload. The machine makes the program's calls, what is outside the trace is
 * played by actors, and every answer that can be compared is. The replay itself is src/replay; this file turns flags
 * into replays and replays into words.
 */
import type { Command } from 'commander';
import type { BootOptions } from '../machine/config.ts';
import type { DesignReplay, ReplaySummary } from '../replay/run.ts';
import type { Trace } from '../replay/trace.ts';
import { EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, UsageError } from './exit-codes.ts';
import { commandLine } from './failure.ts';
import { type OutputFlags, outputFlags } from './output.ts';
import { inSession, type Session } from './session.ts';
import { bootOptions, readSettings, type SettingUse, settingFlags } from './settings.ts';
import { oneOf } from './values.ts';

/** A trace says by itself which ABI it speaks. */
export const REPLAY_SETTINGS: SettingUse = {
  names: ['cpus', 'hz', 'seed', 'epoll', 'lock', 'idleSpinNs', 'fastPath', 'pollCache', 'checks'],
  lists: ['epoll'],
};

interface ReplayFlags extends OutputFlags {
  readonly speed: string;
  readonly strict?: boolean;
}

export interface ReplayOrder {
  readonly file: string;
  readonly designs: readonly string[];
  readonly speed: '1' | 'max';
  readonly strict: boolean;
  readonly boot: BootOptions;
}

export function define(command: Command): void {
  command
    .argument('<file>', 'output of strace -f -ttt -T, plain or gzipped')
    .option('--speed <speed>', 'max: the clock jumps to the next deadline when all CPUs idle; 1: real time', 'max')
    .option('--strict', 'a line that is not understood is an error, and not skipped');
  outputFlags(settingFlags(command, REPLAY_SETTINGS)).addHelpText(
    'after',
    `
Examples:
  strace -f -ttt -T -o server.strace my-server
  smplab replay server.strace
  smplab replay server.strace --epoll kevlar --cpus 4 --no-poll-cache
  smplab replay server.strace --json | jq '.designs[] | {epoll, mismatches, repollsPerEvent}'

The exit code is 1 if an answer differs from the recorded one, unless the design declares that it does.`,
  );
  command.action((file: string, flags: ReplayFlags) =>
    inSession(flags, async (session) => {
      const speed = oneOf('speed', ['1', 'max'])(flags.speed, '--speed') as '1' | 'max';
      const { settings, warnings } = await readSettings(command, REPLAY_SETTINGS);
      for (const warning of warnings) session.output.warn(`smplab: ${warning}`);
      const { designsOf } = await import('./boot.ts');
      const { epoll, ...machine } = settings;
      const designs = designsOf(epoll);
      return replay(session, { file, designs, speed, strict: flags.strict === true, boot: bootOptions(machine) });
    }),
  );
}

export async function replay(session: Session, order: ReplayOrder): Promise<number> {
  const { output, progress, interrupts } = session;
  const { configOf, describeHost, hostLine, oversubscribedWarning } = await import('./boot.ts');
  const { epoll: _, ...config } = configOf({ ...order.boot });
  progress.show(`replay: reading ${order.file}`);
  const trace = await traceOf(order);
  warnOfTrace(session, order.file, trace);
  const warning = oversubscribedWarning(Number(config['cpus']));
  if (warning !== undefined) output.note(warning);
  const summary = await replayed(session, order, trace);
  progress.end();
  const isPartial = interrupts.signal.aborted;
  if (output.json) {
    // Stopped before the first design came to its end, there is nothing but what was to be replayed.
    const results = summary ?? { program: trace.program, designs: [] };
    const { replayWords } = await import('../replay/report.ts');
    const words = summary === undefined ? [] : replayWords(summary);
    const body = {
      config: { ...config, speed: order.speed },
      file: order.file,
      interrupted: isPartial,
      ...results,
      words,
    };
    await output.document('replay', describeHost(), body);
  } else if (summary !== undefined) {
    const { replayLines } = await import('./replay-table.ts');
    await output.result(`${[hostLine(), '', ...replayLines(summary, output.style, output.verbose)].join('\n')}\n`);
  }
  if (isPartial) return EXIT_INTERRUPTED;
  if (summary?.designs.every(({ mismatches }) => mismatches === 0)) return EXIT_OK;
  output.note(`again: ${commandLine(process.argv.slice(2))}`);
  return EXIT_FAILED;
}

/** One design after the other, so that a Ctrl-C leaves those that are complete. @throws ReplayStuck */
async function replayed(session: Session, order: ReplayOrder, trace: Trace): Promise<ReplaySummary | undefined> {
  const { output, progress, interrupts } = session;
  const { replayTrace } = await import('../replay/run.ts');
  let summary: ReplaySummary | undefined;
  const designs: DesignReplay[] = [];
  for (const design of order.designs) {
    progress.show(`replay: ${trace.program} on ${design}`);
    try {
      summary = await replayTrace(trace, {
        designs: [design],
        ...(order.boot.cpus === undefined ? {} : { cpus: order.boot.cpus }),
        speed: order.speed,
        boot: order.boot,
        progress: (_, done, of) => progress.show(`replay: ${trace.program} on ${design}, step ${done} of ${of}`),
        signal: interrupts.signal,
      });
    } catch (error) {
      if (!interrupts.signal.aborted) throw error;
      progress.clear();
      const { message, report = '' } = error as Error & { readonly report?: string };
      output.warn(`${message}\n${report}`.trimEnd());
      break;
    }
    designs.push(...summary.designs);
  }
  return summary === undefined ? undefined : { ...summary, designs };
}

/** @throws UsageError for a file that is no trace; the file system's errors pass through */
async function traceOf({ file, strict }: ReplayOrder): Promise<Trace> {
  const { readTrace } = await import('../replay/read-trace.ts');
  let trace: Trace;
  try {
    trace = readTrace(file, strict ? { strict: true } : {});
  } catch (error) {
    const { name, message, code } = error as NodeJS.ErrnoException;
    if (name === 'StraceError') throw new UsageError(`${file}: ${message}`);
    if (code?.startsWith('Z_') === true) throw new UsageError(`${file}: the gzip data cannot be read: ${message}`);
    // The error of a read does not name its file.
    if (code === 'EISDIR') throw new UsageError(`${file}: it is a directory`);
    throw error;
  }
  const calls = trace.threads.reduce(
    (sum, { records }) => sum + records.filter(({ kind }) => kind === 'call').length,
    0,
  );
  const [first] = trace.problems;
  const where = first === undefined ? '' : `line ${first.line}: ${first.reason}: ${quoted(first.text)}`;
  if (calls === 0) {
    const reason =
      where !== '' ? where : trace.lines === 0 ? 'it is empty' : 'only messages and summaries of strace are';
    throw new UsageError(`${file}: no system call is recorded in it (${reason}); record one with ${RECORDING}`);
  }
  // A few lines of the program's own output are skipped; a file that is mostly something else is none to be replayed.
  if (trace.problems.length > calls) {
    const others = `${trace.problems.length} of its ${trace.lines} lines are no strace output, the first is ${where}`;
    throw new UsageError(`${file}: ${others}; take those lines out, or record anew with ${RECORDING}`);
  }
  return trace;
}

/** A file that is no text must not reach the terminal as it is. */
function quoted(text: string): string {
  return JSON.stringify(
    text
      .trim()
      .slice(0, 60)
      .replace(/[^ -~]/g, '.'),
  );
}

const RECORDING = 'strace -f -ttt -T -o FILE';
const PROBLEMS_SHOWN = 5;

function warnOfTrace({ output, progress }: Session, file: string, trace: Trace): void {
  progress.clear();
  const shown = output.verbose ? trace.problems : trace.problems.slice(0, PROBLEMS_SHOWN);
  for (const { line, reason } of shown) output.note(`${file}: line ${line} skipped: ${reason}`);
  const rest = trace.problems.length - shown.length;
  if (rest > 0) output.note(`${file}: ${rest} more lines skipped (-v names them)`);
  if (trace.truncated) output.note(`${file}: its end is cut off; what is there is replayed`);
}
