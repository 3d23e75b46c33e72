// Promise: VeridianOS's design has room for 256 instances of 1024 entries each, tells what was too much by its own errors,
// and leaves nothing behind.
import { expect, test } from 'vitest';
import { Machine } from '../../src/machine/machine.ts';
import { testProgram } from '../test-programs.ts';

test('256 instances, 1024 entries each, and EPERM for who reads or writes one', async () => {
  await using machine = await Machine.boot({ epoll: 'veridian', cpus: 2, checks: true });
  const pid = await machine.spawn(testProgram(new URL('./veridian.program.ts', import.meta.url)));
  expect((await machine.exited(pid)).code).toBe(0);
  const live = (): number[] =>
    (['epolls', 'interests', 'mapNodes'] as const).map((name) => machine.stats().census[name].live);
  await expect.poll(live).toEqual([0, 0, 0]);
  expect(machine.stats().scans).toBeGreaterThan(0);
});
