// The words of a plan that stand for themselves: kinds of files, verdicts, and what a replayed call must answer.

import type { ScriptStep } from './script.program.ts';

/** lacking: of a kind that the machine does not have. foreign: opened by a call that is not in the trace. */
export type FileKind =
  | 'epoll'
  | 'eventfd'
  | 'timerfd'
  | 'signalfd'
  | 'pipe'
  | 'stream'
  | 'memfd'
  | 'device'
  | 'lacking'
  | 'foreign';

/** What flows: bytes, connections to accept, signals; an eventfd's count, taken whole or one by one. */
export type Unit = 'bytes' | 'connections' | 'signals' | 'count' | 'semaphore';

export type Verdict = 'compared' | 'imposed' | 'unsupported';

/** What the replayed call must answer. */
export type Expected =
  /** mayVanish: it ended its own process, and may not come back to say so. */
  | { readonly kind: 'value'; readonly value: number; readonly mayVanish?: boolean }
  /** A new descriptor or a thread: which number it has does not matter. */
  | { readonly kind: 'success' }
  /** A child's number, whichever it is in the machine: the first thread of that process. */
  | { readonly kind: 'child'; readonly thread: number; readonly status: number | undefined }
  /** It does not come back. */
  | { readonly kind: 'silence' }
  | {
      readonly kind: 'events';
      readonly count: number;
      readonly events: readonly ExpectedEvent[];
      readonly cut: boolean;
    }
  /** pairs of (recorded descriptor, revents) */
  | {
      readonly kind: 'polled';
      readonly count: number;
      readonly events: readonly ExpectedEvent[];
      readonly cut: boolean;
    };

export interface ExpectedEvent {
  readonly data: bigint;
  readonly events: number;
}

/** An item that is watched by edge. */
export interface Spurious {
  readonly data: bigint;
  /** Asked for. */
  readonly events: number;
  readonly kind: FileKind;
}

/** What a step has besides its call. */
export type StepExtra = Pick<
  ScriptStep,
  | 'opens'
  | 'opensAt'
  | 'reportAt'
  | 'report'
  | 'fills'
  | 'empties'
  | 'thread'
  | 'birth'
  | 'copies'
  | 'defaults'
  | 'rights'
  | 'unblocks'
>;
