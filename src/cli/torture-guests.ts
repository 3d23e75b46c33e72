/**
 * `smplab torture syscalls`, `waitqueue`, `epoll`, `timer`: guests that torture the machine they run on. Checks are on,
 * unless somebody turns them off.
 */
import type { Command } from 'commander';
import type { BootOptions } from '../machine/config.ts';
import type { SyscallOutcome } from '../torture/syscalls.ts';
import type { WaitKind, WaitOutcome } from '../torture/waits.ts';
import { EXIT_INTERRUPTED, EXIT_MACHINE, EXIT_OK, UsageError } from './exit-codes.ts';
import { commandLine } from './failure.ts';
import { type OutputFlags, outputFlags } from './output.ts';
import { inSession, type Session } from './session.ts';
import { bootOptions, readSettings, settingFlags } from './settings.ts';
import { seconds, wholeNumber } from './values.ts';

interface SyscallFlags extends OutputFlags {
  readonly calls: string;
}
interface WaitFlags extends OutputFlags {
  readonly seconds: string;
}

export function defineSyscalls(command: Command): void {
  command.option('-n, --calls <n>', 'how many, in all', '1000000');
  outputFlags(settingFlags(command)).addHelpText(
    'after',
    `
Examples:
  smplab torture syscalls
  smplab torture syscalls --calls 10000000 --cpus 4 --seed 7
  smplab torture syscalls --json | jq -r '.calls[] | select(.succeeded * 10 < .attempts).name'

All calls that the machine answers, at random, from threads of several processes: most arguments valid, some made worse.
Each error has to be one that Linux gives for the call, each result of its kind and size, no byte around a buffer may
change; now and then, and at the end, an audit goes over the machine's memory, and nothing may be left. The exit code is 3
if anything was found; the seed repeats the calls, though not the order in which CPUs make them.`,
  );
  command.action((flags: SyscallFlags) =>
    inSession(flags, async (session) => {
      const calls = wholeNumber(flags.calls, '--calls');
      if (calls < 1) throw new UsageError(`--calls: ${calls} is less than 1`);
      const boot = await settingsOf(session, command);
      const { tortureSyscalls } = await import('../torture/syscalls.ts');
      return torture(session, 'syscalls', boot, { calls }, (watch) => tortureSyscalls({ calls, boot, ...watch }));
    }),
  );
}

const ABOUT: Readonly<Record<WaitKind, string>> = {
  waitqueue: `Tokens go through eventfds, pipes, sockets and futexes to threads that wait for them in read, poll, epoll_wait
and futex; every one that was posted is taken once. In every second round signals interrupt the takers.`,
  epoll: `Readers share instances and read whatever is reported until nothing is left, in all modes; gardeners change, duplicate,
close and nest what is theirs, and know what a wait may answer.`,
  timer: `Sleeps, timeouts, timerfds and interval timers in many threads, each measured by the machine's own clock.`,
};

export function defineWaits(command: Command, kind: WaitKind): void {
  command.option('-s, --seconds <n>', 'for how long', '10');
  outputFlags(settingFlags(command)).addHelpText(
    'after',
    `
Examples:
  smplab torture ${kind}
  smplab torture ${kind} --cpus 4 --seconds 60 --lock ticket
  smplab torture ${kind} --json | jq .failures

${ABOUT[kind]}
The exit code is 3 if anything failed.`,
  );
  command.action((flags: WaitFlags) =>
    inSession(flags, async (session) => {
      const limit = seconds(flags.seconds, '--seconds');
      const boot = await settingsOf(session, command);
      const { tortureWaits } = await import('../torture/waits.ts');
      return torture(session, kind, boot, { seconds: limit }, (watch) =>
        tortureWaits({ kind, seconds: limit, boot, ...watch }),
      );
    }),
  );
}

async function settingsOf({ output }: Session, command: Command): Promise<BootOptions> {
  const { settings, warnings } = await readSettings(command);
  for (const warning of warnings) output.warn(`smplab: ${warning}`);
  const { configOf } = await import('./boot.ts');
  const boot = { checks: true, ...bootOptions(settings) };
  // Whatever cannot be is told before anything is started.
  configOf(boot);
  return boot;
}

/** What a run is given of its surroundings. */
interface Watch {
  readonly signal: AbortSignal;
  readonly progress: (operations: number) => void;
}

async function torture(
  session: Session,
  kind: string,
  boot: BootOptions,
  flags: Readonly<Record<string, number>>,
  run: (watch: Watch) => Promise<SyscallOutcome | WaitOutcome>,
): Promise<number> {
  const { output, progress, interrupts } = session;
  const { configOf, describeHost, oversubscribedWarning } = await import('./boot.ts');
  const config = configOf(boot);
  const warning = oversubscribedWarning(Number(config['cpus']));
  if (warning !== undefined) output.note(warning);
  const show = (operations: number): void => progress.show(`torture ${kind}: ${operations} operations`);
  show(0);
  const outcome = await run({ signal: interrupts.signal, progress: show });
  progress.end();
  const isPartial = interrupts.signal.aborted;
  if (output.json) {
    const body = { torture: kind, config: { ...config, ...flags }, interrupted: isPartial, ...outcome };
    await output.document('torture', describeHost(), body);
  } else if (!output.quiet || outcome.failures > 0) {
    const { guestLines } = await import('./torture-table.ts');
    await output.result(`${guestLines(kind, outcome, isPartial, output).join('\n')}\n`);
  }
  if (outcome.failures > 0) {
    output.note(`again: ${commandLine(process.argv.slice(2))}${seedWords(boot)}`);
    return EXIT_MACHINE;
  }
  return isPartial ? EXIT_INTERRUPTED : EXIT_OK;
}

/** The seed is said even where it is the default: it is what the calls depend on. */
function seedWords({ seed = 1 }: BootOptions): string {
  return process.argv.includes('--seed') ? '' : ` --seed ${seed}`;
}
