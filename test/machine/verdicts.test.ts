// A machine never hangs silently: whatever ends it, it says what, names CPUs, tasks and locks, and in good time.
import { describe, expect, it } from 'vitest';
import { Machine as MachineRecord } from '../../src/kernel/machine-record.ts';
import { BootError, MachineDied } from '../../src/machine/errors.ts';
import { Machine } from '../../src/machine/machine.ts';
import { FIRST_RECORD } from '../../src/shared-mem/layout.ts';
import { Slab } from '../../src/shared-mem/slab.ts';
import { SpinLock } from '../../src/shared-mem/locks/spin-lock.ts';
import { testProgram } from '../test-programs.ts';

const program = testProgram(new URL('./ends.program.ts', import.meta.url));

/** How the machine died that ran this entry. */
async function deathOf(entry: string, options: Parameters<typeof Machine.boot>[0] = {}): Promise<MachineDied> {
  await using machine = await Machine.boot({ checks: true, ...options });
  // A program that ends the machine at once may do so before its start has been answered.
  const outcome = await machine.spawn(program, { entry }).then(
    (pid) => machine.exited(pid).catch((error: unknown) => error),
    (error: unknown) => error,
  );
  if (!(outcome instanceof MachineDied)) throw new Error(`the machine lived on: ${JSON.stringify(outcome)}`);
  return outcome;
}

describe('a machine that cannot go on', () => {
  it('names a deadlock, and what each task sleeps on', async () => {
    const death = await deathOf('sleepsForEver');
    expect(death.verdict).toBe('deadlock');
    expect(death.exitCode).toBe(3);
    expect(death.report).toMatch(/task \d+ of process \d+ on CPU \d: sleeping in read\(eventfd, for ever\)/);
    expect(death.report).toContain('holds no lock');
  });
  it('tells the last events of each CPU, and how many came before them', async () => {
    expect((await deathOf('sleepsForEver', { cpus: 1 })).report).toMatch(/ last: .*read; 1 sleeps/);
    expect((await deathOf('sleepsAfterMuch', { cpus: 1 })).report).toMatch(/ last \(of 1\d\d; [34]\d were dropped\): /);
  });
  it('tells a program that throws from a kernel that panics', async () => {
    const thrown = await deathOf('throwsAway');
    expect(thrown.verdict).toBe('program error');
    expect(thrown.exitCode).toBe(1);
    expect(thrown.report).toContain('thrown on purpose');
  });
  it('notices a worker that exits', async () => {
    const death = await deathOf('leavesTheProcess');
    expect(death.verdict).toBe('worker died');
    expect(death.exitCode).toBe(3);
  });
  it('finds a CPU that waits in the kernel for a lock that nobody releases', async () => {
    await using machine = await Machine.boot({ checks: true, lockupMs: 600 });
    // Whoever made the last file holds its lock for ever: written from outside, for no path of the kernel does that.
    const filesLock = FIRST_RECORD + MachineRecord.files.off + Slab.lock.off + SpinLock.word.off;
    Atomics.store(new Int32Array(machine.memory), filesLock, 1);
    const pid = await machine.spawn(program, { entry: 'opensFiles' }).catch((error: unknown) => error);
    const outcome = typeof pid === 'number' ? await machine.exited(pid).catch((error: unknown) => error) : pid;
    expect(outcome).toBeInstanceOf(MachineDied);
    expect((outcome as MachineDied).verdict).toBe('lockup');
  });
  it('says which option it cannot boot with', async () => {
    await expect(Machine.boot({ cpus: 0 })).rejects.toThrow(BootError);
    await expect(Machine.boot({ cpus: 0 })).rejects.toThrow(/cpus/);
    await expect(Machine.boot({ epoll: 'kevlr' as never })).rejects.toThrow(/kevlar/);
  });
});

describe('a machine that lives', () => {
  it('stops twice as once, and runs a program after another', async () => {
    const machine = await Machine.boot({ checks: true });
    for (const expected of [7, 7]) {
      const pid = await machine.spawn(program, { entry: 'returnsSeven' });
      expect(await machine.exited(pid)).toEqual({ pid, code: expected, signal: undefined });
    }
    await machine.shutdown();
    await machine.shutdown();
  });
  it('tells an exit code from a fatal signal', async () => {
    await using machine = await Machine.boot({ checks: true });
    const pid = await machine.spawn(program, { entry: 'killsItself' });
    expect(await machine.exited(pid)).toEqual({ pid, code: undefined, signal: 9 });
  });
  it('names a program that has nothing to start', async () => {
    await using machine = await Machine.boot({ checks: true });
    await expect(machine.spawn(program, { entry: 'noSuchEntry' })).rejects.toThrow(/noSuchEntry/);
    await expect(machine.spawn('file:///no/such/program.js')).rejects.toThrow(/program\.js/);
    // And goes on.
    const pid = await machine.spawn(program, { entry: 'returnsSeven' });
    expect((await machine.exited(pid)).code).toBe(7);
  });
});
