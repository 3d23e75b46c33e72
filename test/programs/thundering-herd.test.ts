import { describe, expect, test } from 'vitest';
import { forEveryDesign } from '../designs.ts';
import { expectSound } from './sample.ts';

forEveryDesign((epoll) => {
  describe('a write that one waiter takes wakes the others for nothing, and that is counted as a herd', () => {
    test.each([1, 2, 4])('on %i CPUs', async (cpus) => {
      const { wakeups } = await expectSound('thundering-herd', { waiters: 8, writes: 20 }, { epoll, cpus });
      if (epoll === 'wasix') return expect(wakeups.herd).toBeLessThan(20);
      expect(wakeups.herd).toBeGreaterThan(0);
      expect(wakeups.herd).toBeGreaterThan(wakeups.spurious);
    });
  });
});
