// A whole trace: lines to records, thread by thread, with calls that were interrupted by other threads' lines joined.
// The one entry of the parser. It reads nothing but the text it is given, and never throws but in strict mode.

import { noResult, parseCall, parseCallStart } from './call.ts';
import { readClock, startClock, type TraceClock } from './clock.ts';
import { type LineBody, parseBody, parseHead } from './line.ts';
import { programOf } from './program.ts';
import { nameNumbers } from './raw-names.ts';
import { type CallRecord, type ExitRecord, type Problem, StraceError, type Trace } from './record.ts';
import {
  findUnnamedTid,
  type GrowingThread,
  settleThreads,
  startThreads,
  takeOver,
  type Threads,
  threadOf,
  tidOfUnnamedLine,
} from './threads.ts';
import { cursorOver } from './tokens.ts';
import { parseValue } from './value-parse.ts';
import { wholeLines } from './whole-lines.ts';

export interface ParseOptions {
  /** The first line that is not understood throws a StraceError instead of being skipped. */
  readonly strict?: boolean;
  /** Names the program where the trace does not have its execve. */
  readonly fileName?: string;
  /** The file ended early (a cut gzip stream), so the last line is not whole whatever it looks like. */
  readonly truncated?: boolean;
}

interface Reader {
  readonly strict: boolean;
  readonly threads: Threads;
  readonly clock: TraceClock;
  readonly problems: Problem[];
  /** One-line calls whose duration the trace does not say: they end at the latest when the next line begins. */
  readonly openEnds: { thread: GrowingThread; place: number }[];
  hasDurations: boolean;
  truncated: boolean;
  inSummary: boolean;
}

/** Longest part of a bad line that a problem quotes. */
const QUOTE_LENGTH = 120;

export function parseStrace(text: string, options: ParseOptions = {}): Trace {
  const lines = text.split('\n');
  // After a final newline there is an empty piece, which is no line.
  const lastIsWhole = lines.at(-1) === '' && options.truncated !== true;
  if (lines.at(-1) === '') lines.pop();
  const reader: Reader = {
    strict: options.strict === true,
    threads: startThreads(findUnnamedTid(lines)),
    clock: startClock(),
    problems: [],
    openEnds: [],
    hasDurations: false,
    truncated: options.truncated === true,
    inSummary: false,
  };
  const whole = wholeLines(lines);
  whole.forEach(({ text: line, number }, index) => {
    readLine(reader, line, number, !lastIsWhole && index === whole.length - 1);
  });
  for (const thread of reader.threads.all) closePending(reader, thread);
  return {
    ...programOf(reader.threads.all, options.fileName),
    threads: settleThreads(reader.threads),
    problems: reader.problems,
    clock: reader.clock.kind,
    startedAt: reader.clock.firstStamp,
    hasDurations: reader.hasDurations,
    truncated: reader.truncated,
    lines: lines.length,
    endNs: reader.clock.nowNs,
  };
}

function readLine(reader: Reader, line: string, number: number, mayBeCut: boolean): void {
  const head = parseHead(line);
  let body = parseBody(head.body);
  if (body.kind === 'summary') reader.inSummary = true;
  if (body.kind === 'nothing' || reader.inSummary) return;
  if (body.kind === 'bad') {
    if (mayBeCut) reader.truncated = true;
    else report(reader, number, body.reason, line);
    return;
  }
  const timeNs = readClock(reader.clock, head.stamp);
  endOpenCalls(reader, timeNs);
  if (body.kind === 'attached') {
    threadOf(reader.threads, body.tid, number, timeNs);
    return;
  }
  const tid = head.tid ?? tidOfUnnamedLine(reader.threads, body.kind === 'resumed' ? body.call : undefined);
  const thread = threadOf(reader.threads, tid, number, timeNs);
  if (mayBeCut && (body.kind === 'call' || body.kind === 'resumed') && isCut(reader, thread, body)) {
    reader.truncated = true;
    // The half that another line interrupted is kept as it is: the cut one adds nothing sure.
    if (body.kind === 'resumed') return;
    body = { kind: 'unfinished', text: body.text };
  }
  takeBody(reader, thread, body, number, timeNs, line);
}

/** Whether the last line lacks its end: no result, or no duration where the other calls have one. */
function isCut(reader: Reader, thread: GrowingThread, body: LineBody & { text: string }): boolean {
  const parsed = parseCall(body.kind === 'resumed' ? (thread.pending?.text ?? '') + body.text : body.text);
  if ('reason' in parsed) return true;
  return reader.hasDurations && parsed.durationNs === undefined && parsed.outcome !== 'vanished';
}

function takeBody(
  reader: Reader,
  thread: GrowingThread,
  body: LineBody,
  line: number,
  timeNs: number,
  whole: string,
): void {
  const common = { line, tid: thread.tid, thread: thread.index, timeNs };
  switch (body.kind) {
    case 'call':
      lost(reader, thread, line, whole);
      addCall(reader, thread, { text: body.text, line, timeNs }, line, timeNs, whole);
      return;
    case 'unfinished':
      lost(reader, thread, line, whole);
      thread.pending = { text: body.text, line, timeNs };
      if (body.movedTo !== undefined) {
        const first = takeOver(reader.threads, thread, body.movedTo);
        if (first !== undefined) closePending(reader, first, 'vanished');
      }
      return;
    case 'resumed':
      resume(reader, thread, body, line, timeNs, whole);
      return;
    case 'signal': {
      const info = body.info.startsWith('{') ? parseValue(cursorOver(body.info)) : undefined;
      const { signal, stopped } = body;
      thread.records.push({ kind: 'signal', ...common, signal, stopped, ...(info === undefined ? {} : { info }) });
      return;
    }
    case 'exited':
      end(thread, { kind: 'exit', ...common, status: body.status });
      return;
    case 'killed':
      end(thread, { kind: 'exit', ...common, signal: body.signal });
      return;
    case 'superseded':
      supersede(reader, thread, { kind: 'exit', ...common, supersededBy: body.by });
      return;
    default:
      return;
  }
}

/** The second half of a call: joined to the first, and read as one text. */
function resume(
  reader: Reader,
  thread: GrowingThread,
  body: LineBody & { kind: 'resumed' },
  line: number,
  timeNs: number,
  whole: string,
): void {
  const { pending } = thread;
  if (pending === undefined || !pending.text.startsWith(`${body.call}(`)) {
    const other = body.call === 'execve' ? soleExecve(reader.threads) : undefined;
    if (other !== undefined) {
      // Told to hide exits, strace says of the taken tid only that the execve came back under it.
      const first = takeOver(reader.threads, other, thread.tid);
      if (first !== undefined) closePending(reader, first, 'vanished');
      resume(reader, other, body, line, timeNs, whole);
      return;
    }
    report(reader, line, `${body.call} is resumed, but its beginning is not in the trace`, whole);
    return;
  }
  if (body.again && !/\) += /.test(body.text)) {
    pending.text += body.text;
    return;
  }
  thread.pending = undefined;
  addCall(reader, thread, { ...pending, text: pending.text + body.text }, line, timeNs, whole);
}

function soleExecve(threads: Threads): GrowingThread | undefined {
  const waiting = threads.all.filter((thread) => thread.pending?.text.startsWith('execve(') === true);
  return waiting.length === 1 ? waiting[0] : undefined;
}

/** A call that is complete, on one line or on two. */
function addCall(
  reader: Reader,
  thread: GrowingThread,
  from: { text: string; line: number; timeNs: number },
  endLine: number,
  endTimeNs: number,
  whole: string,
): void {
  const parsed = parseCall(from.text);
  if ('reason' in parsed) {
    report(reader, endLine, parsed.reason, whole);
    return;
  }
  if (parsed.durationNs !== undefined) reader.hasDurations = true;
  const joined = endLine !== from.line;
  const durationNs = parsed.durationNs ?? (joined ? endTimeNs - from.timeNs : undefined);
  if (durationNs === undefined) reader.openEnds.push({ thread, place: thread.records.length });
  const record: CallRecord = {
    kind: 'call',
    line: from.line,
    endLine,
    tid: thread.tid,
    thread: thread.index,
    timeNs: from.timeNs,
    endNs: durationNs === undefined ? from.timeNs : from.timeNs + durationNs,
    ...(durationNs === undefined ? {} : { durationNs }),
    call: parsed.call,
    args: nameNumbers(parsed.call, parsed.args),
    outcome: parsed.outcome,
    result: parsed.result,
  };
  thread.records.push(record);
}

/** Gives one-line calls without a duration their latest possible end, now that the next line's time is known. */
function endOpenCalls(reader: Reader, timeNs: number): void {
  for (const { thread, place } of reader.openEnds) {
    const record = thread.records[place];
    if (record?.kind === 'call') thread.records[place] = { ...record, endNs: Math.max(timeNs, record.timeNs) };
  }
  reader.openEnds.length = 0;
}

/** A new line of a thread whose call never came back: strace lost it, or the file did. */
function lost(reader: Reader, thread: GrowingThread, line: number, whole: string): void {
  if (thread.pending === undefined) return;
  const call = thread.pending.text.split('(')[0] ?? '';
  report(reader, line, `a new call while ${call} of line ${thread.pending.line} is not resumed`, whole);
  closePending(reader, thread);
}

function closePending(reader: Reader, thread: GrowingThread, outcome: 'unfinished' | 'vanished' = 'unfinished'): void {
  const { pending } = thread;
  if (pending === undefined) return;
  thread.pending = undefined;
  const start = parseCallStart(pending.text);
  if (start === undefined) {
    report(reader, pending.line, 'no name of a call', pending.text);
    return;
  }
  const place = { line: pending.line, endLine: pending.line, tid: thread.tid, thread: thread.index };
  thread.records.push({ kind: 'call', ...place, timeNs: pending.timeNs, ...start, outcome, result: noResult });
}

/** The end of a thread ends the call that it was in. */
function end(thread: GrowingThread, record: ExitRecord): void {
  if (thread.pending !== undefined) {
    const { pending } = thread;
    thread.pending = undefined;
    const start = parseCallStart(pending.text);
    const place = { line: pending.line, endLine: record.line, tid: thread.tid, thread: thread.index };
    const times = { timeNs: pending.timeNs, endNs: record.timeNs, durationNs: record.timeNs - pending.timeNs };
    if (start !== undefined) {
      thread.records.push({ kind: 'call', ...place, ...times, ...start, outcome: 'vanished', result: noResult });
    }
  }
  thread.records.push(record);
  thread.exit = record;
}

/** The end of the thread that had the tid before an execve by another thread; that one now goes on under this tid. */
function supersede(reader: Reader, thread: GrowingThread, record: ExitRecord): void {
  const successor = reader.threads.byTid.get(record.supersededBy ?? -1);
  const isKnown = thread.supersedes !== undefined;
  if (!isKnown && successor !== undefined) takeOver(reader.threads, successor, thread.tid);
  const first = thread.supersedes ?? thread;
  thread.supersedes = undefined;
  end(first, { ...record, thread: first.index });
}

function report(reader: Reader, line: number, reason: string, text: string): void {
  if (reader.strict) throw new StraceError(line, reason);
  reader.problems.push({ line, reason, text: text.length > QUOTE_LENGTH ? `${text.slice(0, QUOTE_LENGTH)}...` : text });
}
