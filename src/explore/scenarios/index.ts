/**
 * All scenarios, by theme. Bundled with a stepped kernel, sound or broken; the command line and the tests find them here by
 * name.
 */
import type { Scenario } from '../scenario.ts';
import { closingScenarios } from './closing.ts';
import { epollScenarios } from './epoll.ts';
import { fileScenarios } from './files.ts';
import { signalScenarios } from './signals.ts';
import { timerScenarios } from './timers.ts';
import { herd, wakeupScenarios } from './wakeups.ts';
import { wasixScenarios } from './wasix.ts';
import { yieldScenarios } from './yields.ts';

export const scenarios: readonly Scenario[] = [
  ...wakeupScenarios,
  ...epollScenarios,
  ...closingScenarios,
  ...wasixScenarios,
  ...signalScenarios,
  ...timerScenarios,
  ...fileScenarios,
  ...yieldScenarios,
];

export { herd };
const HERD = /^herd-(\d+)$/;
const HERD_MAX = 64;

/** One of the list, or a herd on so many CPUs: herd-64. */
export function scenarioNamed(name: string): Scenario | undefined {
  const cpus = Number(HERD.exec(name)?.[1]);
  if (cpus >= 2 && cpus <= HERD_MAX) return herd(cpus);
  return scenarios.find((scenario) => scenario.name === name);
}
