/**
 * What is bundled with a stepped kernel, sound or broken: the searches, the scenarios and the recorder, which run kernel
 * code and stand at its doors. Everything else of explore stands outside, and talks to this module's exports (kernel.ts).
 */
import type { EpollDesign } from '../kernel/abi/types.ts';
import type { Scene } from '../stepped/machine.ts';
import * as scene from '../stepped/scene.ts';
import { Explorer } from './engine/search.ts';
import type { RunTrace, TellOptions } from './report/index.ts';
import { recordScenario } from './report/index.ts';
import type { Bug, Scenario } from './scenario.ts';

export { counts } from './dpor/counts.ts';
export { exhaust } from './engine/exhaust.ts';
export { checkPct } from './engine/pct-check.ts';
export { scenarioNamed, scenarios } from './scenarios/index.ts';

/** Compiled, the scene's functions are generators. */
const stepped = scene as unknown as Scene;

/** @param memory `tso` for a bug that needs store buffers */
export function explorerOf(scenario: Scenario, design: EpollDesign, memory: Bug['memory']): Explorer {
  return new Explorer(stepped, withMemory(scenario, memory), design);
}

function withMemory(scenario: Scenario, memory: Bug['memory']): Scenario {
  return memory === undefined ? scenario : { ...scenario, machine: { ...scenario.machine, memory } };
}

/** Runs a schedule once more with the recorder beside it. */
export function traceOf(
  scenario: Scenario,
  design: EpollDesign,
  memory: Bug['memory'],
  schedule: readonly number[],
  options: TellOptions,
): RunTrace {
  return recordScenario({ ...options, scene: stepped, scenario: withMemory(scenario, memory), design, schedule });
}
