/**
 * What random programs called and what the host answered: whether they reach all that they are meant to reach, and succeed
 * often enough to come to deep states.
 */
import { type Outcome, threadsOf } from '../../programs/conform/case.ts';
import type { RandomProgram } from './program.ts';

export interface CallCount {
  readonly made: number;
  readonly succeeded: number;
  /** It had not returned when the program was over. */
  readonly blocked: number;
  /** By name, as `EAGAIN`. */
  readonly errors: Readonly<Record<string, number>>;
}
export type CallCounts = Readonly<Record<string, CallCount>>;

interface Counting {
  made: number;
  succeeded: number;
  blocked: number;
  errors: Record<string, number>;
}

export class CallStatistics {
  private readonly counts = new Map<string, Counting>();

  /** @param outcome one answer of the host's */
  add(program: RandomProgram, outcome: Outcome): void {
    const threads = threadsOf({ ...program, expect: [] });
    for (const [thread, results] of Object.entries(outcome)) {
      for (const [i, result] of results.entries()) {
        const step = threads[thread]?.[i];
        if (step === undefined || !('sys' in step)) continue;
        const count = this.of(step.sys);
        count.made++;
        if (result === 'blocked') count.blocked++;
        else if (typeof result.ret === 'string' && result.ret.startsWith('-')) {
          const error = result.ret.slice(1);
          count.errors[error] = (count.errors[error] ?? 0) + 1;
        } else count.succeeded++;
      }
    }
  }

  private of(call: string): Counting {
    let count = this.counts.get(call);
    if (count === undefined) {
      count = { made: 0, succeeded: 0, blocked: 0, errors: {} };
      this.counts.set(call, count);
    }
    return count;
  }

  calls(): CallCounts {
    const sorted = [...this.counts].sort(([left], [right]) => (left < right ? -1 : 1));
    return Object.fromEntries(sorted);
  }
}
