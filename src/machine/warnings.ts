/**
 * What a machine warns of while it lives on: a task that does not get its CPU, a guest that does not trap. Whether that is
 * a fault only its owner can say. A warning is kept by the machine, and emitted as a warning of the process.
 */

export interface MachineWarning {
  /** `starvation`: runnable tasks do not get their CPU. `no trap`: a guest keeps its CPU, and nobody waits for it. */
  readonly kind: 'starvation' | 'no trap';
  /** The CPU that it is about. */
  readonly cpu: number;
  /** The tasks that wait for the CPU, the first of them; empty for `no trap`. */
  readonly tids: readonly number[];
  /** For how long, at least, ms. */
  readonly forMs: number;
  /** One line for a person. */
  readonly message: string;
  /** CPUs, tasks, what each sleeps on, held locks. */
  readonly report: string;
}

/** The name of such warnings among those of the process: `process.on('warning', ...)`. */
export const WARNING_NAME = 'SmplabWarning';

export function emitWarning({ kind, message, report }: MachineWarning): void {
  const code = `SMPLAB_${kind.replace(' ', '_').toUpperCase()}`;
  process.emitWarning(message, { type: WARNING_NAME, code, detail: report });
}
