/**
 * Promise: in the kernel as it is, no schedule of any scenario goes wrong, on any design that the scenario names; nor of a
 * herd on 64 CPUs.
 */
import { describe, expect, it } from 'vitest';
import { kernelWith, SEED } from './zoo-tools.ts';

const SCHEDULES = 150;
const zoo = await kernelWith([]);

describe.each(zoo.scenarios.map((scenario) => [scenario.name, scenario] as const))('%s', (_name, scenario) => {
  it.each(scenario.designs)('is clean on the design of %s', (design) => {
    const explorer = zoo.explorerOf(scenario, design, undefined);
    const { found } = explorer.search({ strategy: 'portfolio', schedules: SCHEDULES, seed: SEED });
    expect(found?.message).toBeUndefined();
  });
});

describe('a herd on 64 CPUs', () => {
  const herd = zoo.scenarioNamed('herd-64')!;
  it.each(herd.designs)('is told whole on the design of %s', (design) => {
    const explorer = zoo.explorerOf(herd, design, undefined);
    const { found } = explorer.search({ strategy: 'portfolio', schedules: 4, seed: SEED });
    expect(found?.message).toBeUndefined();
  });
});
