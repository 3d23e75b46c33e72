/**
 * Writes what this kernel answers into files of cases: each case is run a number of times, and the outcomes that came up
 * become its `expect`. Everything else in the file stays as it is.
 * Promise: a file is written whole or not at all; one in which a case gives no outcome is not written.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { ConformCase, Outcome } from '../../programs/conform/case.ts';
import { canonical, stableText } from '../canonical.ts';
import { CaseFileError, parseCases } from '../schema.ts';
import type { HostRunner } from './runner.ts';

/** Runs of a case without threads, which has one outcome; and of one with threads. */
const RUNS = { alone: 1, threads: 20 } as const;

export interface RecordOptions {
  /** Of each case; by default as many as it needs. */
  readonly runs?: number;
  /** Keep the outcomes that the file has. */
  readonly add?: boolean;
}

export interface Recorded {
  readonly case: string;
  readonly outcomes: number;
  /** Of them, those that the file did not have. */
  readonly added: number;
}

/** @throws CaseFileError for a file that cannot be read or written; Error if a case gives no outcome */
export async function recordFile(path: string, runner: HostRunner, options: RecordOptions = {}): Promise<Recorded[]> {
  if (path.endsWith('.gz')) throw new CaseFileError(`${path}: is compressed; record into a .json file`);
  const raw = readRaw(path);
  // A new case has no answer yet, and without one it is none.
  const answered = raw.map((one) => (isAnswered(one) ? one : { ...one, expect: [{}] }));
  const cases = parseCases(JSON.stringify(answered), path);
  const recorded: Recorded[] = [];
  for (const [index, one] of cases.entries()) {
    const seen = await outcomesOf(one, runner, options.runs);
    const had = new Map(
      (isAnswered(raw[index]!) ? one.expect : []).map((outcome) => [stableText(canonical(one, outcome)), outcome]),
    );
    const added = [...seen.keys()].filter((text) => !had.has(text)).length;
    const kept = options.add === true ? new Map([...had, ...seen]) : seen;
    const sorted = [...kept].sort(([left], [right]) => (left < right ? -1 : 1));
    raw[index]!['expect'] = sorted.map(([, outcome]) => outcome);
    recorded.push({ case: one.name, outcomes: sorted.length, added });
  }
  const text = `[\n${raw.map((one) => JSON.stringify(one)).join(',\n')}\n]\n`;
  writeFileSync(`${path}.tmp`, text);
  renameSync(`${path}.tmp`, path);
  return recorded;
}

function readRaw(path: string): Record<string, unknown>[] {
  try {
    const document: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return (Array.isArray(document) ? document : [document]) as Record<string, unknown>[];
  } catch (error) {
    throw new CaseFileError(`${path}: cannot be read: ${(error as Error).message}`);
  }
}

function isAnswered(one: Record<string, unknown>): boolean {
  return Array.isArray(one['expect']) && one['expect'].length > 0;
}

async function outcomesOf(one: ConformCase, runner: HostRunner, wanted?: number): Promise<Map<string, Outcome>> {
  const seen = new Map<string, Outcome>();
  const runs = wanted ?? (Object.keys(one.threads).length > 0 ? RUNS.threads : RUNS.alone);
  for (let run = 0; run < runs; run++) {
    const result = await runner.run(one);
    if ('broken' in result) throw new Error(`${one.name}: ${result.broken}`);
    const outcome = canonical(one, result.outcome);
    seen.set(stableText(outcome), outcome);
  }
  return seen;
}
