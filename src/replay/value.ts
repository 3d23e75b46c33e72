// What strace's argument syntax says, as data: numbers, flags, strings, structs, arrays, and values that a call changed.
// Made by value-parse.ts, printed by value-print.ts, given meaning by meaning.ts. Values are never changed once made.

/** A number as it stood in the trace. `text` keeps what a double cannot: octal modes, and 64 bits. */
export interface NumberValue {
  readonly kind: 'number';
  readonly value: number;
  readonly text: string;
  /** What -y or -Y prints behind a descriptor or a process: `3<pipe:[21175]>` has `pipe:[21175]`. */
  readonly note?: string;
}

/** Names and numbers joined by `|`; a single name too. The words stand as printed. */
export interface FlagsValue {
  readonly kind: 'flags';
  readonly words: readonly string[];
  readonly note?: string;
}

export interface StringValue {
  readonly kind: 'string';
  readonly bytes: Uint8Array;
  /** strace printed only the head (its -s), so the length is not known from here. */
  readonly truncated: boolean;
  /** A unix socket name printed as `@"name"`: it begins with a zero byte, which is not in `bytes`. */
  readonly abstract: boolean;
}

export interface Field {
  /** Empty where strace prints the value alone, as in `inet_pton(AF_INET6, "::1", &sin6_addr)`. */
  readonly name: string;
  readonly value: Value;
}

export interface StructValue {
  readonly kind: 'struct';
  readonly fields: readonly Field[];
  /** It ended in `...`: there was more that strace did not print. */
  readonly truncated: boolean;
}

export interface ArrayValue {
  readonly kind: 'array';
  readonly items: readonly Value[];
  readonly truncated: boolean;
  /** Separated by blanks, as sets of signals, descriptors and CPUs are. */
  readonly spaced: boolean;
  /** `~[INT]`: every signal but these. */
  readonly inverted: boolean;
}

/** `[128 => 16]`: what the call was given, and what it left there. */
export interface ChangeValue {
  readonly kind: 'change';
  readonly before: Value;
  readonly after: Value;
}

/** `htons(80)`, `makedev(0x1, 0x3)`. */
export interface MacroValue {
  readonly kind: 'macro';
  readonly name: string;
  readonly args: readonly Value[];
}

/** Whatever else strace prints; never a reason to give a line up. */
export interface TextValue {
  readonly kind: 'text';
  readonly text: string;
}

export interface NullValue {
  readonly kind: 'null';
}

export type Value =
  | NumberValue
  | FlagsValue
  | StringValue
  | StructValue
  | ArrayValue
  | ChangeValue
  | MacroValue
  | TextValue
  | NullValue;

/** What the call was given, where the trace says so: a value the call wrote only stands there once it returned. */
export function beforeCall(value: Value): Value {
  return value.kind === 'change' ? value.before : value;
}

/** What stood there after the call. */
export function afterCall(value: Value): Value {
  return value.kind === 'change' ? value.after : value;
}

/** A number, or 0 for NULL; undefined for anything else, names of flags included. */
export function numberIn(value: Value | undefined): number | undefined {
  if (value?.kind === 'number') return value.value;
  return value?.kind === 'null' ? 0 : undefined;
}

/** As `numberIn`, without losing bits above 2^53. */
export function bigintIn(value: Value | undefined): bigint | undefined {
  if (value?.kind === 'null') return 0n;
  if (value?.kind !== 'number') return undefined;
  if (Number.isSafeInteger(value.value)) return BigInt(value.value);
  const digits = value.text.replace(/^-/, '');
  if (!/^(0x[0-9a-f]+|\d+)$/i.test(digits)) return BigInt(value.value);
  const magnitude = BigInt(/^0\d/.test(digits) ? `0o${digits}` : digits);
  return value.text.startsWith('-') ? -magnitude : magnitude;
}

/** The words of flags; a bare number is one word. */
export function wordsIn(value: Value | undefined): readonly string[] {
  if (value?.kind === 'flags') return value.words;
  return value?.kind === 'number' ? [value.text] : [];
}

export function hasWord(value: Value | undefined, word: string): boolean {
  return value?.kind === 'flags' && value.words.includes(word);
}

/** A struct's field by name; undefined where the value is no struct or has no such field. */
export function fieldIn(value: Value | undefined, name: string): Value | undefined {
  if (value?.kind !== 'struct') return undefined;
  return value.fields.find((field) => field.name === name)?.value;
}

/** An array's items; nothing for what is no array, NULL and bare pointers included. */
export function itemsIn(value: Value | undefined): readonly Value[] {
  return value?.kind === 'array' ? value.items : [];
}

/** A string's bytes as text, each byte one character; undefined for what is no string. */
export function textIn(value: Value | undefined): string | undefined {
  return value?.kind === 'string' ? Buffer.from(value.bytes).toString('latin1') : undefined;
}
