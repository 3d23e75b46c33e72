/**
 * `smplab torture lock`: the machine's locks, each hammered for some seconds by as many threads as there are CPUs.
 */
import type { Command } from 'commander';
import type { LockRow } from '../torture/lock-verdict.ts';
import { EXIT_INTERRUPTED, EXIT_MACHINE, EXIT_OK, UsageError } from './exit-codes.ts';
import { commandLine } from './failure.ts';
import { type OutputFlags, outputFlags } from './output.ts';
import { inSession, type Session } from './session.ts';
import { readSettings, type SettingUse, settingFlags } from './settings.ts';
import { list, nanoseconds, oneOf, seconds, wholeNumber } from './values.ts';

/** Which lock is tortured is no setting of a machine's. */
const LOCK_USE: SettingUse = { names: ['cpus', 'seed', 'checks'] };

interface LockFlags extends OutputFlags {
  readonly lock: string;
  readonly seconds: string;
  readonly spinBudget?: string;
  readonly hold: string;
  readonly rest: string;
  readonly irqOff?: boolean;
  readonly stall: string;
}

export function defineLock(command: Command): void {
  command
    .option('--lock <name,...>', 'which (see `smplab list`), or all', 'all')
    .option('-s, --seconds <n>', 'how long each', '5')
    .option('--spin-budget <n>', "turns of a wait before it sleeps; the machine's by default")
    .option('--hold <time>', 'hold it for a random time up to this, as 5us', '0')
    .option('--rest <time>', 'sleep outside for a random time up to this, every 16th round', '0')
    .option('--irq-off', 'take it with interrupts off, while the CPUs interrupt each other')
    .option('--stall <seconds>', 'a CPU that waits so long for it is lost', '2');
  outputFlags(settingFlags(command, LOCK_USE)).addHelpText(
    'after',
    `
Examples:
  smplab torture lock
  smplab torture lock --lock ttas,ticket --cpus 4 --seconds 10 --checks
  smplab torture lock --hold 2us --rest 50us --irq-off --json | jq '.rows[] | {lock, failures, jain}'

The exit code is 3 if two CPUs were inside at once, a wakeup was lost, or nobody came in any more.`,
  );
  command.action((flags: LockFlags) =>
    inSession(flags, async (session) => {
      const { settings, warnings } = await readSettings(command, LOCK_USE);
      for (const warning of warnings) session.output.warn(`smplab: ${warning}`);
      return tortureLocks(session, flags, {
        cpus: atLeast(1, settings.cpus ?? 2, '--cpus'),
        seed: (settings.seed ?? 1) as number,
        checks: settings.checks === true,
      });
    }),
  );
}

const CPUS_MAX = 64;

function atLeast(least: number, value: unknown, where: string): number {
  const number = wholeNumber(value, where);
  if (number < least || (where === '--cpus' && number > CPUS_MAX)) {
    throw new UsageError(`${where}: ${number} is not between ${least} and ${CPUS_MAX}`);
  }
  return number;
}

interface LockMachine {
  readonly cpus: number;
  readonly seed: number;
  readonly checks: boolean;
}

async function tortureLocks(session: Session, flags: LockFlags, machine: LockMachine): Promise<number> {
  const { output, progress, interrupts } = session;
  const { LOCK_NAMES } = await import('../shared-mem/locks/classes.ts');
  const names = list(oneOf('lock', [...LOCK_NAMES, 'all']))(flags.lock, '--lock') as readonly string[];
  const locks = names.includes('all') ? LOCK_NAMES : LOCK_NAMES.filter((name) => names.includes(name));
  const plan = {
    ...machine,
    seconds: seconds(flags.seconds, '--seconds'),
    holdNs: nanoseconds(flags.hold, '--hold'),
    restNs: nanoseconds(flags.rest, '--rest'),
    irqOff: flags.irqOff === true,
    stallSeconds: seconds(flags.stall, '--stall'),
    ...(flags.spinBudget === undefined
      ? {}
      : { spinBudget: nonNegative(wholeNumber(flags.spinBudget, '--spin-budget'), '--spin-budget') }),
  };
  const { tortureLock } = await import('../torture/lock.ts');
  const { describeHost, oversubscribedWarning } = await import('./boot.ts');
  const warning = oversubscribedWarning(plan.cpus);
  if (warning !== undefined) output.note(warning);
  const rows: LockRow[] = [];
  for (const lock of locks) {
    if (interrupts.signal.aborted) break;
    const show = (acquisitions: number): void => progress.show(`torture lock ${lock}: ${acquisitions} acquisitions`);
    show(0);
    rows.push(await tortureLock({ ...plan, lock, signal: interrupts.signal, progress: show }));
  }
  progress.end();
  const isPartial = interrupts.signal.aborted;
  if (output.json) {
    const config = { ...plan, checks: machine.checks };
    await output.document('torture', describeHost(), { torture: 'lock', config, interrupted: isPartial, rows });
  } else {
    const { lockLines } = await import('./torture-table.ts');
    await output.result(`${lockLines(rows, plan.cpus, isPartial, output.style).join('\n')}\n`);
  }
  if (rows.some(({ failures }) => failures > 0)) {
    output.note(`again: ${commandLine(process.argv.slice(2))}`);
    return EXIT_MACHINE;
  }
  return isPartial ? EXIT_INTERRUPTED : EXIT_OK;
}

function nonNegative(value: number, where: string): number {
  if (value < 0) throw new UsageError(`${where}: ${value} is less than 0`);
  return value;
}
