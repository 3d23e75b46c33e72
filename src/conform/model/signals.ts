// The signals of a case's process, as plain data. What calls do to them stands in signal-calls.ts.

export type Action = 'handler' | 'SIG_IGN' | 'SIG_DFL';

export interface Signals {
  /** Pending for the process, in the order in which they came. */
  shared: number[];
  /** Pending for one thread. */
  own: Record<string, number[]>;
  blocked: Record<string, number[]>;
  actions: Record<number, Action>;
}

export function newSignals(): Signals {
  return { shared: [], own: {}, blocked: { main: [] }, actions: {} };
}
