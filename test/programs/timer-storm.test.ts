import { describe, test } from 'vitest';
import { forEveryDesign } from '../designs.ts';
import { expectSound } from './sample.ts';

// Longer than the longest interval, so that every timer expires.
const small = { timers: 60, epolls: 2, ms: 40 };

forEveryDesign((epoll) => {
  describe('no timer expires early, and none loses an expiration', () => {
    test.each([1, 2, 4])('on %i CPUs', async (cpus) => {
      await expectSound('timer-storm', small, { epoll, cpus });
    });
    test('in one epoll', async () => {
      await expectSound('timer-storm', { ...small, epolls: 1 }, { epoll, cpus: 2 });
    });
    test('with ticks 50 ms apart', async () => {
      await expectSound('timer-storm', { ...small, ms: 120 }, { epoll, cpus: 2, hz: 20 });
    });
  });
});
