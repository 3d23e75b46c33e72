/**
 * `smplab run`: one program on one machine. The program's exit code is the command's; what its wakeups cost is printed
 * when it has ended, also when it was stopped on the way.
 */
import type { Command } from 'commander';
import type { BootOptions } from '../machine/config.ts';
import { MachineDied } from '../machine/errors.ts';
import type { Exit, Machine } from '../machine/machine.ts';
import { settle } from '../machine/settle.ts';
import { DeliveryError, EXIT_INTERRUPTED, EXIT_TIMEOUT, UsageError } from './exit-codes.ts';
import { type OutputFlags, outputFlags } from './output.ts';
import { inSession, type Session } from './session.ts';
import { bootOptions, readSettings, settingFlags } from './settings.ts';
import { assignment, seconds } from './values.ts';

const STOP_LIMIT_MS = 1000;

interface RunFlags extends OutputFlags {
  readonly set?: readonly string[];
  readonly entry: string;
  readonly timeout?: string;
}

interface Start {
  readonly program: string;
  readonly url: URL;
  readonly entry: string;
  readonly argv: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number | undefined;
  readonly boot: BootOptions;
}

/** How a run ended: the program's end, or what cut it short. */
type End = Exit | 'timeout' | 'interrupted' | MachineDied;

export function define(command: Command): void {
  command
    .argument('<program>', 'a sample program (see `smplab list`), or the path of a .js or .ts module')
    .argument('[args...]', 'for the program, as `args` of its options; after -- they may begin with a dash')
    .option('--set <key=value>', "an option of the program's; may be repeated", collected)
    .option('--entry <name>', 'exported generator function to start', 'main')
    .option('--timeout <seconds>', 'stop it then, with exit code 124');
  outputFlags(settingFlags(command)).addHelpText(
    'after',
    `
Examples:
  smplab run echo-server
  smplab run thundering-herd --set waiters=32 --set writes=1000 --cpus 4
  smplab run ./my-server.ts --checks --timeout 10
  smplab run ./many.ts --limit tasks=20000 --limit userBytes=64M
  smplab run echo-server --json | jq .wakeups

The exit code is the program's: what its main returns, 128 + n if signal n ended it, 1 if it threw.
A deadlock or a panic of the machine is 3, with a report on stderr; a timeout 124; Ctrl-C 130.`,
  );
  command.action((program: string, args: string[], flags: RunFlags) =>
    inSession(flags, async (session) => {
      const { settings, warnings } = await readSettings(command);
      for (const warning of warnings) session.output.warn(`smplab: ${warning}`);
      const { programUrl } = await import('./program-path.ts');
      return runProgram(session, {
        program,
        url: programUrl(program),
        entry: flags.entry,
        argv: { ...Object.fromEntries((flags.set ?? []).map((text) => assignment(text, '--set'))), args },
        timeoutMs: flags.timeout === undefined ? undefined : seconds(flags.timeout, '--timeout') * 1000,
        boot: bootOptions(settings),
      });
    }),
  );
}

function collected(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

async function runProgram(session: Session, start: Start): Promise<number> {
  const { output, progress } = session;
  const { Machine } = await import('../machine/machine.ts');
  const { machineWords, oversubscribedWarning } = await import('./boot.ts');
  progress.show('booting');
  const machine = await Machine.boot(start.boot);
  try {
    const checks = start.boot.checks === true;
    const { epoll, cpus } = machine.config;
    progress.clear();
    output.note(`${start.program} on ${epoll}: ${machineWords(machine.config, checks)}`);
    const warning = oversubscribedWarning(cpus);
    if (warning !== undefined) output.note(warning);
    progress.show(`${start.program} runs`);
    const startNs = process.hrtime.bigint();
    let isLoading = true;
    const loaded = (): void => {
      isLoading = false;
    };
    const end = await endOf(machine, start, session, loaded).catch((error: unknown) => {
      if (error instanceof MachineDied) return error;
      throw error;
    });
    const wallNs = Number(process.hrtime.bigint() - startNs);
    progress.end();
    if (typeof end === 'string') {
      const cause = end === 'timeout' ? `no end after ${start.timeoutMs! / 1000} s` : 'interrupted';
      output.warn(machine.report(isLoading ? `${cause}; ${start.program} was still being loaded` : cause));
    }
    const delivery = report(session, machine, start, end, wallNs);
    if (end instanceof MachineDied) {
      // Its report goes to stderr, and its exit code counts, whether anybody reads the figures or not.
      await delivery.catch((error: unknown) => {
        if (!(error instanceof DeliveryError)) throw error;
      });
      throw end;
    }
    await delivery;
    return exitCodeOf(end);
  } finally {
    await stopped(machine);
  }
}

/** Gives the threads back; a guest that never traps does not stop, and then the end of the process ends it. */
async function stopped(machine: Machine): Promise<void> {
  const late = new Promise((resolve) => setTimeout(resolve, STOP_LIMIT_MS).unref());
  await Promise.race([machine.shutdown(), late]);
}

async function endOf(
  machine: Machine,
  start: Start,
  { interrupts }: Session,
  loaded: () => void,
): Promise<Exit | 'timeout' | 'interrupted'> {
  const work = spawned(machine, start).then(async (pid) => {
    loaded();
    const exit = await machine.exited(pid);
    // The census below is of what is left, not of what is just about to go.
    await settle(machine);
    return exit;
  });
  // Left behind by a timeout or a Ctrl-C, it ends with the machine; nobody listens any more.
  work.catch(() => {});
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'timeout'>((resolve) => {
    if (start.timeoutMs !== undefined) timer = setTimeout(() => resolve('timeout'), start.timeoutMs);
  });
  try {
    return await Promise.race([work, late, interrupts.interrupted]);
  } finally {
    clearTimeout(timer);
  }
}

/** @throws UsageError for a module that does not load or has no such entry; MachineDied passes through */
async function spawned(machine: Machine, { program, url, entry, argv }: Start): Promise<number> {
  try {
    return await machine.spawn(url, { entry, argv });
  } catch (error) {
    if (error instanceof MachineDied || !(error instanceof Error)) throw error;
    const { loadFailure } = await import('./load-failure.ts');
    throw new UsageError(`${program} cannot be run: ${loadFailure(url, error)}`);
  }
}

function exitCodeOf(end: Exit | 'timeout' | 'interrupted'): number {
  if (end === 'timeout') return EXIT_TIMEOUT;
  if (end === 'interrupted') return EXIT_INTERRUPTED;
  return end.code ?? 128 + (end.signal ?? 0);
}

interface Ending {
  /** For scripts: exit, timeout, interrupted, or the machine's verdict. */
  readonly ended: string;
  /** For people. */
  readonly words: string;
  readonly exit: { readonly code: number | null; readonly signal: number | null } | null;
  readonly message: string | null;
}

function endingOf(end: End): Ending {
  if (typeof end === 'string') return { ended: end, words: end, exit: null, message: null };
  if (end instanceof MachineDied) {
    return { ended: end.verdict, words: end.verdict, exit: null, message: end.message };
  }
  const { code = null, signal = null } = end;
  const words = code === null ? `signal ${signal}` : `exit ${code}`;
  return { ended: 'exit', words, exit: { code, signal }, message: null };
}

/** What there is to tell, however the run ended: figures of a run that was cut short are figures too. */
async function report(session: Session, machine: Machine, start: Start, end: End, wallNs: number): Promise<void> {
  const { output } = session;
  const { describeHost, hostLine } = await import('./boot.ts');
  const stats = machine.stats();
  const { ended, words, exit, message } = endingOf(end);
  if (output.json) {
    const { checks = false, fastPath = true, pollCache = true } = start.boot;
    await output.document('run', describeHost(), {
      config: { ...machine.config, checks, fastPath, pollCache },
      program: start.program,
      entry: start.entry,
      options: start.argv,
      ended,
      exit,
      message,
      wall: wallNs,
      ...stats,
    });
    return;
  }
  if (output.quiet) return;
  const { duration } = await import('../bench/columns.ts');
  const { censusLines, statsLines } = await import('./stats-table.ts');
  const lines = [
    `${start.program} on ${machine.config.epoll}: ${words} after ${duration(wallNs)}`,
    hostLine(),
    '',
    ...statsLines(stats, wallNs, output.style),
    ...(output.verbose ? ['', ...censusLines(stats, output.style)] : []),
  ];
  await output.result(`${lines.join('\n')}\n`);
}
