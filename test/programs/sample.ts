// Runs a sample program as `smplab run` does, from dist/, with every check on, and says what is left of it.
import { expect } from 'vitest';
import type { BootOptions } from '../../src/machine/config.ts';
import { Machine } from '../../src/machine/machine.ts';
import { settle } from '../../src/machine/settle.ts';
import type { MachineStats } from '../../src/machine/stats.ts';

/** Records that live in a machine none of whose programs does: leaks. */
export function leftovers(stats: MachineStats): string[] {
  return Object.entries(stats.census)
    .filter(([, row]) => row.live !== 0)
    .map(([name, row]) => `${row.live} ${name}`);
}

/** The program kept its own promises (exit 0), and no record of the kernel is left behind. */
export async function expectSound(
  name: string,
  argv: Readonly<Record<string, unknown>>,
  boot: BootOptions,
): Promise<MachineStats> {
  await using machine = await Machine.boot({ checks: true, ...boot });
  const pid = await machine.spawn(new URL(`../../dist/programs/${name}.js`, import.meta.url), { argv });
  expect(await machine.exited(pid)).toMatchObject({ code: 0 });
  await settle(machine);
  const stats = machine.stats();
  expect(leftovers(stats)).toEqual([]);
  return stats;
}
