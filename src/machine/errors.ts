/** How a machine can end badly, and the exit code that a command gives for it. */

/** The machine died: panic, deadlock, lockup, a dead worker, a program that threw. */
export class MachineDied extends Error {
  override readonly name = 'MachineDied';
  /** 'panic', 'deadlock', 'lockup', 'program error' or 'worker died' */
  readonly verdict: string;
  /** CPUs, tasks, what each sleeps on, held locks. */
  readonly report: string;
  constructor(verdict: string, message: string, report: string) {
    super(message);
    this.verdict = verdict;
    this.report = report;
  }
  /** 1: the program failed; 3: the machine did. */
  get exitCode(): number {
    return this.verdict === 'program error' ? 1 : 3;
  }
}

/** A boot option that cannot be. */
export class BootError extends Error {
  override readonly name = 'BootError';
}
