// A thread that dies takes its machine along, and nothing else; what only may be a fault is a warning.
import { describe, expect, it } from 'vitest';
import { MachineDied } from '../../src/machine/errors.ts';
import { Machine } from '../../src/machine/machine.ts';
import { WARNING_NAME } from '../../src/machine/warnings.ts';
import { testProgram } from '../test-programs.ts';

const program = testProgram(new URL('./faults.program.ts', import.meta.url));

async function deathOf(machine: Machine, entry: string): Promise<MachineDied> {
  const outcome = await machine.spawn(program, { entry }).then(
    (pid) => machine.exited(pid).catch((error: unknown) => error),
    (error: unknown) => error,
  );
  if (!(outcome instanceof MachineDied)) throw new Error(`the machine lived on: ${JSON.stringify(outcome)}`);
  return outcome;
}

describe("the death of a CPU's thread", () => {
  it('by lack of memory is told, and another machine of the same process does not notice', async () => {
    await using other = await Machine.boot({ cpus: 1 });
    await using machine = await Machine.boot({ cpus: 2, heapMb: 48 });
    const death = await deathOf(machine, 'takesAllMemory');
    expect(death).toMatchObject({ verdict: 'worker died', exitCode: 3 });
    expect(death.message).toMatch(/ran out of JavaScript memory in the program of task 1: .* 48 MiB \(option heapMb\)/);
    expect(death.report).toContain('task 1');
    expect((await other.exited(await other.spawn(program, { entry: 'returnsSeven' }))).code).toBe(7);
  });

  it('by a promise that nobody catches is told with what it was', async () => {
    await using machine = await Machine.boot({ cpus: 1 });
    await machine.exited(await machine.spawn(program, { entry: 'leavesARejection' }));
    // It is noticed where the thread looks at its promises: at rest, for the next program.
    const death = await deathOf(machine, 'returnsSeven');
    expect(death.verdict).toBe('worker died');
    expect(death.message).toContain('nobody caught this');
  });
});

describe('a warning', () => {
  async function warned(entry: string, argument = 0, options: Parameters<typeof Machine.boot>[0] = {}) {
    const emitted: Error[] = [];
    const hear = (warning: Error): void => {
      if (warning.name === WARNING_NAME) emitted.push(warning);
    };
    process.on('warning', hear);
    try {
      await using machine = await Machine.boot({ cpus: 1, starvationMs: 400, ...options });
      const pid = await machine.spawn(program, { entry, argument });
      expect((await machine.exited(pid)).code).toBe(0);
      // Emitted after the current turn of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
      return { warnings: machine.warnings, emitted };
    } finally {
      process.off('warning', hear);
    }
  }

  it('names a guest that does not trap, by machine and process, and the machine lives on', async () => {
    const { warnings, emitted } = await warned('computes', 1500);
    // On a busy host the first may be about the start.
    const noTrap = warnings.find(({ kind }) => kind === 'no trap');
    expect(noTrap).toMatchObject({ cpu: 0, tids: [] });
    expect(noTrap!.message).toMatch(/no trap: task 1 has not trapped for \d\.\d s on CPU 0/);
    expect(noTrap!.report).toContain('CPU 0: in a task, runs task 1');
    expect(emitted.map(({ message }) => message)).toEqual(warnings.map(({ message }) => message));
  });

  it('names tasks that wait long for their turn because there are so many', async () => {
    const { warnings } = await warned('overloads', 0, { sliceTicks: 5 });
    expect(warnings[0]).toMatchObject({ kind: 'starvation', cpu: 0 });
    expect(warnings[0]!.message).toMatch(/\d+ tasks \(.*\) are runnable .* did not run: \d+ tasks share that CPU/);
    expect(warnings[0]!.tids.length).toBeGreaterThan(1);
  });

  it('does not come for a program that is short, or for tasks that take turns', async () => {
    expect((await warned('computes', 100)).warnings).toEqual([]);
    expect((await warned('takesTurns', 0)).warnings).toEqual([]);
  });
});

it('a machine whose guest hears nothing is given back in under two seconds', async () => {
  const machine = await Machine.boot({ cpus: 1, starvationMs: 400 });
  await machine.spawn(program, { entry: 'neverTraps' });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const startMs = performance.now();
  await machine.shutdown();
  expect(performance.now() - startMs).toBeLessThan(2000);
});

it('memory that cannot be is refused with the options that take it', async () => {
  const tooMuch = Machine.boot({ processes: 64, userBytes: 1 << 26 });
  await expect(tooMuch).rejects.toThrow(
    /needs 4\.\d GiB of memory, and may have 2 GiB; lower userBytes \(67108864; .*processes/,
  );
});

it('a guest that computes long between its traps loses its CPU at the end of its slice, and not after 64 traps', async () => {
  await using machine = await Machine.boot({ cpus: 1, hz: 100, sliceTicks: 2 });
  const { code } = await machine.exited(await machine.spawn(program, { entry: 'computesBetweenTraps' }));
  expect(code).toBeGreaterThan(0);
  expect(code).toBeLessThan(10);
});

describe('a guest that does nothing but handle signals', () => {
  it('loses its CPU at the end of its slice', async () => {
    await using machine = await Machine.boot({ cpus: 1 });
    const { code } = await machine.exited(await machine.spawn(program, { entry: 'handlesSignals' }));
    expect(code).toBe(1);
  });

  it('lets the machine rest when the host wants something', async () => {
    await using machine = await Machine.boot({ cpus: 1 });
    await machine.spawn(program, { entry: 'handlesSignalsForEver' });
    expect(await machine.exited(await machine.spawn(program, { entry: 'noticesItsTurn' }))).toMatchObject({ code: 2 });
  });
});
