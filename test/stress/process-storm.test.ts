// Processes born and ended at random on more CPUs than the host has leave nothing behind: no record, no file, no waiter.
import { describe, expect, it } from 'vitest';
import { Machine } from '../../src/machine/machine.ts';
import { settle } from '../../src/machine/settle.ts';
import { testProgram } from '../test-programs.ts';

async function storm(seed: number): Promise<{ code: number | undefined; left: Record<string, number> }> {
  await using machine = await Machine.boot({ cpus: 4, checks: true, userBytes: 1 << 20, processes: 64, tasks: 256 });
  const program = testProgram(new URL('./process-storm.program.ts', import.meta.url));
  const { code } = await machine.exited(await machine.spawn(program, { argv: String(seed) }));
  await settle(machine);
  const left: Record<string, number> = {};
  for (const [slab, { live }] of Object.entries(machine.stats().census)) if (live > 0) left[slab] = live;
  return { code, left };
}

describe('a storm of births and ends', () => {
  for (const seed of [1, 2, 3]) {
    it(`leaves nothing behind (seed ${seed})`, async () => expect(await storm(seed)).toEqual({ code: 0, left: {} }));
  }
});
