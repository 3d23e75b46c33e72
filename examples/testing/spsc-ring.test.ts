import { explore, expectBug } from 'smplab/testing';
import { expect, test } from 'vitest';
import * as right from './spsc-ring.ts?explore';
import * as broken from './spsc-ring-broken.ts?explore';

test('the ring hands over every number, in order, whichever thread goes when', async () => {
  const producer = (memory: SharedArrayBuffer) => right.produce(memory, 3);
  const consumer = (memory: SharedArrayBuffer) => right.consume(memory, 3);
  expect(await explore({ memory: 24, threads: { producer, consumer } })).toMatchObject({ verdict: 'complete' });
});

test('a ring that raises its index too early is found out', async () => {
  const producer = (memory: SharedArrayBuffer) => broken.produce(memory, 3);
  const consumer = (memory: SharedArrayBuffer) => broken.consume(memory, 3);
  const bug = await expectBug({ memory: 24, threads: { producer, consumer } }, 'data race');
  expect(bug.message).toMatch(/producer +wrote at .*spsc-ring-broken.ts:19/);
});
