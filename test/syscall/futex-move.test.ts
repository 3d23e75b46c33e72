// Futex operations on two words, and the libc's conditions that rest on them, as a guest sees them.
import { describe, expect, it } from 'vitest';
import { runScenario } from './scenario.ts';

const run = (scenario: string, cpus = 2): Promise<number> => runScenario('futex-move', scenario, { cpus });

describe('requeue and wake_op', () => {
  it('check their arguments in Linux order', async () => expect(await run('argumentsAreChecked')).toBe(0));
  it('change a word in every way there is', async () => expect(await run('wordsChangeAsAsked')).toBe(0));
  it('wake some and move others, who keep their bits', async () => expect(await run('sleepersMove')).toBe(0));
  it('count whom they wake at both words', async () => expect(await run('sleepersMoveWithinOneWord')).toBe(0));
  it('wake and move more than a batch', async () => expect(await run('manyMoveAtOnce')).toBe(0));
  it('let a moved sleeper time out and be interrupted', async () => expect(await run('whoIsMovedCanLeave')).toBe(0));
});

describe('futex', () => {
  it('tells private sleepers from shared ones', async () => expect(await run('privateAndSharedDoNotMeet')).toBe(0));
});

describe('a condition', () => {
  it.each([1, 2, 3])('hands every item on once, on %i CPUs', async (cpus) =>
    expect(await run('conditionsCarryABuffer', cpus)).toBe(0),
  );
  it('gives the mutex back when its time is over', async () => expect(await run('conditionsTimeOut')).toBe(0));
});
