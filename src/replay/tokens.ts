// The smallest pieces of strace's syntax, read from a text by a cursor that moves over it: blanks, numbers, names,
// strings with their escapes, `<...>` notes, and the raw text up to the next delimiter, whatever it holds.
// Used by value-parse.ts and call.ts. Reading what is not there answers undefined and leaves the cursor where it was.

export interface Cursor {
  readonly text: string;
  at: number;
}

export function cursorOver(text: string, at = 0): Cursor {
  return { text, at };
}

export function atEnd(cursor: Cursor): boolean {
  return cursor.at >= cursor.text.length;
}

export function looksAt(cursor: Cursor, expected: string): boolean {
  return cursor.text.startsWith(expected, cursor.at);
}

/** Steps over the expected text if it stands here. */
export function take(cursor: Cursor, expected: string): boolean {
  if (!looksAt(cursor, expected)) return false;
  cursor.at += expected.length;
  return true;
}

export function skipBlanks(cursor: Cursor): void {
  while (cursor.text[cursor.at] === ' ') cursor.at++;
}

function takeMatch(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.text)?.[0];
  if (found !== undefined) cursor.at += found.length;
  return found;
}

/** A name as C has them; strace's unknown calls (`syscall_0x1b9`) and `???` are names too. */
export function takeName(cursor: Cursor): string | undefined {
  return takeMatch(cursor, /[A-Za-z_]\w*|\?{3,4}/y);
}

/** `(1)` between a name and its `=`. */
export function takeCount(cursor: Cursor): void {
  takeMatch(cursor, /\(\d+\)(?==)/y);
}

/** One word of a flags value: a name, possibly with `&` (address of a member) or `~` before it, or a number. */
export function takeFlagWord(cursor: Cursor): string | undefined {
  return takeMatch(cursor, /[&~]?[A-Za-z_]\w*|0x[0-9a-fA-F]+|\d+/y);
}

/** Decimal, octal or hexadecimal, perhaps negative, perhaps a product such as `8192*1024`. */
export function takeNumber(cursor: Cursor): string | undefined {
  return takeMatch(cursor, /-?(?:0x[0-9a-fA-F]+|\d+)(?:\*\d+)?(?![\w.])/y);
}

export function valueOfNumber(text: string): number {
  const star = text.indexOf('*');
  if (star >= 0) return valueOfNumber(text.slice(0, star)) * Number(text.slice(star + 1));
  const negative = text.startsWith('-');
  const digits = negative ? text.slice(1) : text;
  const magnitude = /^0\d/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  // `-0` is not a number that any call was given.
  return negative && magnitude !== 0 ? -magnitude : magnitude;
}

/** Steps over C comments, which strace prints behind values that it explains. */
export function skipComments(cursor: Cursor): void {
  for (;;) {
    const before = cursor.at;
    skipBlanks(cursor);
    const end = looksAt(cursor, '/*') ? cursor.text.indexOf('*/', cursor.at + 2) : -1;
    if (end < 0) {
      cursor.at = before;
      return;
    }
    cursor.at = end + 2;
  }
}

const simpleEscapes: Readonly<Record<string, number>> = {
  n: 10,
  t: 9,
  r: 13,
  v: 11,
  f: 12,
  a: 7,
  b: 8,
  e: 27,
};

/** How much of an octal (at most three digits) or hexadecimal (`x` and at most two) escape stands here. */
function digitsOfEscape(text: string, at: number): number {
  const hexadecimal = text[at] === 'x';
  const from = hexadecimal ? at + 1 : at;
  let end = from;
  while (end < from + (hexadecimal ? 2 : 3) && (hexadecimal ? /[0-9a-fA-F]/ : /[0-7]/).test(text[end] ?? '')) end++;
  return end === from ? 0 : end - at;
}

/** A quoted string, from its opening quote; undefined where it is not closed. */
export function takeString(cursor: Cursor): { bytes: Uint8Array; truncated: boolean } | undefined {
  const { text } = cursor;
  if (text[cursor.at] !== '"') return undefined;
  const bytes: number[] = [];
  let at = cursor.at + 1;
  for (;;) {
    const char = text[at];
    if (char === undefined) return undefined;
    at++;
    if (char === '"') break;
    if (char !== '\\') {
      bytes.push(char.charCodeAt(0) & 0xff);
      continue;
    }
    const escaped = text[at];
    if (escaped === undefined) return undefined;
    const digits = digitsOfEscape(text, at);
    if (digits > 0) {
      const hexadecimal = escaped === 'x';
      bytes.push(Number.parseInt(text.slice(hexadecimal ? at + 1 : at, at + digits), hexadecimal ? 16 : 8) & 0xff);
      at += digits;
    } else {
      bytes.push(simpleEscapes[escaped] ?? escaped.charCodeAt(0) & 0xff);
      at++;
    }
  }
  const truncated = text.startsWith('...', at);
  cursor.at = truncated ? at + 3 : at;
  return { bytes: Uint8Array.from(bytes), truncated };
}

/**
 * The note behind a descriptor: `<pipe:[7]>`, `<TCP:[1.2.3.4:5->6.7.8.9:10]>`, `</dev/null<char 1:3>>`. An arrow
 * within brackets closes nothing, and notes nest.
 */
export function takeNote(cursor: Cursor): string | undefined {
  const { text } = cursor;
  if (text[cursor.at] !== '<') return undefined;
  let angles = 0;
  let brackets = 0;
  for (let at = cursor.at; at < text.length; at++) {
    const char = text[at];
    if (char === '\\') at++;
    else if (char === '[') brackets++;
    else if (char === ']') brackets--;
    else if (char === '<' && brackets <= 0) angles++;
    else if (char === '>' && brackets <= 0) {
      angles--;
      if (angles > 0) continue;
      const note = text.slice(cursor.at + 1, at);
      cursor.at = at + 1;
      return note;
    }
  }
  return undefined;
}

const closers: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/**
 * The text up to a comma or a closing bracket that belongs to what surrounds it; strings and bracketed parts are
 * stepped over whole. This is how a value of unknown syntax is kept without giving up its line.
 */
export function takeRaw(cursor: Cursor): string {
  const { text } = cursor;
  const start = cursor.at;
  const open: string[] = [];
  while (cursor.at < text.length) {
    const char = text[cursor.at] ?? '';
    if (char === '"') {
      if (takeString(cursor) === undefined) cursor.at = text.length;
      continue;
    }
    const closer = closers[char];
    if (closer !== undefined) open.push(closer);
    else if (open.length === 0 && (char === ',' || char === ')' || char === ']' || char === '}')) break;
    else if (open.at(-1) === char) open.pop();
    cursor.at++;
  }
  return text.slice(start, cursor.at).trim();
}
