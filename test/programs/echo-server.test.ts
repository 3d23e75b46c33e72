import { describe, test } from 'vitest';
import { forEveryDesign } from '../designs.ts';
import { expectSound } from './sample.ts';

forEveryDesign((epoll) => {
  describe('every message of every client comes back', () => {
    test.each([1, 2, 4])('on %i CPUs', async (cpus) => {
      await expectSound('echo-server', { clients: 3, messages: 20 }, { epoll, cpus });
    });
  });
});
