// What a file of conformance cases looks like, and the one way to read it. A case is a small program of one process
// and the outcomes that a real kernel gave; see `data/conformance` for the bundled ones.
// Promise: a file that is read holds only steps that the runner can execute; anything else is refused with an error
// that says which file, case, thread and step, and what is wrong there.

import {
  type Argument,
  type ArgumentKind,
  type ConformCase,
  type Json,
  type ObjectArgument,
  type Step,
  threadsOf,
} from '../programs/conform/case.ts';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { unknownParts } from '../programs/conform/constants.ts';

const count = z.int().min(0);
const flagText = z.string().superRefine((text, context) => {
  if (text.startsWith('$') || text.startsWith('@') || text === 'PID') return;
  for (const part of unknownParts(text)) {
    context.addIssue({ code: 'custom', message: `'${part}' is neither a known name nor a number` });
  }
});
const scalar = z.union([z.number().int(), flagText]);
const decimal = z.string().regex(/^\d{1,20}$/, 'expected a decimal number of eight bytes, as text');

/** An argument that is an object has exactly one of these keys; its value is described here. */
const argumentKinds = {
  u64: decimal,
  bytes: z.string().regex(/^(?:[0-9a-fA-F]{2})*$/, 'expected pairs of hexadecimal digits'),
  fill: count,
  event: z.strictObject({ events: scalar, data: count.optional() }),
  timespec: z.tuple([z.int(), z.int()]),
  itimerspec: z.tuple([z.int(), z.int(), z.int(), z.int()]),
  sigset: z.array(scalar),
  pollfds: z.array(z.tuple([scalar, scalar])),
  bad: z.number(),
  out_u64: count,
  out_events: count,
  out: count,
  scratch: count,
  out_pair: z.tuple([z.string(), z.string()]),
  out_siginfo: count,
  out_itimerspec: z.number(),
  out_sigset: z.number(),
  out_int: z.number(),
  out_raw: count,
  out_signals: count,
  edge_events: count,
  text: z.string(),
  unix_name: z.string().regex(/^\w{1,8}$/, 'expected up to eight letters and digits'),
  sigvalue: z.int(),
  sigset_pair: z.array(scalar),
  fdset: z.array(scalar),
  time_left: z.tuple([z.int(), z.int()]),
  rlimit: z.tuple([z.int(), z.int()]),
  word: z.strictObject({ name: z.string(), set: z.int().optional() }),
  itimerspec_ahead: z.tuple([scalar, z.int(), z.int(), z.int(), z.int()]),
} as const;

const argumentNames = Object.keys(argumentKinds);

const argumentSchema = z.unknown().transform((value, context): Argument => {
  if (value === null) return null;
  if (typeof value === 'number' || typeof value === 'string') return checked(scalar, value, context, []);
  if (typeof value !== 'object' || Array.isArray(value))
    return refused(context, 'an argument is a number, a string, null or an object');
  const keys = Object.keys(value);
  const kind = keys[0];
  if (keys.length !== 1 || kind === undefined || !isArgumentKind(kind)) {
    return refused(
      context,
      `an argument object has one of the keys ${argumentNames.join(', ')}; found ${keys.join(', ')}`,
    );
  }
  const content = checked(
    argumentKinds[kind] as unknown as z.ZodType,
    (value as Record<string, unknown>)[kind],
    context,
    [kind],
  );
  return { [kind]: content } as unknown as ObjectArgument;
});

function isArgumentKind(kind: string): kind is ArgumentKind {
  return Object.hasOwn(argumentKinds, kind);
}

function refused(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

/** Checks a part whose schema was chosen by its key, and puts its complaints where the part stands. */
function checked<T>(schema: z.ZodType<T>, value: unknown, context: z.RefinementCtx, path: PropertyKey[]): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    context.addIssue({ code: 'custom', message: issue.message, path: [...path, ...issue.path] });
  }
  return z.NEVER;
}

const systemCallStep = z.strictObject({
  sys: z.string().regex(/^[a-z0-9_]+$/, 'expected the name of a system call'),
  args: z.array(argumentSchema).max(6, 'a system call takes at most six arguments').default([]),
  as: z.string().exactOptional(),
  ret: z.literal('any').exactOptional(),
  at_least_ms: z.number().exactOptional(),
  under_ms: z.number().exactOptional(),
});

/** A step is known by its first key; each kind has its own strict shape, so that an error names the right one. */
const stepKinds = {
  sys: systemCallStep,
  start: z.strictObject({ start: z.string() }),
  join: z.strictObject({ join: z.string() }),
  settle: z.strictObject({ settle: z.literal(true) }),
  blocked: z.strictObject({ blocked: z.string() }),
  sleep_ms: z.strictObject({ sleep_ms: z.number().min(0).max(60_000) }),
  handler: z.strictObject({
    handler: scalar,
    how: z.enum(['handler', 'restart', 'SIG_IGN', 'SIG_DFL']).exactOptional(),
  }),
  file: z.strictObject({ file: z.number(), as: z.string() }),
  mark: z.strictObject({ mark: z.unknown() }),
} as const;

const stepSchema = z.unknown().transform((value, context): Step => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refused(context, 'a step is an object');
  for (const [kind, schema] of Object.entries(stepKinds)) {
    if (Object.hasOwn(value, kind)) return checked(schema as z.ZodType<Step>, value, context, []);
  }
  return refused(
    context,
    `a step has one of the keys ${Object.keys(stepKinds).join(', ')}; found ${Object.keys(value).join(', ')}`,
  );
});

const json: z.ZodType<Json> = z.json() as z.ZodType<Json>;

const resultSchema = z.union([
  z.literal('blocked'),
  z.strictObject({
    ret: z.union([z.int(), z.string()]).exactOptional(),
    out: json.exactOptional(),
    waited: z.boolean().exactOptional(),
    quick: z.boolean().exactOptional(),
    joined: z.boolean().exactOptional(),
    blocked: z.boolean().exactOptional(),
  }),
]);

const caseSchema = z
  .strictObject({
    name: z.string().min(1),
    about: z.string().default(''),
    rules: z.array(z.string().regex(/^[A-M][1-9]\d?$/, "expected a rule, like 'D3'")).exactOptional(),
    origin: z.string().min(1).exactOptional(),
    main: z.array(stepSchema),
    threads: z.record(z.string(), z.array(stepSchema)).default({}),
    expect: z.array(z.record(z.string(), z.array(resultSchema))).min(1, 'a case needs an expected outcome'),
  })
  .superRefine(checkThreads);

function checkThreads(one: ConformCase, context: z.RefinementCtx): void {
  if (Object.hasOwn(one.threads, 'main')) {
    context.addIssue({ code: 'custom', path: ['threads', 'main'], message: "'main' is the name of the first thread" });
  }
  for (const [thread, steps] of Object.entries(threadsOf(one))) {
    const path = thread === 'main' ? ['main'] : ['threads', thread];
    steps.forEach((step, index) => {
      for (const name of threadNamesIn(step)) {
        if (Object.hasOwn(one.threads, name) || ('sys' in step && name === 'main')) continue;
        context.addIssue({ code: 'custom', path: [...path, index], message: `there is no thread '${name}'` });
      }
    });
  }
  one.expect.forEach((outcome, index) => {
    for (const [thread, results] of Object.entries(outcome)) {
      const steps = threadsOf(one)[thread];
      const path = ['expect', index, thread];
      if (steps === undefined) context.addIssue({ code: 'custom', path, message: `there is no thread '${thread}'` });
      else if (results.length > steps.length) {
        context.addIssue({ code: 'custom', path, message: `${results.length} results for ${steps.length} steps` });
      }
    }
  });
}

function threadNamesIn(step: Step): readonly string[] {
  if ('start' in step) return [step.start];
  if ('join' in step) return [step.join];
  if ('blocked' in step) return [step.blocked];
  if (!('sys' in step)) return [];
  return step.args
    .filter((arg): arg is string => typeof arg === 'string' && arg.startsWith('@'))
    .map((arg) => arg.slice(1));
}

/** The file's cases could not be read; the message says where and why, for people. */
export class CaseFileError extends Error {
  override readonly name = 'CaseFileError';
}

/** Reads `.json` or `.json.gz`: an array of cases, or one case alone. */
export function readCaseFile(path: string): readonly ConformCase[] {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
    if (path.endsWith('.gz')) bytes = gunzipSync(bytes);
  } catch (error) {
    throw new CaseFileError(`${path}: cannot be read: ${(error as Error).message}`);
  }
  return parseCases(bytes.toString('utf8'), path);
}

export function parseCases(text: string, path: string): readonly ConformCase[] {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new CaseFileError(`${path}: not JSON: ${(error as Error).message}`);
  }
  const list: readonly unknown[] = Array.isArray(raw) ? raw : [raw];
  const problems: string[] = [];
  const cases: ConformCase[] = [];
  list.forEach((entry, index) => {
    const result = caseSchema.safeParse(entry);
    if (result.success) cases.push(result.data);
    else
      for (const issue of result.error.issues)
        problems.push(`${path}: ${placeOf(entry, index, issue.path)}: ${issue.message}`);
  });
  const seen = new Set<string>();
  for (const one of cases) {
    if (seen.has(one.name)) problems.push(`${path}: case '${one.name}': there are two cases of this name`);
    seen.add(one.name);
  }
  if (problems.length > 0) throw new CaseFileError(problems.join('\n'));
  return cases;
}

/** `case 'lt-one-waiter': thread a: step 0: args.1`, with what is not known left out. */
function placeOf(entry: unknown, index: number, path: readonly PropertyKey[]): string {
  const name = typeof entry === 'object' && entry !== null ? (entry as Record<string, unknown>)['name'] : undefined;
  const place = [typeof name === 'string' ? `case '${name}'` : `case number ${index}`];
  let rest = path.map(String);
  if (rest[0] === 'main') {
    place.push('thread main');
    rest = rest.slice(1);
    if (rest[0] !== undefined) place.push(`step ${rest[0]}`);
    rest = rest.slice(1);
  } else if (rest[0] === 'threads' && rest[1] !== undefined) {
    place.push(`thread ${rest[1]}`);
    if (rest[2] !== undefined) place.push(`step ${rest[2]}`);
    rest = rest.slice(3);
  }
  if (rest.length > 0) place.push(rest.join('.'));
  return place.join(': ');
}
