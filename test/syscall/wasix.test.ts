// WASIX's epoll as a guest sees it, and what it counts.
import { expect, test } from 'vitest';
import { Machine } from '../../src/machine/machine.ts';
import { runScenario } from './scenario.ts';
import { testProgram } from '../test-programs.ts';

test.each([
  ['a number is watched once, until it is closed or taken out', 'numbersAreKeys'],
  ['DEL silences, and MOD forgets what was told', 'silencedAndChanged'],
  ['an eventfd that is a semaphore gives one at a time', 'semaphoreCounts'],
])('%s', async (_promise, scenario) => {
  expect(await runScenario('wasix', scenario, { epoll: 'wasix' })).toBe(0);
});

test('pushes, those that said nothing new, stale and empty entries are counted', async () => {
  await using machine = await Machine.boot({ epoll: 'wasix', cpus: 1, checks: true });
  const pid = await machine.spawn(testProgram(new URL('./wasix.program.ts', import.meta.url)), {
    argv: 'countsItsQueue',
  });
  expect((await machine.exited(pid)).code).toBe(0);
  expect(machine.stats().readyQueue).toEqual({
    // Five writes, and what MOD told; the second and the third write said nothing new.
    enqueueAttempts: 6,
    dedupeHits: 2,
    staleGenerationDrops: 1,
    emptyDequeues: 1,
  });
});
