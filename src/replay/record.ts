// What a parsed trace is made of. Everything downstream of the parser reads these; nothing changes them after parsing.
// Times are nanoseconds since the first time stamp of the trace, as float64: exact for traces of a hundred days.

import type { Field, Value } from './value.ts';

/**
 * How a call ended:
 * - returned: with a result that is no error
 * - failed: with -1 and an errno
 * - restarted: `? ERESTARTSYS` and its like; the kernel ran a handler or stopped, and the call may be made again
 * - vanished: `= ?`: exit, or the process died in the call
 * - unfinished: the trace ends before the call does, or its end was lost
 */
export type Outcome = 'returned' | 'failed' | 'restarted' | 'vanished' | 'unfinished';

/** `in [3]`, `left {tv_sec=1, ...}`, `flags O_RDWR`, or a value without a label: what stands in brackets behind a result. */
export interface Detail {
  readonly label: string;
  readonly value: Value;
}

export interface CallResult {
  /** -1 for an error; NaN where strace prints `?`. */
  readonly value: number;
  readonly text: string;
  /** EAGAIN, ERESTARTSYS, ...: the name as printed. */
  readonly errno?: string;
  /** The words behind an errno, or the whole of what stands in brackets behind another result. */
  readonly message?: string;
  readonly details: readonly Detail[];
  /** What -y prints behind a returned descriptor. */
  readonly note?: string;
}

export interface CallRecord {
  readonly kind: 'call';
  /** Where the call begins and where its result stands: in the order of lines lies the order of the trace. */
  readonly line: number;
  readonly endLine: number;
  readonly tid: number;
  /** Index into `Trace.threads`. */
  readonly thread: number;
  readonly timeNs: number;
  /** Undefined for a call that never ended. */
  readonly endNs?: number;
  /** From -T, or from the stamp of the resumed line; undefined where the trace does not say. */
  readonly durationNs?: number;
  readonly call: string;
  /** Fields rather than values, because strace names the arguments of some calls: `clone(child_stack=..., flags=...)`. */
  readonly args: readonly Field[];
  readonly outcome: Outcome;
  readonly result: CallResult;
}

export interface SignalRecord {
  readonly kind: 'signal';
  readonly line: number;
  readonly tid: number;
  readonly thread: number;
  readonly timeNs: number;
  /** As printed: SIGUSR1, SIGRT_2. `straceSignal` in meaning.ts gives the number. */
  readonly signal: string;
  /** `--- stopped by SIGSTOP ---` rather than a delivery. */
  readonly stopped: boolean;
  readonly info?: Value;
}

export interface ExitRecord {
  readonly kind: 'exit';
  readonly line: number;
  readonly tid: number;
  readonly thread: number;
  readonly timeNs: number;
  /** Exactly one of these: exited with a status, killed by a signal, or replaced by another thread's execve. */
  readonly status?: number;
  readonly signal?: string;
  readonly supersededBy?: number;
}

export type TraceRecord = CallRecord | SignalRecord | ExitRecord;

export interface TraceThread {
  readonly index: number;
  /** 0 in a trace without a column of tids. A tid that the system used twice is two threads here. */
  readonly tid: number;
  /** Index of the thread that made it, and the call by which it did; undefined where the trace began later. */
  readonly parent?: number;
  readonly bornBy?: CallRecord;
  /** The words of clone's flags (those that fork and vfork imply); empty where `bornBy` is undefined. */
  readonly birthFlags: readonly string[];
  /** Index of the first thread of its process. A thread of unknown birth is taken to belong to the first process. */
  readonly process: number;
  readonly firstLine: number;
  /** Of its first line; its birth, if known, is the begin of `bornBy`. */
  readonly timeNs: number;
  readonly records: readonly TraceRecord[];
  readonly exit?: ExitRecord;
}

/** A line that was skipped, or a call that the trace lost a part of. */
export interface Problem {
  readonly line: number;
  readonly reason: string;
  readonly text: string;
}

/** unix: -ttt. day: -tt and -t. relative: -r. none: no stamps, so each line counts for a microsecond. */
export type ClockKind = 'unix' | 'day' | 'relative' | 'none';

export interface Trace {
  /** The name of the traced program: from execve's argv[0], else from the file's name. */
  readonly program: string;
  /** execve's argv as printed; empty where the trace does not have the call. */
  readonly argv: readonly string[];
  readonly threads: readonly TraceThread[];
  readonly problems: readonly Problem[];
  readonly clock: ClockKind;
  /** The first stamp as printed. */
  readonly startedAt: string;
  /** Whether calls carry their durations (-T). Without, `endNs` of a one-line call is the stamp of the next line. */
  readonly hasDurations: boolean;
  /** The last line was cut, or the compressed file ended early. What could be read of it is kept. */
  readonly truncated: boolean;
  readonly lines: number;
  readonly endNs: number;
}

/** Thrown in strict mode only, for the first line that is not understood. */
export class StraceError extends Error {
  override readonly name = 'StraceError';
  readonly line: number;
  readonly reason: string;

  constructor(line: number, reason: string) {
    super(`line ${line}: ${reason}`);
    this.line = line;
    this.reason = reason;
  }
}

/** The argument at a place, or the one that strace printed under a name. */
export function argument(record: CallRecord, place: number | string): Value | undefined {
  if (typeof place === 'number') return record.args[place]?.value;
  return record.args.find((field) => field.name === place)?.value;
}
