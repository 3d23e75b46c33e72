// The text of one call, both halves joined: `name(arguments) = result <duration>`.
// Called by parse.ts. It answers with the parts, or with the reason why the text is no call.

import {
  type Cursor,
  cursorOver,
  looksAt,
  skipBlanks,
  skipComments,
  take,
  takeName,
  takeNote,
  takeRaw,
} from './tokens.ts';
import type { CallResult, Detail, Outcome } from './record.ts';
import type { Field } from './value.ts';
import { parseArguments, parseValue } from './value-parse.ts';

export interface ParsedCall {
  readonly call: string;
  readonly args: readonly Field[];
  readonly outcome: Outcome;
  readonly result: CallResult;
  readonly durationNs?: number;
}

export type CallOrReason = ParsedCall | { readonly reason: string };

/** The result of a call that the trace does not see returning. */
export const noResult: CallResult = { value: Number.NaN, text: '?', details: [] };

/** A whole call. */
export function parseCall(text: string): CallOrReason {
  // A thread that died within the call has both: `futex(... <unfinished ...>) = ?`.
  const cursor = cursorOver(text.replace(/ ?<unfinished \.\.\.>(\) += \?)$/, '$1'));
  const call = takeName(cursor);
  if (call === undefined || !take(cursor, '(')) return { reason: 'no name of a call' };
  const args = parseArguments(cursor);
  if (!take(cursor, ')')) return { reason: `the arguments of ${call} do not end in ")"` };
  skipBlanks(cursor);
  if (!take(cursor, '=')) return { reason: `${call} has no "=" and result behind its arguments` };
  skipBlanks(cursor);
  const rest = cursor.text.slice(cursor.at);
  const duration = / <(?:(\d+)(?:\.(\d+))?|unavailable)>$/.exec(rest);
  const parsed = parseResult(cursorOver(duration === null ? rest : rest.slice(0, duration.index)));
  if (parsed === undefined) return { reason: `the result of ${call} is not understood: ${rest.slice(0, 40)}` };
  const durationNs = duration?.[1] === undefined ? undefined : fractionToNs(duration[1], duration[2] ?? '');
  return { call, args, ...parsed, ...(durationNs === undefined ? {} : { durationNs }) };
}

/** What can be read of a call whose end is missing: its name, and the arguments that were printed. */
export function parseCallStart(text: string): { readonly call: string; readonly args: readonly Field[] } | undefined {
  const cursor = cursorOver(text);
  const call = takeName(cursor);
  if (call === undefined || !take(cursor, '(')) return undefined;
  return { call, args: parseArguments(cursor) };
}

/** Seconds and their fraction, as digits, in whole nanoseconds: no rounding through a double of seconds. */
export function fractionToNs(seconds: string, fraction: string): number {
  return Number(seconds) * 1e9 + Number(fraction.padEnd(9, '0').slice(0, 9));
}

function parseResult(cursor: Cursor): { outcome: Outcome; result: CallResult } | undefined {
  const word = takeResultWord(cursor);
  if (word === undefined) return undefined;
  const note = takeNote(cursor);
  skipComments(cursor);
  const errno = takeErrno(cursor);
  const bracketed = takeBracketed(cursor);
  // Fault injection leaves its remarks; anything else means that the line is not what it seems, or was cut.
  if (!/^(?: \((?:INJECTED|DELAYED)[^)]*\))*\s*$/.test(cursor.text.slice(cursor.at))) return undefined;
  const number = Number(word === '?' ? Number.NaN : word);
  const result: CallResult = {
    value: number,
    text: word,
    details: errno === undefined && bracketed !== undefined ? parseDetails(bracketed) : [],
    ...(errno === undefined ? {} : { errno }),
    ...(bracketed === undefined ? {} : { message: bracketed }),
    ...(note === undefined ? {} : { note }),
  };
  return { outcome: outcomeOf(word, errno), result };
}

function outcomeOf(word: string, errno: string | undefined): Outcome {
  if (word === '?') return errno === undefined ? 'vanished' : 'restarted';
  return errno === undefined ? 'returned' : 'failed';
}

function takeResultWord(cursor: Cursor): string | undefined {
  const found = /^(?:\?|-?\d+|0x[0-9a-f]+)(?![\w.])/.exec(cursor.text)?.[0];
  if (found !== undefined) cursor.at = found.length;
  return found;
}

/** ` EAGAIN`, ` ERESTARTSYS`, or ` (errno 523)` for those without a name. */
function takeErrno(cursor: Cursor): string | undefined {
  const found = /^ (?:(E[A-Z0-9_]+)|\(errno (\d+)\))/.exec(cursor.text.slice(cursor.at));
  if (found === null) return undefined;
  cursor.at += found[0].length;
  return found[1] ?? `errno ${found[2]}`;
}

/** The text within ` (...)`. */
function takeBracketed(cursor: Cursor): string | undefined {
  if (looksAt(cursor, ' (INJECTED') || looksAt(cursor, ' (DELAYED') || !take(cursor, ' (')) return undefined;
  const start = cursor.at;
  do takeRaw(cursor);
  while (take(cursor, ',') || take(cursor, ']') || take(cursor, '}'));
  const text = cursor.text.slice(start, cursor.at);
  take(cursor, ')');
  return text;
}

/** `in [3], left {...}` or `[{fd=3, revents=POLLIN}]` or `Timeout`: a label is a word and a blank before a value. */
function parseDetails(text: string): Detail[] {
  const details: Detail[] = [];
  const cursor = cursorOver(text);
  do {
    const label = /^ ?([a-z]+) /.exec(text.slice(cursor.at));
    cursor.at += label?.[0].length ?? 0;
    const value = parseValue(cursor);
    if (value !== undefined) details.push({ label: label?.[1] ?? '', value });
  } while (take(cursor, ','));
  return details;
}
