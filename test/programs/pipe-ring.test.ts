import { describe, expect, test } from 'vitest';
import { forEveryDesign, waitersSleep } from '../designs.ts';
import { expectSound } from './sample.ts';

forEveryDesign((epoll) => {
  describe('a token goes round a ring of pipes, and meets every task in turn', () => {
    test.each([1, 2, 4])('on %i CPUs', async (cpus) => {
      const { wakeups } = await expectSound('pipe-ring', { tasks: 20, rounds: 10 }, { epoll, cpus });
      if (waitersSleep(epoll)) expect(wakeups.useful).toBeGreaterThan(100);
    });
    test('of one task, which hands it to itself', async () => {
      await expectSound('pipe-ring', { tasks: 1, rounds: 50 }, { epoll, cpus: 2 });
    });
    test('that stops in the middle of a round', async () => {
      await expectSound('pipe-ring', { tasks: 7, hops: 17 }, { epoll, cpus: 2 });
    });
  });
});
