import { describe, expect, test } from 'vitest';
import { forEveryDesign, waitersSleep } from '../designs.ts';
import { expectSound } from './sample.ts';

forEveryDesign((epoll) => {
  describe('a write that one waiter takes wakes the others for nothing, and that is counted as a herd', () => {
    test.skipIf(!waitersSleep(epoll)).each([1, 2, 4])('on %i CPUs', async (cpus) => {
      const { wakeups } = await expectSound('thundering-herd', { waiters: 8, writes: 20 }, { epoll, cpus });
      if (epoll === 'wasix') return expect(wakeups.herd).toBeLessThan(20);
      expect(wakeups.herd).toBeGreaterThan(0);
      expect(wakeups.herd).toBeGreaterThan(wakeups.spurious);
    });
  });
  test.skipIf(waitersSleep(epoll))(
    'where waiters stay runnable, a write wakes nobody, and is taken all the same',
    async () => {
      const { wakeups } = await expectSound('thundering-herd', { waiters: 8, writes: 20 }, { epoll, cpus: 2 });
      expect([wakeups.herd, wakeups.nudge]).toEqual([0, 0]);
    },
  );
});
