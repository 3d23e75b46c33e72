// Runs one scenario of a guest program on a machine of its own, with every check on.
import type { BootOptions } from '../../src/machine/config.ts';
import { Machine } from '../../src/machine/machine.ts';
import { testProgram } from '../test-programs.ts';

/**
 * @returns the exit code of the program, whose `main` is given the scenario's name
 * @throws MachineDied if the guest throws, or the machine ends otherwise
 */
export async function runScenario(program: string, scenario: string, options: BootOptions = {}): Promise<number> {
  await using machine = await Machine.boot({ cpus: 2, checks: true, ...options });
  const pid = await machine.spawn(testProgram(new URL(`./${program}.program.ts`, import.meta.url)), { argv: scenario });
  const { code } = await machine.exited(pid);
  return code ?? -1;
}
