// Runs one scenario of a guest program to its end, and looks at what it left: no socket, page, file or descriptor on its
// way may outlive the process.
import { expect } from 'vitest';
import type { BootOptions } from '../../src/machine/config.ts';
import { Machine } from '../../src/machine/machine.ts';
import { testProgram } from '../test-programs.ts';

/** @returns the exit code of the program, whose `main` is given the scenario's name */
export async function expectNothingLeft(program: string, scenario: string, options: BootOptions = {}): Promise<number> {
  await using machine = await Machine.boot({ cpus: 2, checks: true, ...options });
  const pid = await machine.spawn(testProgram(new URL(`./${program}.program.ts`, import.meta.url)), { argv: scenario });
  const { code } = await machine.exited(pid);
  await expect
    .poll(() => {
      const { sockets, controls, pages, files, pipes } = machine.stats().census;
      return [sockets.live, controls.live, pages.live, files.live, pipes.live];
    })
    .toEqual([0, 0, 0, 0, 0]);
  return code ?? -1;
}
