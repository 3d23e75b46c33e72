/**
 * The boot options' schema: ranges and defaults. A wrong option is told with its name, what stood there, and what may.
 */
import { z } from 'zod';
import type { BootConfig } from '../kernel/boot/plan.ts';
import { defaultBootConfig } from '../kernel/boot/plan.ts';
import { DESIGN_NAMES } from '../kernel/epoll/source-ops.ts';
import type { BootConstants } from '../shared-mem/boot-constants.ts';
import { parseLockChoice } from '../shared-mem/locks/choice.ts';
import type { BootOptions } from './boot-options.ts';
import { BootError } from './errors.ts';
import { unknownName } from './suggest.ts';

export type { BootOptions } from './boot-options.ts';

/** What every option is once it is checked: there, and in its range. */
export type CheckedFields = { [Name in keyof BootOptions]-?: Exclude<BootOptions[Name], undefined> };
interface Field<T> {
  readonly schema: z.ZodType<T, T | undefined>;
  /** What a value must be: `it is not ...`. */
  readonly is: string;
  /** For names: what they are names of. */
  readonly names?: { readonly what: string; readonly known: readonly string[] };
}

const number = new Intl.NumberFormat('en-US');

function whole(min: number, max: number, fallback: number): Field<number> {
  return {
    schema: z.number().int().min(min).max(max).default(fallback),
    is: `a whole number from ${number.format(min)} to ${number.format(max)}`,
  };
}

function milliseconds(min: number, fallback: number): Field<number> {
  return { schema: z.number().min(min).max(1e9).default(fallback), is: `a number of milliseconds from ${min} to 1e9` };
}

function flag(fallback: boolean): Field<boolean> {
  return { schema: z.boolean().default(fallback), is: 'true or false' };
}

function oneName<T extends string>(what: string, known: readonly [T, ...T[]], fallback: T): Field<T> {
  const schema = z.enum(known).default(fallback as never) as unknown as z.ZodType<T, T | undefined>;
  return { schema, is: `one of ${known.join(', ')}`, names: { what, known } };
}

function locks(fallback: string): Field<string> {
  const schema = z.string().superRefine((text, context) => {
    const { problem } = parseLockChoice(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem.about });
  });
  return { schema: schema.default(fallback), is: 'a choice of locks, as ticket or ttas,runqueue=ticket' };
}

const d = defaultBootConfig;

const FIELDS: { readonly [Name in keyof CheckedFields]: Field<CheckedFields[Name]> } = {
  cpus: whole(1, 64, d.cpus),
  hz: whole(1, 10_000, d.hz),
  epoll: oneName('design of epoll', DESIGN_NAMES, d.epoll),
  abi: oneName('abi', ['x86_64', 'arm64'], d.abi),
  lock: locks(d.lock),
  idleSpinNs: { schema: z.number().min(0).max(1e9).default(d.idleSpinNs), is: 'a number of nanoseconds from 0 to 1e9' },
  lockSpins: whole(1, 1e9, d.lockSpins),
  sliceTicks: whole(1, 1e6, d.sliceTicks),
  seed: whole(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, d.seed),
  tasks: whole(1, 1 << 20, d.tasks),
  processes: whole(1, 65_536, d.processes),
  addressSpaces: whole(0, 65_536, d.addressSpaces),
  files: whole(1, 1 << 23, d.files),
  nofile: whole(1, 1 << 20, d.nofile),
  epolls: whole(1, 1 << 20, d.epolls),
  interests: whole(1, 1 << 23, d.interests),
  pipes: whole(1, 1 << 18, d.pipes),
  sockets: whole(1, 1 << 20, d.sockets),
  signalInfos: whole(1, 1 << 20, d.signalInfos),
  pages: whole(1, 1 << 18, d.pages),
  userBytes: {
    schema: z
      .number()
      .int()
      .min(4096)
      .max(1 << 30)
      .multipleOf(4096)
      .default(d.userBytes),
    is: 'a multiple of 4096 from 4,096 to 1,073,741,824',
  },
  checks: flag(false),
  profile: flag(true),
  fastPath: flag(true),
  pollCache: flag(true),
  warp: flag(false),
  heapMb: whole(16, 1 << 20, 1024),
  lockupMs: milliseconds(100, 10_000),
  starvationMs: milliseconds(100, 5000),
};

export const BOOT_OPTION_NAMES = Object.keys(FIELDS) as readonly (keyof BootOptions)[];

const shape = Object.fromEntries(Object.entries(FIELDS).map(([name, { schema }]) => [name, schema]));

/** Checks the options of `Machine.boot`, and fills in the defaults: a zod schema. */
export const bootOptionsSchema = z.strictObject(shape) as unknown as z.ZodType<CheckedFields, BootOptions>;

/** @returns what is wrong with one option's value, in words that begin with the value, or undefined */
export function problemWith(name: keyof BootOptions, value: unknown): string | undefined {
  const { schema, is, names } = FIELDS[name];
  const { error } = schema.safeParse(value);
  if (error === undefined) return undefined;
  if (names !== undefined && typeof value === 'string') return unknownName(names.what, value, names.known);
  const own = error.issues.find(({ code }) => code === 'custom');
  return own?.message ?? `${shown(value)} is not ${is}`;
}

function shown(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? number.format(value) : String(value);
  const text = typeof value === 'string' ? `'${value}'` : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

export interface CheckedOptions {
  readonly config: BootConfig;
  readonly constants: BootConstants;
  readonly heapMb: number;
  readonly lockupMs: number;
  readonly starvationMs: number;
}

/** @throws BootError that names each wrong option, what it was, and what it may be */
export function checkBootOptions(options: BootOptions): CheckedOptions {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new BootError(`the machine cannot boot so: ${shown(options)} is no object of options, as { cpus: 2 }`);
  }
  const problems: string[] = [];
  for (const [name, value] of Object.entries(options)) {
    if (name in FIELDS) {
      const problem = problemWith(name as keyof BootOptions, value);
      if (problem !== undefined) problems.push(`${name}: ${problem}`);
    } else problems.push(unknownName('option', name, BOOT_OPTION_NAMES));
  }
  if (problems.length > 0) throw new BootError(`the machine cannot boot so: ${problems.join('; ')}`);
  const { checks, profile, fastPath, pollCache, warp, heapMb, lockupMs, starvationMs, ...config } =
    bootOptionsSchema.parse(options);
  return { config, constants: { checks, profile, fastPath, pollCache, warp }, heapMb, lockupMs, starvationMs };
}
