/**
 * Reading values that a person typed: numbers, times, names of things, lists of them. Values of a configuration file
 * come as numbers and booleans already. A wrong one is told with the place where it stands.
 */
import { UsageError } from './exit-codes.ts';
import { unknownName } from './suggest.ts';

/** @param where flag, variable or file, for the message */
export type Reader = (value: unknown, where: string) => unknown;

export function wholeNumber(value: unknown, where: string): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) {
    throw new UsageError(`${where}: '${String(value)}' is not a whole number`);
  }
  return number;
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1 << 10, M: 1 << 20, G: 1 << 30 };

/** A whole number that may end in k, M or G: times 1024, and so on. */
export function quantity(value: unknown, where: string): number {
  const match = typeof value === 'string' ? /^\s*(\d+)([kMG]?)\s*$/.exec(value) : null;
  return match === null ? wholeNumber(value, where) : Number(match[1]) * UNITS[match[2]!]!;
}

export function seconds(value: unknown, where: string): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !(number > 0) || number > 1e6) {
    throw new UsageError(`${where}: '${String(value)}' is not a number of seconds above 0`);
  }
  return number;
}

const NS: Readonly<Record<string, number>> = { '': 1, ns: 1, us: 1e3, ms: 1e6, s: 1e9 };

/** A time with a unit (50us, 1ms); a bare number is nanoseconds. */
export function nanoseconds(value: unknown, where: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ns|us|ms|s|)$/.exec(String(value).trim());
  if (match === null) throw new UsageError(`${where}: '${String(value)}' is not a time, as 50us, 1ms or 0`);
  return Number(match[1]) * NS[match[2]!]!;
}

const SWITCHES: Readonly<Record<string, boolean>> = {
  1: true,
  true: true,
  yes: true,
  on: true,
  0: false,
  false: false,
  no: false,
  off: false,
};

export function switchValue(value: unknown, where: string): boolean {
  const found = SWITCHES[String(value).toLowerCase()];
  if (found === undefined) throw new UsageError(`${where}: '${String(value)}' is neither 1 nor 0`);
  return found;
}

export function oneOf(what: string, names: readonly string[]): Reader {
  return (value, where) => {
    const text = String(value).trim();
    if (!names.includes(text)) throw new UsageError(`${where}: ${unknownName(what, text, names)}`);
    return text;
  };
}

/** Several values between commas, or an array; each is named once. */
export function list(read: Reader): Reader {
  return (value, where) => {
    const parts = Array.isArray(value) ? value : String(value).split(',');
    return [...new Set(parts.map((part: unknown) => read(part, where)))];
  };
}

/** `key=value` of --set: numbers and switches become such, the rest is text. */
export function assignment(text: string, where: string): readonly [string, unknown] {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`${where} ${text}: write key=value`);
  const key = text.slice(0, at);
  const value = text.slice(at + 1);
  if (value === 'true' || value === 'false') return [key, value === 'true'];
  const number = Number(value);
  return [key, value.trim() !== '' && Number.isFinite(number) ? number : value];
}
