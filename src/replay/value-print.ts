// Prints values the way strace does, for messages that quote a call and for the proof that the parser loses nothing:
// what is printed here parses to the same value.

import type { CallRecord } from './record.ts';
import type { Field, StringValue, Value } from './value.ts';

const escapes: ReadonlyMap<number, string> = new Map([
  [7, '\\a'],
  [8, '\\b'],
  [9, '\\t'],
  [10, '\\n'],
  [11, '\\v'],
  [12, '\\f'],
  [13, '\\r'],
  [34, '\\"'],
  [92, '\\\\'],
]);

function printString(value: StringValue): string {
  let text = '';
  value.bytes.forEach((byte, index) => {
    const short = escapes.get(byte);
    const next = value.bytes[index + 1] ?? 0;
    if (short !== undefined) text += short;
    else if (byte >= 32 && byte < 127) text += String.fromCharCode(byte);
    // A digit that follows must not be taken for a digit of the escape.
    else text += `\\${byte.toString(8).padStart(next >= 48 && next <= 57 ? 3 : 1, '0')}`;
  });
  return `${value.abstract ? '@' : ''}"${text}"${value.truncated ? '...' : ''}`;
}

export function printField(field: Field): string {
  return field.name === '' ? printValue(field.value) : `${field.name}=${printValue(field.value)}`;
}

function printNote(note: string | undefined): string {
  return note === undefined ? '' : `<${note}>`;
}

export function printValue(value: Value): string {
  switch (value.kind) {
    case 'number':
      return value.text + printNote(value.note);
    case 'flags':
      return value.words.join('|') + printNote(value.note);
    case 'string':
      return printString(value);
    case 'struct':
      return `{${[...value.fields.map(printField), ...(value.truncated ? ['...'] : [])].join(', ')}}`;
    case 'array': {
      const items = [...value.items.map(printValue), ...(value.truncated ? ['...'] : [])];
      return `${value.inverted ? '~' : ''}[${items.join(value.spaced ? ' ' : ', ')}]`;
    }
    case 'change':
      return printChange(value.before, value.after);
    case 'macro':
      return `${value.name}(${value.args.map(printValue).join(', ')})`;
    case 'text':
      return value.text;
    case 'null':
      return 'NULL';
  }
}

/** The item of an array that is nothing but this one in brackets. */
function onlyItem(value: Value): Value | undefined {
  if (value.kind !== 'array' || value.items.length !== 1) return undefined;
  return value.truncated || value.inverted || value.spaced ? undefined : value.items[0];
}

/** A change of a one-item array is printed inside its brackets. */
function printChange(before: Value, after: Value): string {
  const from = onlyItem(before);
  const to = onlyItem(after);
  if (from !== undefined && to !== undefined) return `[${printValue(from)} => ${printValue(to)}]`;
  return `${printValue(before)} => ${printValue(after)}`;
}

/** A call as strace shows it, without tid and times. */
export function printCall(record: CallRecord): string {
  const { result } = record;
  const note = printNote(result.note);
  const errno = result.errno === undefined ? '' : ` ${result.errno}`;
  const message = result.message === undefined ? '' : ` (${result.message})`;
  return `${record.call}(${record.args.map(printField).join(', ')}) = ${result.text}${note}${errno}${message}`;
}
