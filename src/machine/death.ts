/**
 * What a machine died of, in words: from what a CPU told of its end, or, where its thread ended without a word, from how
 * the thread ended and what the memory says that it was doing.
 */
import { Cpu, CPU_USER } from '../kernel/cpu/cpu.ts';
import { Task } from '../kernel/task/task.ts';
import { verdictOf } from './report.ts';
import type { Snapshot } from './snapshot.ts';
import type { ThreadEnd } from './threads.ts';

export interface Death {
  readonly verdict: string;
  readonly message: string;
  /** Where it was thrown, if it was. */
  readonly stack?: string;
}

export const DEADLOCK_WORDS = 'every task sleeps, no timer is armed, and nobody outside can wake one';

/** @returns undefined for a CPU that stopped because it was told to */
export function deathOf(end: ThreadEnd, look: Snapshot, heapMb: number): Death | undefined {
  if ('error' in end) return { verdict: 'worker died', message: threadWords(end, look, heapMb) };
  if (end.failure === undefined) return undefined;
  const { name, message, stack, tid } = end.failure;
  const verdict = verdictOf(look) ?? 'panic';
  const who = verdict === 'program error' ? `the program of task ${tid} threw` : `CPU ${end.index}`;
  return { verdict, message: `${verdict}: ${who}: ${name}: ${message}`, stack };
}

function threadWords({ index, error }: { index: number; error: Error }, look: Snapshot, heapMb: number): string {
  if (index < 0) return `a CPU's thread failed: ${error.message}`;
  const record = look.cpu(index);
  const task = look.word(record, Cpu.current);
  const inGuest = task !== 0 && look.word(record, Cpu.activity) === CPU_USER;
  const where = inGuest ? ` in the program of task ${look.word(task, Task.tid)}` : '';
  if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return `CPU ${index}'s thread ran out of JavaScript memory${where}: its heap may have ${heapMb} MiB (option heapMb)`;
  }
  const [, code] = /^worker exited with code: (-?\d+)$/.exec(error.message) ?? [];
  if (code === undefined) return `CPU ${index}'s thread ended${where}: ${error.name}: ${error.message}`;
  const cause = inGuest ? ': the program may have called process.exit' : '';
  return `CPU ${index}'s thread ended${where} with exit code ${code}${cause}`;
}
