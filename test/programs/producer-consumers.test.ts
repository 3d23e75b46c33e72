import { describe, test } from 'vitest';
import { expectSound } from './sample.ts';

const small = { producers: 3, consumers: 2, items: 40, places: 3 };

describe.each(['condition', 'blocking', 'epoll'])('what is produced is consumed once, and in order: %s', (way) => {
  test.each([1, 2, 4])('on %i CPUs', async (cpus) => {
    await expectSound('producer-consumers', { ...small, way }, { cpus });
  });
});
test('what is produced is consumed once through one place, by epolls that are woken exclusively', async () => {
  await expectSound('producer-consumers', { ...small, places: 1, way: 'epoll', exclusive: true }, { cpus: 2 });
});
