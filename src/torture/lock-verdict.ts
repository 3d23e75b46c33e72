/**
 * What a lock torture found, from what its CPUs counted: pure arithmetic, and the words for it.
 */
import { percentile } from '../machine/stats.ts';

/** What one CPU counted. */
export interface CpuCount {
  readonly acquisitions: number;
  readonly intrusions: number;
  /** Who was inside as well, the first time: a CPU's number, or -1. */
  readonly intruder: number;
  readonly interruptsInside: number;
  readonly sleeps: number;
  readonly handoffs: readonly number[];
}

export interface LockCount {
  readonly lock: string;
  readonly seconds: number;
  readonly cpus: readonly CpuCount[];
  /** What the CPUs counted together, under the lock; undefined if one of them is still inside. */
  readonly counter: number | undefined;
  readonly spinBudget: number;
  readonly oversubscribed: boolean;
  /** CPUs that stood still, panics: a sentence each. */
  readonly troubles: readonly string[];
}

/** A row of `smplab torture lock --json`; times in ns. */
export interface LockRow {
  readonly lock: string;
  readonly acquisitions: number;
  readonly perSecond: number;
  readonly failures: number;
  /** Acquisitions of the luckiest CPU over those of the unluckiest; null if one had none. */
  readonly maxOverMin: number | null;
  /** Jain's index of fairness: 1 if all had the same, 1/n if one had all. */
  readonly jain: number;
  readonly handoff: { readonly p50: number; readonly p99: number };
  readonly spinBudget: number;
  readonly sleeps: number;
  readonly oversubscribed: boolean;
  readonly verdict: string;
  readonly perCpu: readonly number[];
  readonly seconds: number;
  /** What failed, a sentence each. */
  readonly problems: readonly string[];
}

/** Beyond this one CPU is at a clear disadvantage; no failure, for not every algorithm promises fairness. */
const UNFAIR = 2;

export function jainIndex(shares: readonly number[]): number {
  const sum = shares.reduce((a, b) => a + b, 0);
  const squares = shares.reduce((a, b) => a + b * b, 0);
  return squares === 0 ? 0 : (sum * sum) / (shares.length * squares);
}

export function lockRow(count: LockCount): LockRow {
  const perCpu = count.cpus.map(({ acquisitions }) => acquisitions);
  const acquisitions = perCpu.reduce((a, b) => a + b, 0);
  const { problems, failures } = problemsOf(count, acquisitions);
  const least = Math.min(...perCpu);
  const most = Math.max(...perCpu);
  const maxOverMin = least > 0 ? rounded(most / least) : null;
  const handoffs = count.cpus[0]!.handoffs.map((_, bucket) =>
    count.cpus.reduce((sum, each) => sum + each.handoffs[bucket]!, 0),
  );
  const unfair = maxOverMin === null || maxOverMin > UNFAIR ? ' ???' : '';
  return {
    lock: count.lock,
    acquisitions,
    perSecond: Math.round(acquisitions / count.seconds),
    failures,
    maxOverMin,
    jain: rounded(jainIndex(perCpu)),
    handoff: { p50: percentile(handoffs, 0.5), p99: percentile(handoffs, 0.99) },
    spinBudget: count.spinBudget,
    sleeps: count.cpus.reduce((sum, { sleeps }) => sum + sleeps, 0),
    oversubscribed: count.oversubscribed,
    verdict:
      `${count.lock}: ${failures === 0 ? 'SUCCESS' : 'FAILURE'}: Acquisitions: Total: ${acquisitions}` +
      `  Max/Min: ${most}/${least}${unfair}  Fail: ${failures}`,
    perCpu,
    seconds: rounded(count.seconds),
    problems,
  };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function problemsOf(count: LockCount, acquisitions: number): { problems: string[]; failures: number } {
  const problems: string[] = [];
  let failures = count.troubles.length;
  count.cpus.forEach(({ intrusions, intruder, interruptsInside }, index) => {
    if (intrusions > 0) {
      const other = intruder >= 0 ? `, first CPU ${intruder}` : '';
      problems.push(`mutual exclusion: ${intrusions} times CPU ${index} was inside together with another${other}`);
    }
    if (interruptsInside > 0) {
      problems.push(`interrupts: CPU ${index} took ${interruptsInside} while it held the lock with interrupts off`);
    }
    failures += intrusions + interruptsInside;
  });
  if (count.counter !== undefined && count.counter !== acquisitions) {
    const lost = acquisitions - count.counter;
    problems.push(`mutual exclusion: the counter says ${count.counter} and the CPUs ${acquisitions}: ${lost} torn`);
    failures++;
  }
  return { problems: [...problems, ...count.troubles], failures };
}
