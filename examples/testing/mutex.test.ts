import { explore, expectBug } from 'smplab/testing';
import { expect, test } from 'vitest';
import * as right from './mutex.ts?explore';
import * as broken from './mutex-broken.ts?explore';

const counted = (memory: SharedArrayBuffer): void => expect(new Int32Array(memory)[1]).toBe(3);

test('the mutex lets one in at a time, and wakes whoever waits', async () => {
  const threads = [2, 1].map((times) => (memory: SharedArrayBuffer) => right.count(memory, times));
  expect(await explore({ memory: 64, threads, check: counted })).toMatchObject({ verdict: 'complete' });
});

test('a mutex that may overlook who is about to sleep is found out', async () => {
  const threads = [2, 1].map((times) => (memory: SharedArrayBuffer) => broken.count(memory, times));
  const bug = await expectBug({ memory: 64, threads, check: counted }, 'deadlock');
  expect(bug.message).toMatch(/sleeps at .*mutex-broken.ts:11/);
});
