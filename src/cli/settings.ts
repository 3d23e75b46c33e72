/**
 * The machine's settings, read: flag over environment over configuration file over the machine's own default. A wrong
 * value is told with the place it came from. Which settings there are stands in settings-table.ts.
 */
import { type Command, Option } from 'commander';
import type { BootOptions } from '../machine/boot-options.ts';
import { type ConfigFile, readConfigFile } from './config-file.ts';
import { UsageError } from './exit-codes.ts';
import {
  FLAG_SETTINGS,
  type FlagSetting,
  isSwitch,
  LIMIT_SETTINGS,
  SETTINGS,
  type Setting,
  type SettingName,
  variableOf,
} from './settings-table.ts';
import { nearest, unknownName } from './suggest.ts';
import { assignment, list } from './values.ts';

/** What a verb says of its settings where it differs from the rule. */
export interface SettingUse {
  /** Those that it takes; all by default. */
  readonly names?: readonly SettingName[];
  /** Settings of which this verb takes several, separated by commas. */
  readonly lists?: readonly SettingName[];
}

export function settingFlags(command: Command, use: SettingUse = {}): Command {
  for (const each of FLAG_SETTINGS.filter(({ name }) => isUsed(name, use))) {
    const flags = use.lists?.includes(each.name) ? each.flags.replace(/>$/, ',...>') : each.flags;
    command.addOption(new Option(flags, each.about));
    // The opposite takes back what the environment or the configuration file says.
    if (isSwitch(each)) command.addOption(new Option(opposite(each.flags)).hideHelp());
  }
  const limits = LIMIT_SETTINGS.filter(({ name }) => isUsed(name, use)).map(({ name }) => name);
  if (limits.length === 0) return command;
  const about = `a maximum of the machine, as ${limits[0]}=1000; may be repeated: ${limits.join(', ')}`;
  return command.addOption(
    new Option('--limit <name=value>', about).argParser((value: string, before: readonly string[] = []) => [
      ...before,
      value,
    ]),
  );
}

function opposite(flags: string): string {
  return flags.startsWith('--no-') ? flags.replace('--no-', '--') : flags.replace('--', '--no-');
}

function isUsed(name: SettingName, use: SettingUse): boolean {
  return use.names === undefined || use.names.includes(name);
}

export type Settings = { readonly [Name in SettingName]?: unknown };

interface Given {
  readonly value: unknown;
  readonly where: string;
}

/** @throws UsageError that names flag, variable or file, and what stands there */
export async function readSettings(
  command: Command,
  use: SettingUse = {},
  environment: NodeJS.ProcessEnv = process.env,
  file?: ConfigFile,
): Promise<{ readonly settings: Settings; readonly warnings: readonly string[] }> {
  const config = file ?? (await readConfigFile());
  if (config !== undefined) checkKeys(config);
  const limits = limitsOf(command, use);
  const { problemWith } = await import('../machine/config.ts');
  const settings: Partial<Record<SettingName, unknown>> = {};
  for (const each of SETTINGS.filter(({ name }) => isUsed(name, use))) {
    const given = limits.get(each.name) ?? sourceOf(each, command, environment, config);
    if (given === undefined) continue;
    const isList = use.lists?.includes(each.name) === true;
    const value = (isList ? list(each.read) : each.read)(given.value, given.where);
    for (const one of isList ? (value as unknown[]) : [value]) {
      const problem = problemWith(each.name, one);
      if (problem !== undefined) throw new UsageError(`${given.where}: ${problem}`);
    }
    settings[each.name] = value;
  }
  return { settings, warnings: strayVariables(environment) };
}

/** What --limit says, by name; the last one counts. */
function limitsOf(command: Command, use: SettingUse): ReadonlyMap<string, Given> {
  const names = LIMIT_SETTINGS.map(({ name }) => name).filter((name) => isUsed(name, use));
  const limits = new Map<string, Given>();
  for (const text of (command.opts()['limit'] ?? []) as readonly string[]) {
    const [name, value] = assignment(text, '--limit');
    if (!names.includes(name as SettingName)) throw new UsageError(`--limit: ${unknownName('limit', name, names)}`);
    limits.set(name, { value, where: `--limit ${name}` });
  }
  return limits;
}

function sourceOf(
  each: Setting,
  command: Command,
  environment: NodeJS.ProcessEnv,
  config: ConfigFile | undefined,
): Given | undefined {
  const flag = each.flags === undefined ? undefined : flagOf(each as FlagSetting, command);
  if (flag !== undefined) return flag;
  const variable = variableOf(each.name);
  if (environment[variable] !== undefined) return { value: environment[variable], where: variable };
  const inFile = config?.values[each.name];
  return inFile === undefined ? undefined : { value: inFile, where: `${config!.placeOf(each.name)}: ${each.name}` };
}

function flagOf(each: FlagSetting, command: Command): Given | undefined {
  const option = command.options.find(({ flags }) => flags.replace(/,\.\.\.>$/, '>') === each.flags)!;
  const key = option.attributeName();
  if (command.getOptionValueSource(key) !== 'cli') return undefined;
  return { value: command.getOptionValue(key), where: option.long ?? each.flags };
}

function checkKeys(config: ConfigFile): void {
  const names = SETTINGS.map(({ name }) => name);
  for (const key of Object.keys(config.values)) {
    // For editors: smplab.config.schema.json.
    if (key === '$schema') continue;
    if (!names.includes(key as SettingName))
      throw new UsageError(`${config.placeOf(key)}: ${unknownName('setting', key, names)}`);
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
