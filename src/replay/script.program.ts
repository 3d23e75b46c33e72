// What the host tells the replayer inside the machine: types, and the numbers that both sides must agree on.
// The plan writes a script, replayer.program.ts plays it. No result of the trace stands in it: a step has a call's
// arguments, and what comes from outside is what the actors of the script bring.

import type { SyscallName } from '../kernel/abi/syscalls.ts';

/**
 * An argument of a call. Numbers stand for themselves; everything else becomes a number in the machine:
 * fd: what the slot's descriptor is there; room: scratch memory to write to; bytes: scratch memory with these bytes;
 * sink: a buffer that all threads share, for nobody looks at what is in it; vector: an iovec of such buffers;
 * message: a msghdr around such a vector, which takes descriptors along (-1: any) or has room for some; polled: an array of
 * pollfd; set: an fd_set of these slots; above: a number above those of all these slots; mask: pselect's pair of a set of
 * signals and its size; action: a sigaction whose handler the replayer provides; pid, thread and group: ids as they are in
 * the machine.
 */
export type ScriptArgument =
  | number
  | { readonly fd: number }
  | { readonly room: number }
  | { readonly bytes: Uint8Array }
  | { readonly sink: number }
  | { readonly vector: readonly number[] }
  | { readonly message: readonly number[]; readonly rights?: readonly number[]; readonly room?: number }
  | { readonly polled: readonly (readonly [slot: number, events: number])[] }
  | { readonly mask: Uint8Array }
  | { readonly set: readonly number[] }
  | { readonly above: readonly number[] }
  | { readonly action: Uint8Array }
  | { readonly pid: true }
  | { readonly thread: number }
  | { readonly group: number };

/**
 * What a step does. call: makes a call. birth: starts a traced thread or process. pass: nothing, but keeps its place in
 * the order. exec: what an execve does to its process. park: waits to be ended by others. die: kills its own process.
 * kill: kills another one, on behalf of the outside.
 */
export type StepKind = 'call' | 'birth' | 'pass' | 'exec' | 'park' | 'die' | 'kill';

/** Signals of the replay itself: one interrupts a call, one ends a thread. No program is given them. */
export const SIGNAL_INTERRUPT = 62;
export const SIGNAL_END = 63;

/** When the actor acts for a step: before the call is made, once the call waits, or both; bits of `ScriptStep.ask`. */
export const ASK_BEFORE = 1;
export const ASK_DURING = 2;

/** What other threads may wait for: a step's begin, its end; bits of `ScriptStep.announce`. */
export const ANNOUNCE_BEGIN = 1;
export const ANNOUNCE_END = 2;

export interface ScriptStep {
  readonly kind: StepKind;
  /** Its place in the table of results; -1: it is not in the trace, and has none. */
  readonly index: number;
  readonly name: SyscallName;
  readonly args: readonly ScriptArgument[];
  /** Pairs (thread, progress): not before that thread's progress is at least this. */
  readonly after: readonly number[];
  /** Not before this time since the replay's start; -1: at once. */
  readonly startNs: number;
  readonly ask: number;
  readonly announce: number;
  /** Slots that its result fills; two, in memory at argument `opensAt`, for a pair. */
  readonly opens?: readonly number[];
  readonly opensAt?: number;
  /** Which argument holds the events or pollfds to be reported. */
  readonly reportAt?: number;
  readonly report?: 'events' | 'polled' | 'sets' | 'status';
  /**
   * A wait that some designs end too early, and that the program would then make again: it is over once the outside has
   * done what was asked for, these threads have come so far (pairs as in `after`), and so much time has gone.
   */
  readonly lasts?: { readonly after: readonly number[]; readonly ns: number };
  /** Interests that end with a file that is closed, as pairs (slot of the instance, slot by which it was added). */
  readonly removes?: readonly number[];
  /** What the wait reports by level again: for each the slots of instance and file, mask, data low and high. */
  readonly repeats?: readonly number[];
  /** Descriptors whose content calls took that strace left out: taken before the call. */
  readonly skims?: readonly number[];
  /** epoll_ctl: where the design says that the number is taken, what has it is removed, and the call made again. */
  readonly retakes?: boolean;
  /** Descriptors whose close the trace does not show: closed before the call. */
  readonly closes?: readonly number[];
  /** A socket that gets a name before the call. */
  readonly names?: { readonly slot: number; readonly address: Uint8Array } | undefined;
  /** A signal that interrupts it was another thread's, as far as the trace tells: it is made again. */
  readonly resumes?: boolean;
  /** A descriptor whose calls are not to wait any more, from this one on. */
  readonly unblocks?: number;
  /** A socket to be filled after the call, until it takes no more. */
  readonly fills?: number;
  /** A stand-in that the program has read. */
  readonly empties?: number;
  /** Descriptors lent to the outside before the call: pairs (slot, endpoint). */
  readonly lends?: readonly number[];
  /** Its slots are filled from what a message brought. */
  readonly rights?: boolean;
  /** birth: index of the thread, and clone's flags as far as they tell what it shares, with the signal at its end. */
  readonly thread?: number;
  readonly birth?: number;
  /** birth and exec: what a new table of descriptors has of the old one, as pairs (slot there, slot here). */
  readonly copies?: readonly number[];
  /** exec: signals that lose their handler, and threads that end. */
  readonly defaults?: readonly number[];
  readonly ends?: readonly number[];
}

/** What an actor does with an endpoint of the outside. `bytes` of a counter are its count. */
export type ScriptAction =
  | { readonly do: 'connect' | 'listen'; readonly endpoint: number; readonly address: Uint8Array }
  | { readonly do: 'accept'; readonly listener: number; readonly endpoint: number }
  | { readonly do: 'send' | 'pump'; readonly endpoint: number; readonly bytes: number }
  | { readonly do: 'finish' | 'drain' | 'close'; readonly endpoint: number }
  /** A descriptor that a thread of the program lends; alone: it is about to close its own. */
  | { readonly do: 'receive'; readonly endpoint: number; readonly alone: boolean }
  | { readonly do: 'feed'; readonly endpoint: number; readonly bytes: number; readonly counts: boolean }
  | { readonly do: 'signal'; readonly thread: number; readonly signal: number; readonly whole: boolean }
  /** Does nothing until a thread has come so far. */
  | { readonly do: 'await'; readonly thread: number; readonly progress: number }
  /** Interrupts a wait that should have come back, if the design does not let it; after so long. */
  | { readonly do: 'rescue'; readonly afterNs: number };

/** What the actor does when its thread asks for it, one delivery after the other. */
export interface ScriptDelivery {
  /** The step, by its place among the thread's. */
  readonly place: number;
  /** While the call waits, this long after its begin; -1: before the call is made. */
  readonly afterNs: number;
  readonly actions: readonly ScriptAction[];
}

export interface ScriptThread {
  /** Distance of its home CPU from the main thread's. */
  readonly cpu: number;
  /** 1: no step of the trace gives birth to it, so it is there from the start. */
  readonly atStart: number;
  readonly steps: readonly ScriptStep[];
  readonly deliveries: readonly ScriptDelivery[];
  /** Scratch memory that its calls need. */
  readonly scratchBytes: number;
  /** 1: its last step is not expected to return. */
  readonly endsWaiting: number;
  /** 1: others wait for its end. */
  readonly watched: number;
  /** The first thread of its process, by index; -1: it is the outside's own. */
  readonly process: number;
  /** Signals that lose their handler, or have one, from its beginning on: of a process, so of its first thread. */
  readonly defaults: readonly number[];
  readonly handled: readonly number[];
}

/**
 * A socket of the outside. socket: made before the program starts, to connect or to listen. accepted: filled by an
 * accept, or lent. standIn: one end of a pair, whose other end is the slots' descriptor from the start.
 */
export interface ScriptEndpoint {
  readonly kind: 'socket' | 'accepted' | 'standIn';
  readonly slots?: readonly number[];
}

export interface Script {
  readonly threads: readonly ScriptThread[];
  readonly endpoints: readonly ScriptEndpoint[];
  readonly slots: number;
  /** Steps of all threads. */
  readonly results: number;
  /** Bytes for what waits report. */
  readonly logBytes: number;
  /** Signals that the first process blocks from its beginning on. */
  readonly blocked: readonly number[];
  /** 1: the trace has process groups, and the first process is to be in one that the outside is not in. */
  readonly groups: number;
  /** Bytes of the buffer that all threads share. */
  readonly sinkBytes: number;
  /** The lowest descriptor of what stands in for files, and the lowest of the outside; below are the program's. */
  readonly standInFds: number;
  readonly outsideFds: number;
  /** CPUs of the machine. */
  readonly cpus: number;
  /** 1: the design's epoll keeps what is closed, and the replay takes it out before. */
  readonly keepsClosed: number;
  /** 1: the design reports once what Linux repeats, and the replay makes such interests anew before the wait. */
  readonly tellsOnce: number;
}

/**
 * The table that replayer and host share, in user memory, in words from its start. The host finds it by its two magic
 * words near the beginning of the process's memory.
 */
export const MAGIC_LOW = 0x72_65_70_6c;
export const MAGIC_HIGH = 0x61_79_21_21;
export const HEAD_WORDS = 18;
export const HEAD_FINISHED = 2;
export const HEAD_LOG_USED = 3;
/** A float64: the machine's time when the replay began. */
export const HEAD_STARTED = 4;
export const HEAD_FAILED_CALL = 6;
export const HEAD_FAILED_RESULT = 7;
export const HEAD_FAILED_THREAD = 8;
export const HEAD_FIRST_CPU = 9;
export const HEAD_CPUS = 10;
/** Stays 0: to sleep at. */
export const HEAD_NEVER = 11;
/** How many threads have asked for an actor. */
export const HEAD_WANTED = 12;
/** The program's end of the socket over which it lends descriptors, and the outside's. */
export const HEAD_COURIER = 13;
export const HEAD_COURIER_OUTSIDE = 14;
/** Where the buffer lies that all threads share. */
export const HEAD_SINK = 15;
/** The process group of the first process; 0: that of the outside. */
export const HEAD_GROUP = 16;

/** A step's progress as others see it: it has begun, it has ended. */
export function progressOf(place: number, ended: boolean): number {
  return place * 2 + (ended ? 2 : 1);
}

/**
 * Words a step has in the table of results: state, where its report begins, value (float64), where the reports begin
 * that ended it too early. A report is: where the next one begins, a count, three words for each event.
 */
export const RESULT_WORDS = 6;
export const RESULT_STATE = 0;
export const RESULT_REPORT = 1;
export const RESULT_VALUE = 2;
export const RESULT_EARLY = 4;
/** So many reports that came too early are kept of a wait. */
export const EARLY_REPORTS = 3;
export const REPORT_NEXT = 0;
export const REPORT_COUNT = 1;
export const REPORT_EVENTS = 2;
export const STATE_NOT_BEGUN = 0;
export const STATE_BEGUN = 1;
export const STATE_ENDED = 2;

/** Words a thread has: progress, deliveries asked for, deliveries made, its tid, what it waits for; and: */
export const THREAD_WORDS = 10;
export const THREAD_PROGRESS = 0;
export const THREAD_ASKED = 1;
export const THREAD_ANSWERED = 2;
export const THREAD_TID = 3;
/** 0: nothing, 1: another thread's progress (whose stands next), 2: the actor, 3: the clock, 4: its call. */
export const THREAD_WAITS = 4;
export const THREAD_WAITS_ON = 5;
/** Not 0 while it lives, once it was begun: the kernel clears it. */
export const THREAD_ALIVE = 6;
/** 1: it asks for its actor, 2: it has it. */
export const THREAD_ACTOR = 7;
/** 1: it has done all that is expected of it. */
export const THREAD_DONE = 8;
export const WAITS_NOTHING = 0;
export const WAITS_THREAD = 1;
export const WAITS_ACTOR = 2;
export const WAITS_CLOCK = 3;
export const WAITS_CALL = 4;

export interface TableLayout {
  readonly threads: number;
  readonly fdOf: number;
  readonly endpoints: number;
  readonly results: number;
  readonly log: number;
  readonly logWords: number;
  readonly words: number;
}

/** Where each part of the table begins, in words. */
export function tableLayout(
  script: Pick<Script, 'threads' | 'endpoints' | 'slots' | 'results' | 'logBytes'>,
): TableLayout {
  const threads = HEAD_WORDS;
  const fdOf = threads + script.threads.length * THREAD_WORDS;
  const endpoints = fdOf + script.slots;
  const after = endpoints + script.endpoints.length;
  // Values are float64, which lie on even words.
  const results = after + (after % 2);
  const log = results + script.results * RESULT_WORDS;
  const logWords = Math.ceil(script.logBytes / 4);
  return { threads, fdOf, endpoints, results, log, logWords, words: log + logWords };
}
