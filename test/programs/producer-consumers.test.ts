import { describe, test } from 'vitest';
import { forEveryDesign } from '../designs.ts';
import { expectSound } from './sample.ts';

const small = { producers: 3, consumers: 2, items: 40, places: 3 };

forEveryDesign((epoll) => {
  describe('what is produced is consumed once, and in order', () => {
    test.each([
      { way: 'condition', cpus: 1 },
      { way: 'condition', cpus: 2 },
      { way: 'condition', cpus: 4 },
      { way: 'blocking', cpus: 2 },
      { way: 'epoll', cpus: 2 },
    ])('waiting by $way on $cpus CPUs', async ({ way, cpus }) => {
      await expectSound('producer-consumers', { ...small, way }, { epoll, cpus });
    });
  });
  test('what is produced is consumed once through one place, by epolls that are woken exclusively', async () => {
    await expectSound('producer-consumers', { ...small, places: 1, way: 'epoll', exclusive: true }, { epoll, cpus: 2 });
  });
});
