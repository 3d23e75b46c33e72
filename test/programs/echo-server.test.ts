import { describe, test } from 'vitest';
import { expectSound } from './sample.ts';

describe('every message of every client comes back', () => {
  test.each([1, 2, 4])('on %i CPUs', async (cpus) => {
    await expectSound('echo-server', { clients: 3, messages: 20 }, { cpus });
  });
});
