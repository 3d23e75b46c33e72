// Lines as strace meant them. On a terminal, and with -z, other text comes between the beginning of a line and its end:
// strace's own messages, the output of the traced program, a new line where a call was only held back.
// parse.ts reads a trace through this; a line that cannot be mended is passed on as it is, for parse.ts to report.

import { parseCall } from './call.ts';
import { parseBody, parseHead } from './line.ts';
import { cursorOver, takeString } from './tokens.ts';

export interface WholeLine {
  readonly text: string;
  /** Where it begins, counted from 1. */
  readonly number: number;
}

/** More lines of a program's output than this are not looked through for the end of a call. */
const OUTPUT_LINES_MAX = 1000;

/** strace's message about a process, printed into the middle of a line that stands on a terminal. */
const brokenByMessage = /^(.+?)(?:strace: )?Process \d+ (?:attached|detached)$/;
// A quote behind it: it stands in a string.
const hasResult = /\)\s*= (?:\?|-?\d)[^"]*$/;
const callBegins = /(?:^|[ \]])(?:[A-Za-z_]\w*)\(/;
const unfinished = '<unfinished ...>';

/** The lines of a text, of which `raw` are the pieces between newlines. */
export function wholeLines(raw: readonly string[]): WholeLine[] {
  const whole: WholeLine[] = [];
  let index = 0;
  while (index < raw.length) {
    const number = index + 1;
    let text = withoutReturn(raw[index] ?? '');
    index++;
    for (let head = brokenHead(text); head !== undefined && index < raw.length; head = brokenHead(text)) {
      text = head + withoutReturn(raw[index] ?? '');
      index++;
    }
    const next = raw[index] === undefined ? undefined : withoutReturn(raw[index] ?? '');
    const joined = next === undefined ? undefined : heldBack(text, next);
    if (joined !== undefined) {
      text = joined;
      index++;
    } else if (isOpen(text)) {
      const end = endBehindOutput(raw, index);
      if (end !== undefined) {
        text = withoutOutput(text + withoutReturn(raw[end] ?? ''));
        index = end + 1;
      }
    } else if (text.includes('write')) text = withoutOutput(text);
    whole.push({ text, number });
  }
  return whole;
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

/** The part of a line before `strace: Process N attached` broke into it: the line goes on in the next one. */
function brokenHead(line: string): string | undefined {
  if (!line.endsWith('tached')) return undefined;
  const head = brokenByMessage.exec(line)?.[1];
  return head?.includes('(') === true ? head : undefined;
}

/** With -z or -e status=, a call that strace held back: `read(3,  <unfinished ...>`, and its end in the next line. */
function heldBack(text: string, next: string): string | undefined {
  if (!text.endsWith(unfinished) || !isNoLine(next)) return undefined;
  const joined = text.slice(0, -unfinished.length).trimEnd() + next;
  return 'reason' in parseCall(parseHead(joined).body) ? undefined : joined;
}

/** Whether no line of strace looks so. */
function isNoLine(line: string): boolean {
  const { tid, stamp, body } = parseHead(line);
  return tid === undefined && stamp === undefined && parseBody(body).kind === 'bad';
}

/** A call whose arguments do not end: what the program wrote to the same terminal follows. */
function isOpen(line: string): boolean {
  return (
    !line.endsWith('>') &&
    callBegins.test(line) &&
    !hasResult.test(line) &&
    parseBody(parseHead(line).body).kind === 'call'
  );
}

/** The line on which an open call ends, unless a line of strace comes first. */
function endBehindOutput(raw: readonly string[], from: number): number | undefined {
  for (let index = from; index < Math.min(raw.length, from + OUTPUT_LINES_MAX); index++) {
    const line = withoutReturn(raw[index] ?? '');
    const isNone = isNoLine(line);
    if (hasResult.test(line) && (isNone || line.startsWith(')'))) return index;
    if (!isNone && line !== '') return undefined;
  }
  return undefined;
}

const written =
  /^(.*?\bwritev?\(\d+(?:<[^"[]*>)?, (?:("(?:[^"\\]|\\.)*")(\.\.\.)?|\[.*?\]), )(\d+)(.*)\)(\s+= (\d+)[^)]*)$/s;

/** `write(1, "hi\n", 3hi)  = 3` without what the program wrote: the count ends where its output begins. */
function withoutOutput(text: string): string {
  const found = written.exec(text);
  if (found === null) return text;
  const [, before = '', quoted, cut, digits = '', output = '', after = '', result = ''] = found;
  let count = digits;
  // What was written may begin with a digit too.
  if (quoted !== undefined && cut === undefined) {
    const length = String(takeString(cursorOver(quoted))?.bytes.length);
    if (digits.startsWith(length)) count = length;
  } else if (quoted !== undefined && output !== '' && digits.startsWith(result)) count = result;
  return count === digits && output === '' ? text : `${before}${count})${after}`;
}
