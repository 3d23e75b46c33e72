/**
 * All scenarios, by theme. Bundled with a stepped kernel, sound or broken; the command line and the tests find them here by
 * name.
 */
import type { Scenario } from '../scenario.ts';
import { epollScenarios } from './epoll.ts';
import { fileScenarios } from './files.ts';
import { signalScenarios } from './signals.ts';
import { timerScenarios } from './timers.ts';
import { wakeupScenarios } from './wakeups.ts';
import { wasixScenarios } from './wasix.ts';
import { yieldScenarios } from './yields.ts';

export { herd } from './wakeups.ts';

export const scenarios: readonly Scenario[] = [
  ...wakeupScenarios,
  ...epollScenarios,
  ...wasixScenarios,
  ...signalScenarios,
  ...timerScenarios,
  ...fileScenarios,
  ...yieldScenarios,
];
