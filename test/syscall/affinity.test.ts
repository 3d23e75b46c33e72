// Affinity, identity and the clocks' small calls, as a guest sees them.
import { describe, expect, it } from 'vitest';
import { Machine } from '../../src/machine/machine.ts';
import { testProgram } from '../test-programs.ts';

/** On three CPUs, the program on the second. */
async function run(scenario: string): Promise<number | undefined> {
  await using machine = await Machine.boot({ cpus: 3, checks: true });
  const pid = await machine.spawn(testProgram(new URL('./affinity.program.ts', import.meta.url)), {
    argv: scenario,
    cpu: 1,
  });
  return (await machine.exited(pid)).code;
}

describe('affinity', () => {
  it('is kept, inherited, and decides where threads are born', async () =>
    expect(await run('masksAreKeptAndInherited')).toBe(0));
  it('checks its arguments in Linux order', async () => expect(await run('argumentsAreChecked')).toBe(0));
});

describe('a task', () => {
  it('is told who and where it is', async () => expect(await run('identityIsTold')).toBe(0));
  it('may name another word for its end to clear', async () => expect(await run('theEndClearsTheNamedWord')).toBe(0));
});

describe('clocks', () => {
  it('tell their grain and the time of day', async () => expect(await run('clocksTellTheirGrain')).toBe(0));
});
