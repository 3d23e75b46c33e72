import { describe, test } from 'vitest';
import { forEveryDesign } from '../designs.ts';
import { expectSound } from './sample.ts';

const small = { stages: 4, kilobytes: 80, chunk: 3000 };

forEveryDesign((epoll) => {
  describe('every byte comes down a pipeline', () => {
    test.each([
      { how: 'fork', cpus: 1 },
      { how: 'fork', cpus: 2 },
      { how: 'fork', cpus: 4 },
      { how: 'spawn', cpus: 2 },
      { how: 'threads', cpus: 2 },
    ])('made by $how, on $cpus CPUs', async ({ how, cpus }) => {
      await expectSound('pipeline', { ...small, how }, { epoll, cpus });
    });
  });
  test('a pipeline of a source and a sink alone, byte by byte', async () => {
    await expectSound('pipeline', { stages: 2, kilobytes: 1, chunk: 1 }, { epoll, cpus: 2 });
  });
});
