/**
 * One run, written down: what each CPU did, step by step, in words and numbers. Plain data, so that it can be printed,
 * made into a page, or kept as JSON. Made by `recordRun`.
 */

export const TRACE_VERSION = 1;

/** A place in the original source. */
export interface Frame {
  readonly file: string;
  /** from 1; 0: not known */
  readonly line: number;
  readonly function: string;
}

/** What a word is called, and what is known of it over the whole run. */
export interface TracedWord {
  readonly address: number;
  readonly name: string;
  /** the record that it lies in: `eventfd#3` */
  readonly record: string;
  /** struct and field: `File.readiness` */
  readonly key: string;
  /** index of the lock that it is a word of, or -1 */
  readonly lock: number;
  /** declared to change no more once others can see it */
  readonly immutable: boolean;
  /** before the first thing that happened to it */
  readonly initial: string;
  /** CPUs that touched it, and that changed it */
  readonly touchedBy: readonly number[];
  readonly changedBy: readonly number[];
}

export type EventKind =
  /** an operation of the atomic door */
  | 'operation'
  /** a plain word changed; or was read, if another CPU changes it in this run */
  | 'write'
  | 'read'
  /** a lock was taken; was left */
  | 'lock'
  | 'unlock'
  /** a guest calls the kernel; has its answer; its thread begins, ends */
  | 'call'
  | 'answer'
  | 'begin'
  | 'end'
  /** the CPU goes on only when a word changes; sleeps on a word; its sleep is over */
  | 'spin'
  | 'doze'
  | 'awake'
  /** the CPU's program is over */
  | 'panic';

export interface TraceEvent {
  readonly kind: EventKind;
  /** operations of the atomic door up to here, this one included */
  readonly step: number;
  readonly cpu: number;
  /** number of the task that the CPU runs, or 0 */
  readonly task: number;
  /** index in `words`, or -1 */
  readonly word: number;
  readonly before: string;
  readonly after: string;
  /** of an operation: load, store, compareExchange ... */
  readonly operation: string;
  /** index in `places`, or -1 */
  readonly place: number;
  /** index in `locks`, or -1 */
  readonly lock: number;
  /** what it means: the call with its arguments, `wakes task 2`, `rings CPU 1` */
  readonly text: string;
  /** changes of the state: index in `slots`, and what it holds from here on */
  readonly set: readonly (readonly [slot: number, value: string])[];
}

/** A piece of the machine's state that is shown at every step. */
export interface Slot {
  readonly group: 'cpus' | 'tasks' | 'locks' | 'queues';
  readonly name: string;
  readonly initial: string;
}

/** How a CPU stood when the run was over. */
export interface CpuEnd {
  readonly cpu: number;
  readonly doing: 'ready' | 'spins' | 'sleeps' | 'done';
  readonly task: number;
  readonly place: number;
  /** indices of locks */
  readonly holds: readonly number[];
  /** the lock that it waits for, or -1 */
  readonly waitsFor: number;
  /** the word it waits for, or -1 */
  readonly word: number;
}

export interface TaskEnd {
  readonly task: number;
  readonly cpu: number;
  readonly state: string;
  /** the call that has no answer yet, or '' */
  readonly call: string;
  /** queues that it stands in */
  readonly queues: readonly string[];
  /** where it committed to sleep, and when; or -1 */
  readonly place: number;
  readonly step: number;
}

export interface Finding {
  /** deadlock, lost wakeup, race ...; or done */
  readonly kind: string;
  readonly message: string;
}

export interface About {
  readonly scenario: string;
  readonly bug: string;
  readonly design: string;
  /** the command that runs this schedule again, or '' */
  readonly replay: string;
}

export interface RunTrace {
  readonly version: typeof TRACE_VERSION;
  readonly about: About;
  readonly finding: Finding;
  /** the finding explained: who waits for whom, what came before what; a sentence each */
  readonly because: readonly string[];
  /** words that the finding is about, by index */
  readonly focus: readonly number[];
  readonly cpus: number;
  readonly steps: number;
  readonly switches: number;
  readonly frames: readonly Frame[];
  /** innermost frame first */
  readonly places: readonly (readonly number[])[];
  readonly words: readonly TracedWord[];
  readonly locks: readonly { readonly name: string; readonly class: string }[];
  readonly slots: readonly Slot[];
  readonly events: readonly TraceEvent[];
  /** events at the beginning that were left out, for there were too many */
  readonly dropped: number;
  readonly ends: { readonly cpus: readonly CpuEnd[]; readonly tasks: readonly TaskEnd[] };
  /** lines of the source, by file: the number of the first line of each excerpt, and the lines */
  readonly sources: Readonly<Record<string, readonly { readonly from: number; readonly lines: readonly string[] }[]>>;
}

/** Where a place is shown: its innermost frame outside of the rooms that everyone passes through. */
const PASSAGES = /^src\/(shared-mem\/(?!slab)|kernel\/irq\/)/;
export function frameOf(trace: Pick<RunTrace, 'frames' | 'places'>, place: number): Frame | undefined {
  const frames = trace.places[place]?.map((index) => trace.frames[index]!);
  return frames?.find(({ file }) => !PASSAGES.test(file)) ?? frames?.[0];
}
