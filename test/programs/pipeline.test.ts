import { describe, test } from 'vitest';
import { expectSound } from './sample.ts';

const small = { stages: 4, kilobytes: 80, chunk: 3000 };

describe.each(['fork', 'spawn', 'threads'] as const)('every byte comes down a pipeline made by %s', (how) => {
  test.each([1, 2, 4])('on %i CPUs', async (cpus) => {
    await expectSound('pipeline', { ...small, how }, { cpus });
  });
});
test('a pipeline of a source and a sink alone, byte by byte', async () => {
  await expectSound('pipeline', { stages: 2, kilobytes: 1, chunk: 1 }, { cpus: 2 });
});
