// The threads of a trace while it is being read, and who made whom once it has been read.
// parse.ts asks here whose line a line is; nothing else may.

import { formatFlags } from '../kernel/abi/flag-groups.ts';
import type { CallRecord, ExitRecord, TraceRecord, TraceThread } from './record.ts';
import { beforeCall, fieldIn, wordsIn } from './value.ts';

/** The first half of a call that another thread's lines interrupted. */
export interface PendingCall {
  readonly line: number;
  readonly timeNs: number;
  text: string;
}

export interface GrowingThread {
  readonly index: number;
  /** The tid that it was born with; `tid` is another one after an execve took over the first thread's. */
  readonly bornTid: number;
  tid: number;
  readonly firstLine: number;
  readonly timeNs: number;
  readonly records: TraceRecord[];
  pending?: PendingCall | undefined;
  exit?: ExitRecord;
  /** The thread whose tid this one took by execve, until the trace says that it is gone. */
  supersedes?: GrowingThread | undefined;
}

export interface Threads {
  readonly all: GrowingThread[];
  /** The thread that has a tid now; one that exited stays here until its tid is seen again. */
  readonly byTid: Map<number, GrowingThread>;
  /** The tid of lines without one, in a trace where other lines have one. */
  readonly unnamedTid: number;
}

export function startThreads(unnamedTid: number): Threads {
  return { all: [], byTid: new Map(), unnamedTid };
}

/** The thread that has a tid now. A tid without a thread, or whose thread exited, begins a new one at this line. */
export function threadOf(threads: Threads, tid: number, line: number, timeNs: number): GrowingThread {
  const known = threads.byTid.get(tid);
  if (known !== undefined && known.exit === undefined) return known;
  const thread: GrowingThread = { index: threads.all.length, bornTid: tid, tid, firstLine: line, timeNs, records: [] };
  threads.all.push(thread);
  threads.byTid.set(tid, thread);
  return thread;
}

/** An execve by another thread than the first: it goes on under the first one's tid, which is returned with its call. */
export function takeOver(threads: Threads, thread: GrowingThread, tid: number): GrowingThread | undefined {
  const first = threads.byTid.get(tid);
  threads.byTid.set(tid, thread);
  thread.tid = tid;
  thread.supersedes = first;
  return first;
}

/**
 * Whose a line without a tid is: strace on a terminal names nobody while it follows a single thread. That is the one
 * with the call that is being resumed, else the one that has not exited, else the one that the trace began with.
 */
export function tidOfUnnamedLine(threads: Threads, resumes: string | undefined): number {
  const alive = threads.all.filter(isAlive);
  if (resumes !== undefined) {
    const waiting = alive.filter((thread) => thread.pending?.text.startsWith(`${resumes}(`) === true);
    if (waiting[0] !== undefined && waiting.length === 1) return waiting[0].tid;
  }
  return alive.length === 1 && alive[0] !== undefined ? alive[0].tid : threads.unnamedTid;
}

/** Told to hide exits, strace still prints the call in which a thread ended. */
function isAlive(thread: GrowingThread): boolean {
  const last = thread.records.at(-1);
  return (
    thread.exit === undefined && (last?.kind !== 'call' || last.outcome !== 'vanished' || thread.pending !== undefined)
  );
}

/**
 * The tid of the thread that a terminal's trace begins with: strace prints it once there is a second thread. It is the
 * first tid in `[pid N]` that no line shows being made. 0 where no line has a tid.
 */
export function findUnnamedTid(lines: readonly string[]): number {
  const made = new Set<number>();
  const named: number[] = [];
  for (const line of lines) {
    const name = /^\[pid +(\d+)(?:<[^>]*>)?\]/.exec(line)?.[1];
    if (name !== undefined) named.push(Number(name));
    const child =
      /Process (\d+) attached$/.exec(line)?.[1] ??
      /(?:\b(?:clone3?|v?fork)\(|<\.\.\. (?:clone3?|v?fork) resumed>|^(?:, child_tidptr=| => \{)).* = (\d+)/.exec(
        line,
      )?.[1];
    if (child !== undefined) made.add(Number(child));
  }
  return named.find((tid) => !made.has(tid)) ?? 0;
}

const makers = new Set(['clone', 'clone3', 'fork', 'vfork']);

/** The words of the flags with which a thread was made. */
export function birthFlagsOf(record: CallRecord): readonly string[] {
  if (record.call === 'fork') return ['SIGCHLD'];
  if (record.call === 'vfork') return ['CLONE_VM', 'CLONE_VFORK', 'SIGCHLD'];
  const first = record.args[0] === undefined ? undefined : beforeCall(record.args[0].value);
  const named = record.args.find((field) => field.name === 'flags')?.value ?? fieldIn(first, 'flags') ?? first;
  // With -X, strace prints numbers for names.
  return wordsIn(named).flatMap((word) =>
    /^\d/.test(word) ? formatFlags('x86_64', 'clone', Number(word)).split('|') : [word],
  );
}

/** Closes the threads: parents and processes are found from the calls that made them. */
export function settleThreads(threads: Threads): TraceThread[] {
  const births = new Map<number, CallRecord>();
  const byBornTid = new Map<number, GrowingThread[]>();
  for (const thread of threads.all) byBornTid.set(thread.bornTid, [...(byBornTid.get(thread.bornTid) ?? []), thread]);
  for (const parent of threads.all) {
    for (const record of parent.records) {
      if (record.kind !== 'call' || !makers.has(record.call) || record.outcome !== 'returned') continue;
      // The system may use a tid again, so it is the first thread of that tid that begins after the call did.
      const child = byBornTid
        .get(record.result.value)
        ?.find((thread) => thread.firstLine >= record.line && !births.has(thread.index));
      if (child !== undefined) births.set(child.index, record);
    }
  }
  const settled: TraceThread[] = [];
  const processes = new Map<number, number>();
  const processOf = (index: number): number => {
    const known = processes.get(index);
    if (known !== undefined) return known;
    const bornBy = births.get(index);
    const shares = bornBy === undefined || birthFlagsOf(bornBy).includes('CLONE_THREAD');
    processes.set(index, bornBy === undefined ? 0 : index);
    if (bornBy !== undefined && shares) processes.set(index, processOf(bornBy.thread));
    return processes.get(index) ?? index;
  };
  for (const thread of threads.all) {
    const bornBy = births.get(thread.index);
    settled.push({
      index: thread.index,
      tid: thread.bornTid,
      ...(bornBy === undefined ? {} : { parent: bornBy.thread, bornBy }),
      birthFlags: bornBy === undefined ? [] : birthFlagsOf(bornBy),
      process: processOf(thread.index),
      firstLine: thread.firstLine,
      timeNs: thread.timeNs,
      records: thread.records,
      ...(thread.exit === undefined ? {} : { exit: thread.exit }),
    });
  }
  return settled;
}
