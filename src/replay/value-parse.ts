// From strace's text to values (value.ts). Called by call.ts for arguments and results.
// The promise: any text whose brackets and quotes close gives a value. What is not understood becomes a text value,
// as deep inside as possible, so that the rest of its struct is still there.

import {
  atEnd,
  type Cursor,
  looksAt,
  skipBlanks,
  skipComments,
  take,
  takeCount,
  takeFlagWord,
  takeName,
  takeNote,
  takeNumber,
  takeRaw,
  takeString,
  valueOfNumber,
} from './tokens.ts';
import type { Field, Value } from './value.ts';

/** Deeper nesting than any kernel struct has; beyond it, text is kept as text. */
const MAX_DEPTH = 32;

/** What may follow a value: in a list separated by blanks, a blank too. */
function isFollowed(cursor: Cursor, inArray: boolean): boolean {
  const char = cursor.text[cursor.at];
  if (char === undefined || char === ',' || char === ')' || char === ']' || char === '}') return true;
  if (char !== ' ') return false;
  return inArray || cursor.text.slice(cursor.at).trim() === '';
}

/** A value where one is expected. At a delimiter or at the end it is undefined. */
export function parseValue(cursor: Cursor, depth = 0, inArray = false): Value | undefined {
  skipBlanks(cursor);
  const start = cursor.at;
  const value = depth < MAX_DEPTH ? parseStructured(cursor, depth) : undefined;
  if (value !== undefined) {
    skipComments(cursor);
    const changed = parseChange(cursor, value, depth);
    if (changed !== undefined && isFollowed(cursor, inArray)) return changed;
  }
  cursor.at = start;
  const text = takeRaw(cursor);
  return text === '' ? undefined : { kind: 'text', text };
}

/** `before => after`, and `before->after` of older versions; the value itself where no arrow follows. */
function parseChange(cursor: Cursor, before: Value, depth: number): Value | undefined {
  const at = cursor.at;
  skipBlanks(cursor);
  if (!take(cursor, '=>') && !take(cursor, '->')) {
    cursor.at = at;
    return before;
  }
  skipBlanks(cursor);
  const after = parseStructured(cursor, depth + 1);
  if (after === undefined) return undefined;
  skipComments(cursor);
  return { kind: 'change', before, after };
}

function parseStructured(cursor: Cursor, depth: number): Value | undefined {
  const char = cursor.text[cursor.at];
  if (char === '"' || looksAt(cursor, '@"')) return parseString(cursor);
  if (char === '{') return parseStruct(cursor, depth);
  if (char === '[' || looksAt(cursor, '~[')) return parseArray(cursor, depth);
  const number = parseNumber(cursor);
  return number ?? parseWords(cursor, depth);
}

function parseString(cursor: Cursor): Value | undefined {
  const abstract = take(cursor, '@');
  const string = takeString(cursor);
  return string === undefined ? undefined : { kind: 'string', ...string, abstract };
}

/** A number that is not the first word of flags (`0x2|O_NONBLOCK` is flags). */
function parseNumber(cursor: Cursor): Value | undefined {
  const start = cursor.at;
  const text = takeNumber(cursor);
  if (text === undefined) return undefined;
  const note = looksAt(cursor, '<<') ? undefined : takeNote(cursor);
  skipComments(cursor);
  if (looksAt(cursor, '|') || looksAt(cursor, '<<')) {
    cursor.at = start;
    return undefined;
  }
  return { kind: 'number', value: valueOfNumber(text), text, ...(note === undefined ? {} : { note }) };
}

/** NULL, a macro, or flags. */
function parseWords(cursor: Cursor, depth: number): Value | undefined {
  const start = cursor.at;
  const name = takeName(cursor);
  if (name !== undefined && take(cursor, '(')) {
    const args = parseArguments(cursor, depth + 1);
    if (!take(cursor, ')')) return undefined;
    return looksAt(cursor, '|') ? undefined : { kind: 'macro', name, args: args.map((argument) => argument.value) };
  }
  cursor.at = start;
  const words: string[] = [];
  do {
    const word = takeFlagWord(cursor);
    if (word === undefined) return undefined;
    words.push(word);
    // -X verbose prints `0x2 /* O_RDWR */|0x800 /* O_NONBLOCK */`.
    skipComments(cursor);
  } while (take(cursor, '|'));
  const note = takeNote(cursor);
  if (words.length === 1 && words[0] === 'NULL') return { kind: 'null' };
  return { kind: 'flags', words, ...(note === undefined ? {} : { note }) };
}

function parseStruct(cursor: Cursor, depth: number): Value | undefined {
  take(cursor, '{');
  const fields: Field[] = [];
  let truncated = false;
  skipBlanks(cursor);
  while (!take(cursor, '}')) {
    if (take(cursor, '...')) truncated = true;
    else {
      const field = parseField(cursor, depth);
      if (field === undefined) return undefined;
      fields.push(field);
    }
    skipBlanks(cursor);
    if (!take(cursor, ',') && !looksAt(cursor, '}')) return undefined;
    skipBlanks(cursor);
  }
  return { kind: 'struct', fields, truncated };
}

/** `name=value`, or a value alone. */
function parseField(cursor: Cursor, depth: number): Field | undefined {
  const start = cursor.at;
  let name = takeName(cursor) ?? '';
  // Older versions count in brackets: `msg_iov(1)=[...]`.
  if (name !== '') takeCount(cursor);
  if (name !== '' && !(cursor.text[cursor.at] === '=' && cursor.text[cursor.at + 1] !== '>' && take(cursor, '='))) {
    cursor.at = start;
    name = '';
  }
  const value = parseValue(cursor, depth + 1);
  return value === undefined ? undefined : { name, value };
}

function parseArray(cursor: Cursor, depth: number): Value | undefined {
  const inverted = take(cursor, '~');
  take(cursor, '[');
  const items: Value[] = [];
  let truncated = false;
  let spaced = false;
  skipBlanks(cursor);
  while (!take(cursor, ']')) {
    if (take(cursor, '...')) truncated = true;
    else {
      const item = parseValue(cursor, depth + 1, true);
      if (item === undefined) return undefined;
      items.push(item);
    }
    const end = cursor.at;
    skipBlanks(cursor);
    if (take(cursor, ',')) skipBlanks(cursor);
    else if (!looksAt(cursor, ']')) {
      if (cursor.at === end) return undefined;
      spaced = true;
    }
  }
  const only = items.length === 1 ? items[0] : undefined;
  // `[128 => 16]` is one place that changed.
  if (only?.kind === 'change' && !inverted && !truncated) {
    const arrayOf = (item: Value): Value => ({ kind: 'array', items: [item], truncated, spaced, inverted });
    return { kind: 'change', before: arrayOf(only.before), after: arrayOf(only.after) };
  }
  return { kind: 'array', items, truncated, spaced, inverted };
}

/** Arguments up to the closing bracket, which is left standing, or up to the end of a text that was cut. */
export function parseArguments(cursor: Cursor, depth = 0): Field[] {
  const args: Field[] = [];
  skipBlanks(cursor);
  while (!atEnd(cursor) && !looksAt(cursor, ')')) {
    const field = parseField(cursor, depth);
    if (field !== undefined) args.push(field);
    skipBlanks(cursor);
    if (!take(cursor, ',')) break;
    skipBlanks(cursor);
  }
  return args;
}
