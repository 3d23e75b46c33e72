import { describe, expect, test } from 'vitest';
import { forEveryDesign } from '../designs.ts';
import { expectSound } from './sample.ts';

const small = { workers: 3, clients: 3, requests: 8 };

forEveryDesign((epoll) => {
  describe('every request is answered once, though a worker dies in the middle of one', () => {
    test.each([1, 2, 4])('on %i CPUs', async (cpus) => {
      const { wakeups } = await expectSound('prefork-server', small, { epoll, cpus });
      expect(wakeups.total).toBeGreaterThan(0);
    });
    test('with EPOLLEXCLUSIVE', async () => {
      await expectSound('prefork-server', { ...small, exclusive: true }, { epoll, cpus: 2 });
    });
    test('with workers that block in accept', async () => {
      await expectSound('prefork-server', { ...small, how: 'accept' }, { epoll, cpus: 2 });
    });
    test.each([1, 2])('with a parent that hands connections on, on %i CPUs', async (cpus) => {
      await expectSound('prefork-server', { ...small, how: 'rights' }, { epoll, cpus });
    });
  });
  test('no worker is restarted that did not die', async () => {
    await expectSound('prefork-server', { ...small, crash: false }, { epoll, cpus: 2 });
  });
});
