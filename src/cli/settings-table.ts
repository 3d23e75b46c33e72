/**
 * The machine's settings by name: every boot option, how a person writes it, and which of them have a flag of their own.
 * The rest are maxima and limits that few ever touch: `--limit name=value`, a variable, or the configuration file.
 */
import { DESIGN_NAMES } from '../kernel/epoll/source-ops.ts';
import type { BootOptions } from '../machine/boot-options.ts';
import { parseLockChoice } from '../shared-mem/locks/choice.ts';
import { LOCK_NAMES } from '../shared-mem/locks/classes.ts';
import { UsageError } from './exit-codes.ts';
import { unknownName } from './suggest.ts';
import { nanoseconds, oneOf, quantity, type Reader, switchValue, wholeNumber } from './values.ts';

export type SettingName = keyof BootOptions;

export interface Setting {
  readonly name: SettingName;
  /** As commander declares it; a switch also gets its opposite. Without: set by --limit, or not on the command line. */
  readonly flags?: string;
  readonly about: string;
  readonly read: Reader;
}

export interface FlagSetting extends Setting {
  readonly flags: string;
}

/** Checked here, and handed on as it is written. */
function lockChoice(value: unknown, where: string): string {
  const text = String(value).trim();
  const { problem } = parseLockChoice(text);
  if (problem === undefined) return text;
  const { what, word, names, about } = problem;
  throw new UsageError(`${where}: ${names.length > 0 ? unknownName(what, word, names) : about}`);
}

const designs = oneOf('design of epoll', DESIGN_NAMES);
const setting = (name: SettingName, flags: string, about: string, read: Reader): FlagSetting => ({
  name,
  flags,
  about,
  read,
});
const limit = (name: SettingName): Setting => ({ name, about: '', read: quantity });

export const FLAG_SETTINGS: readonly FlagSetting[] = [
  setting('cpus', '-C, --cpus <n>', 'simulated CPUs, each a worker thread', wholeNumber),
  setting('hz', '--hz <n>', 'timer ticks a second on every CPU', wholeNumber),
  setting('seed', '--seed <n>', 'seed of everything that is random', wholeNumber),
  setting('epoll', '--epoll <design>', `design of epoll (\`smplab list\` has those of this version)`, designs),
  setting(
    'lock',
    '--lock <name>',
    `algorithm of all locks: ${LOCK_NAMES.join(', ')}; by class as ttas,runqueue=ticket`,
    lockChoice,
  ),
  setting('abi', '--abi <name>', 'numbers and layouts: x86_64, arm64', oneOf('abi', ['x86_64', 'arm64'])),
  setting('idleSpinNs', '--idle-spin <time>', 'how long an idle CPU spins before it sleeps, as 50us or 0', nanoseconds),
  setting('fastPath', '--no-fast-path', 'a wake takes the queue lock even with nobody waiting', switchValue),
  setting('pollCache', '--no-poll-cache', "without Kevlar's cache of poll results", switchValue),
  setting('checks', '--checks', 'verify lock order, owners and field guards at every step', switchValue),
];

/** What `--limit` sets. */
export const LIMIT_SETTINGS: readonly Setting[] = [
  limit('tasks'),
  limit('processes'),
  limit('files'),
  limit('nofile'),
  limit('epolls'),
  limit('interests'),
  limit('pipes'),
  limit('sockets'),
  limit('pages'),
  limit('signalInfos'),
  limit('addressSpaces'),
  limit('userBytes'),
  limit('lockSpins'),
  limit('sliceTicks'),
  limit('heapMb'),
  limit('lockupMs'),
  limit('starvationMs'),
];

export const SETTINGS: readonly Setting[] = [
  ...FLAG_SETTINGS,
  ...LIMIT_SETTINGS,
  { name: 'profile', about: '', read: switchValue },
  { name: 'warp', about: '', read: switchValue },
];

/** Does a flag of this setting take no value? */
export function isSwitch({ read }: Setting): boolean {
  return read === switchValue;
}

/** idleSpinNs: SMPLAB_IDLE_SPIN, for the unit stands in the value; lockupMs: SMPLAB_LOCKUP_MS. */
export function variableOf(name: SettingName): string {
  return `SMPLAB_${name
    .replace(/Ns$/, '')
    .replaceAll(/[A-Z]/g, (letter) => `_${letter}`)
    .toUpperCase()}`;
}
