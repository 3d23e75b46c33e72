// futex, and the sleeps that stand in no queue, as a guest sees them.
import { describe, expect, it } from 'vitest';
import { runScenario } from './scenario.ts';

const run = (scenario: string): Promise<number> => runScenario('futex', scenario);

describe('futex', () => {
  it('checks its arguments', async () => expect(await run('argumentsAreChecked')).toBe(0));
  it('keeps timeouts, never early', async () => expect(await run('timeoutsAreKept')).toBe(0));
  it('wakes as many as asked, by their bits', async () => expect(await run('wakesCountAndObeyTheBits')).toBe(0));
  it('loses no wake between two CPUs', async () => expect(await run('noWakeIsLost')).toBe(0));
  it('carries a mutex', async () => expect(await run('mutexExcludes')).toBe(0));
});

describe('nanosleep', () => {
  it('is never early, and tells what is left to whom a handler interrupted', async () =>
    expect(await run('sleepsTellWhatIsLeft')).toBe(0));
});
