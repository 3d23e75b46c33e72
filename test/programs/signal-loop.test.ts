import { describe, expect, test } from 'vitest';
import { forEveryDesign, signalsEndWaits } from '../designs.ts';
import { expectSound } from './sample.ts';

forEveryDesign((epoll) => {
  describe('every signal is taken or met by another of its number, in every way of taking it', () => {
    test.each([1, 2, 4])('on %i CPUs', async (cpus) => {
      const { wakeups } = await expectSound('signal-loop', { senders: 3, signals: 12 }, { epoll, cpus });
      if (signalsEndWaits(epoll)) expect(wakeups.signal).toBeGreaterThan(0);
    });
    test('by one sender, whose signals meet nobody', async () => {
      await expectSound('signal-loop', { senders: 1, signals: 20 }, { epoll, cpus: 2 });
    });
  });
});
