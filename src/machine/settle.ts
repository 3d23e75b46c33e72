/**
 * After the last process of a machine ended, its records stay for a grace period (kernel/cpu/quiescence.ts). Who counts
 * what is left, counts after it.
 */
import type { Machine } from './machine.ts';

const LIMIT_MS = 500;
const LOOK_MS = 5;

/** Waits until no task, process or file lives, or half a second: then what lives is a leak, or still in use. */
export async function settle(machine: Machine): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  while (performance.now() < endMs) {
    const { tasks, processes, files } = machine.stats().census;
    if (tasks.live + processes.live + files.live === 0) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
