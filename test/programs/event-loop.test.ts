import { describe, expect, test } from 'vitest';
import { forEveryDesign } from '../designs.ts';
import { expectSound } from './sample.ts';

const small = { clients: 3, lines: 12, depth: 3, threads: 2 };

forEveryDesign((epoll) => {
  describe('the event loop serves timers, work, asyncs, signals and lines, and ends by itself', () => {
    test.each([1, 2, 4])('on %i CPUs', async (cpus) => {
      const { eventsDelivered } = await expectSound('event-loop', small, { epoll, cpus });
      expect(eventsDelivered).toBeGreaterThan(0);
    });
    test('where signals come through a self-pipe', async () => {
      await expectSound('event-loop', { ...small, signals: 'self-pipe' }, { epoll, cpus: 2 });
    });
  });
});
