// A conformance case as data: its steps, their arguments, what they answered. The guest program that executes cases and
// the host that reads and judges them share these types; the host's schema (conform/schema.ts) makes sure that a file
// holds nothing else.

export type Scalar = number | string;

/** Values of an argument that is an object, by its one key. */
export interface ArgumentValues {
  readonly u64: string;
  readonly bytes: string;
  readonly fill: number;
  readonly event: { readonly events: Scalar; readonly data?: number | undefined };
  readonly timespec: readonly [number, number];
  readonly itimerspec: readonly [number, number, number, number];
  readonly sigset: readonly Scalar[];
  readonly pollfds: readonly (readonly [Scalar, Scalar])[];
  readonly bad: number;
  readonly out_u64: number;
  readonly out_events: number;
  readonly out: number;
  readonly scratch: number;
  readonly out_pair: readonly [string, string];
  readonly out_siginfo: number;
  readonly out_itimerspec: number;
  readonly out_sigset: number;
  readonly out_int: number;
  readonly out_raw: number;
  readonly out_signals: number;
  readonly edge_events: number;
  readonly text: string;
  readonly unix_name: string;
  readonly sigvalue: number;
  readonly sigset_pair: readonly Scalar[];
  readonly fdset: readonly Scalar[];
  readonly time_left: readonly [number, number];
  /** Soft and hard. */
  readonly rlimit: readonly [number, number];
  /** A word of memory that all threads and all steps share, 0 at first; set before the call. */
  readonly word: { readonly name: string; readonly set?: number | undefined };
  /** Interval and value, the value so far ahead of what the clock shows. */
  readonly itimerspec_ahead: readonly [clock: Scalar, number, number, number, number];
}
export type ArgumentKind = keyof ArgumentValues;
/** `{ u64: '5' }` and its like, as a union over the kinds. */
export type ObjectArgument = { [K in ArgumentKind]: { readonly [P in K]: ArgumentValues[P] } }[ArgumentKind];
export type Argument = Scalar | null | ObjectArgument;

export interface SystemCallStep {
  readonly sys: string;
  readonly args: readonly Argument[];
  readonly as?: string;
  readonly ret?: 'any';
  readonly at_least_ms?: number;
  readonly under_ms?: number;
}

/** `restart` is a handler with SA_RESTART. */
export type Disposition = 'handler' | 'restart' | 'SIG_IGN' | 'SIG_DFL';

export type Step =
  | SystemCallStep
  | { readonly start: string }
  | { readonly join: string }
  | { readonly settle: true }
  | { readonly blocked: string }
  | { readonly sleep_ms: number }
  | { readonly handler: Scalar; readonly how?: Disposition }
  | { readonly file: number; readonly as: string }
  | { readonly mark: unknown };

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What one step answered; a thread that had not ended has `blocked` as its last. */
export type StepResult =
  | 'blocked'
  | {
      readonly ret?: number | string;
      readonly out?: Json;
      readonly waited?: boolean;
      readonly quick?: boolean;
      readonly joined?: boolean;
      readonly blocked?: boolean;
    };
/** Each started thread, `main` among them, and its results in order. */
export type Outcome = Readonly<Record<string, readonly StepResult[]>>;

export interface ConformCase {
  readonly name: string;
  readonly about: string;
  /** The rules of Linux's behaviour that it shows: 'D3', 'G2'. */
  readonly rules?: readonly string[];
  /** The test of another suite that asks the same question: 'LTP epoll_wait13'. */
  readonly origin?: string;
  readonly main: readonly Step[];
  readonly threads: Readonly<Record<string, readonly Step[]>>;
  readonly expect: readonly Outcome[];
}

/** When one step began and ended, as tickets of one counter for all threads. A step that never ended has end Infinity. */
export interface StepSpan {
  readonly thread: string;
  readonly index: number;
  readonly begin: number;
  readonly end: number;
}

/** What one run of a case gave. */
export interface Observation {
  readonly outcome: Outcome;
  /** One span a result; `blocked` has the span of the step in which the thread stayed. */
  readonly spans: readonly StepSpan[];
}

/** Every thread of a case and its steps, the first one under `main`. */
export function threadsOf(one: ConformCase): Readonly<Record<string, readonly Step[]>> {
  return { main: one.main, ...one.threads };
}
