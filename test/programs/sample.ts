// Runs a sample program as `smplab run` does, from dist/, with every check on, and says what is left of it.
import { expect } from 'vitest';
import { auditMemory } from '../../src/kernel/audit/audit.ts';
import type { BootOptions } from '../../src/machine/config.ts';
import { Machine } from '../../src/machine/machine.ts';
import { settle } from '../../src/machine/settle.ts';
import type { MachineStats } from '../../src/machine/stats.ts';

/** Between two looks at a machine at work. */
const LOOK_MS = 20;

/** Records that live in a machine none of whose programs does: leaks. */
export function leftovers(stats: MachineStats): string[] {
  return Object.entries(stats.census)
    .filter(([, row]) => row.live !== 0)
    .map(([name, row]) => `${row.live} ${name}`);
}

async function expectSoundMemory(machine: Machine): Promise<void> {
  const { words } = await machine.atRest();
  expect(auditMemory(words.buffer)).toEqual([]);
}

/**
 * The program kept its own promises (exit 0), the kernel's records were sound whenever it was looked at, and none of them
 * is left behind.
 */
export async function expectSound(
  name: string,
  argv: Readonly<Record<string, unknown>>,
  boot: BootOptions,
): Promise<MachineStats> {
  await using machine = await Machine.boot({ checks: true, ...boot });
  const pid = await machine.spawn(new URL(`../../dist/programs/${name}.js`, import.meta.url), { argv });
  let ended = false;
  const exit = machine.exited(pid).finally(() => {
    ended = true;
  });
  while (!ended) {
    await expectSoundMemory(machine);
    await Promise.race([exit, new Promise((resolve) => setTimeout(resolve, LOOK_MS))]);
  }
  expect(await exit).toMatchObject({ code: 0 });
  await settle(machine);
  await expectSoundMemory(machine);
  const stats = machine.stats();
  expect(leftovers(stats)).toEqual([]);
  return stats;
}
