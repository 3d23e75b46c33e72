// timerfd as a guest sees it; the rules are named in timerfd.program.ts.
import { describe, expect, it } from 'vitest';
import { forEveryDesign } from '../designs.ts';
import { runScenario } from './scenario.ts';

forEveryDesign((epoll) => {
  const run = (scenario: string): Promise<number> => runScenario('timerfd', scenario, { epoll });

  describe('timerfd', () => {
    it('checks its arguments in Linux order', async () => expect(await run('argumentsAreChecked')).toBe(0));
    it('fires a one-shot once', async () => expect(await run('oneShotFiresOnce')).toBe(0));
    it('counts every missed period, on the grid', async () => expect(await run('periodicKeepsItsGrid')).toBe(0));
    it('stays readable after gettime folded periods', async () =>
      expect(await run('gettimeFoldsAndStaysReadable')).toBe(0));
    it('expires at once for a time in the past', async () => expect(await run('absolutePastCountsFromThen')).toBe(0));
    it('takes deadlines of the wall clock', async () => expect(await run('wallClockDeadline')).toBe(0));
    it('forgets what expired when set anew, and tells the old setting', async () =>
      expect(await run('settimeForgetsAndTellsTheOld')).toBe(0));
    it('loses the count to a bad buffer', async () => expect(await run('badBufferLosesTheCount')).toBe(0));
    it('wakes a blocked reader at a new, shorter time', async () =>
      expect(await run('settimeShortensABlockedRead')).toBe(0));
  });

  describe('a deadlock is seen', () => {
    it('although timers were armed, once they are closed', async () => {
      await expect(run('closedTimersLeaveNothingArmed')).rejects.toMatchObject({ verdict: 'deadlock' });
    });
    it('although a timer is armed, once it has expired and nobody asks', async () => {
      await expect(run('expiredTimersDoNotHideADeadlock')).rejects.toMatchObject({ verdict: 'deadlock' });
    });
  });
});
