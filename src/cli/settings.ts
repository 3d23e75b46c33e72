/**
 * The machine's settings on the command line, one table: flag, environment variable, name in the configuration file.
 * Flag over environment over file over the machine's own default. A wrong value is told with the place it came from.
 */
import { type Command, Option } from 'commander';
import { DESIGN_NAMES } from '../kernel/epoll/source-ops.ts';
import type { BootOptions } from '../machine/config.ts';
import { parseLockChoice } from '../shared-mem/locks/choice.ts';
import { LOCK_NAMES } from '../shared-mem/locks/classes.ts';
import { type ConfigFile, readConfigFile } from './config-file.ts';
import { UsageError } from './exit-codes.ts';
import { nearest, unknownName } from './suggest.ts';
import { list, nanoseconds, oneOf, type Reader, switchValue, wholeNumber } from './values.ts';

export type SettingName =
  | 'cpus'
  | 'hz'
  | 'seed'
  | 'epoll'
  | 'lock'
  | 'abi'
  | 'idleSpinNs'
  | 'fastPath'
  | 'pollCache'
  | 'checks';

export interface Setting {
  readonly name: SettingName;
  /** As commander declares it; a switch also gets its opposite. */
  readonly flags: string;
  readonly isSwitch: boolean;
  readonly about: string;
  readonly read: Reader;
}

const setting = (name: SettingName, flags: string, about: string, read: Reader): Setting => ({
  name,
  flags,
  isSwitch: read === switchValue,
  about,
  read,
});

/** Checked here, and handed on as it is written. */
function lockChoice(value: unknown, where: string): string {
  const text = String(value).trim();
  const { problem } = parseLockChoice(text);
  if (problem === undefined) return text;
  const { what, word, names, about } = problem;
  throw new UsageError(`${where}: ${names.length > 0 ? unknownName(what, word, names) : about}`);
}

const designs = oneOf('design of epoll', DESIGN_NAMES);

export const SETTINGS: readonly Setting[] = [
  setting('cpus', '-C, --cpus <n>', 'simulated CPUs, each a worker thread', wholeNumber),
  setting('hz', '--hz <n>', 'timer ticks a second on every CPU', wholeNumber),
  setting('seed', '--seed <n>', 'seed of everything that is random', wholeNumber),
  setting('epoll', '--epoll <design>', `design of epoll (\`smplab list\` has those of this version)`, designs),
  setting(
    'lock',
    '--lock <choice>',
    `algorithm of all locks (${LOCK_NAMES.join(', ')}), or by class, as ttas,runqueue=ticket`,
    lockChoice,
  ),
  setting('abi', '--abi <name>', 'numbers and layouts: x86_64, arm64', oneOf('abi', ['x86_64', 'arm64'])),
  setting('idleSpinNs', '--idle-spin <time>', 'how long an idle CPU spins before it sleeps, as 50us or 0', nanoseconds),
  setting('fastPath', '--no-fast-path', 'a wake takes the queue lock even with nobody waiting', switchValue),
  setting('pollCache', '--no-poll-cache', "without Kevlar's cache of poll results", switchValue),
  setting('checks', '--checks', 'verify lock order, owners and field guards at every step', switchValue),
];

/** What a verb says of its settings where it differs from the rule. */
export interface SettingUse {
  readonly names?: readonly SettingName[];
  /** Settings of which this verb takes several, separated by commas. */
  readonly lists?: readonly SettingName[];
}

export function settingFlags(command: Command, use: SettingUse = {}): Command {
  for (const each of used(use)) {
    const flags = use.lists?.includes(each.name) ? each.flags.replace(/>$/, ',...>') : each.flags;
    command.addOption(new Option(flags, each.about));
    // The opposite takes back what the environment or the configuration file says.
    if (each.isSwitch) command.addOption(new Option(opposite(each.flags)).hideHelp());
  }
  return command;
}

function opposite(flags: string): string {
  return flags.startsWith('--no-') ? flags.replace('--no-', '--') : flags.replace('--', '--no-');
}

function used(use: SettingUse): readonly Setting[] {
  return SETTINGS.filter(({ name }) => use.names === undefined || use.names.includes(name));
}

export type Settings = { readonly [Name in SettingName]?: unknown };

/** @throws UsageError that names flag, variable or file, and what stands there */
export async function readSettings(
  command: Command,
  use: SettingUse = {},
  environment: NodeJS.ProcessEnv = process.env,
  file?: ConfigFile,
): Promise<{ readonly settings: Settings; readonly warnings: readonly string[] }> {
  const config = file ?? (await readConfigFile());
  if (config !== undefined) checkKeys(config);
  const settings: Partial<Record<SettingName, unknown>> = {};
  for (const each of used(use)) {
    const given = sourceOf(each, command, environment, config);
    if (given === undefined) continue;
    const read = use.lists?.includes(each.name) ? list(each.read) : each.read;
    settings[each.name] = read(given.value, given.where);
  }
  return { settings, warnings: strayVariables(environment) };
}

function sourceOf(
  each: Setting,
  command: Command,
  environment: NodeJS.ProcessEnv,
  config: ConfigFile | undefined,
): { readonly value: unknown; readonly where: string } | undefined {
  const option = command.options.find(({ flags }) => flags.replace(/,\.\.\.>$/, '>') === each.flags)!;
  const key = option.attributeName();
  if (command.getOptionValueSource(key) === 'cli') {
    return { value: command.getOptionValue(key), where: option.long ?? each.flags };
  }
  const variable = variableOf(each.name);
  if (environment[variable] !== undefined) return { value: environment[variable], where: variable };
  const inFile = config?.values[each.name];
  return inFile === undefined ? undefined : { value: inFile, where: `${config!.name}: ${each.name}` };
}

/** idleSpinNs: SMPLAB_IDLE_SPIN; the unit stands in the value. */
export function variableOf(name: SettingName): string {
  return `SMPLAB_${name
    .replace(/Ns$/, '')
    .replaceAll(/[A-Z]/g, (letter) => `_${letter}`)
    .toUpperCase()}`;
}

function checkKeys(config: ConfigFile): void {
  const names = SETTINGS.map(({ name }) => name);
  for (const key of Object.keys(config.values)) {
    if (!names.includes(key as SettingName))
      throw new UsageError(`${config.name}: ${unknownName('setting', key, names)}`);
  }
}

/** Variables that look like ours and are not: most likely a typo, and else of no effect. */
function strayVariables(environment: NodeJS.ProcessEnv): readonly string[] {
  const known = SETTINGS.map(({ name }) => variableOf(name));
  return Object.keys(environment)
    .filter((name) => name.startsWith('SMPLAB_') && !known.includes(name))
    .map((name) => ({
      name,
      near: nearest(
        name.slice(7),
        known.map((each) => each.slice(7)),
      ),
    }))
    .filter(({ near }) => near !== undefined)
    .map(({ name, near }) => `${name} has no effect (did you mean SMPLAB_${near}?)`);
}

/** What `Machine.boot` takes, from settings of which every one is single. */
export function bootOptions(settings: Settings): BootOptions {
  return { ...settings } as BootOptions;
}
