/**
 * Gives each simulated CPU's thread a host core of its own, as the host's benchmark program does with its two threads.
 * Without it the host's scheduler may put two threads that wake each other on one core and leave them there: each then
 * waits out the other's idle spin, and a round trip is a hundred times slower than what is to be measured.
 *
 * Node has no call for this, so `taskset` does it; where that is missing, rows say that they were not pinned.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The host cores that this process may run on: `Cpus_allowed_list: 0-3,8`. */
export function parseCpuList(list: string): number[] {
  return list
    .trim()
    .split(',')
    .filter((range) => range !== '')
    .flatMap((range) => {
      const [first, last = first] = range.split('-').map(Number);
      return Array.from({ length: last! - first! + 1 }, (_, index) => first! + index);
    });
}

function allowedCores(): number[] {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    return parseCpuList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '');
  } catch {
    return [];
  }
}

/**
 * Pins thread `threadIds[i]` to the i-th core of this process.
 * @returns why that was not done, or undefined once it is
 */
export function pinThreads(threadIds: readonly number[]): string | undefined {
  const cores = allowedCores();
  if (cores.length < threadIds.length) return `${threadIds.length} CPUs, ${cores.length} host cores`;
  for (const [index, threadId] of threadIds.entries()) {
    const done = spawnSync('taskset', ['-p', '-c', String(cores[index]), String(threadId)], { stdio: 'ignore' });
    if (done.error !== undefined) return 'there is no taskset';
    if (done.status !== 0) return 'taskset was refused';
  }
  return undefined;
}
