// Timers of a process, as a guest sees them; the scenarios stand in itimer.program.ts.
import { describe, expect, it } from 'vitest';
import { SIGALRM } from '../../src/kernel/abi/flags-signal.ts';
import type { BootOptions } from '../../src/machine/config.ts';
import { MachineDied } from '../../src/machine/errors.ts';
import { Machine } from '../../src/machine/machine.ts';
import { testProgram } from '../test-programs.ts';

async function run(scenario: string, options: BootOptions = {}) {
  await using machine = await Machine.boot({ cpus: 2, checks: true, warp: true, ...options });
  const pid = await machine.spawn(testProgram(new URL('./itimer.program.ts', import.meta.url)), { argv: scenario });
  const { code, signal } = await machine.exited(pid);
  return signal ?? code;
}

describe('setitimer and getitimer', () => {
  it('check their arguments in Linux order', async () => expect(await run('argumentsAreChecked')).toBe(0));
  it('tell what is left, and the setting before', async () => expect(await run('settingsAreTold')).toBe(0));
  it('count time on CPUs by ticks', async () => expect(await run('timeOnCpusIsCounted', { warp: false })).toBe(0));
});

describe('alarm', () => {
  it('counts in seconds', async () => expect(await run('alarmsCountInSeconds')).toBe(0));
  it('ends a process that does not expect it', async () => expect(await run('anAlarmEnds')).toBe(SIGALRM));
});

describe('a timer', () => {
  it('is not inherited, but kept by another program', async () => expect(await run('childrenDoNotInherit')).toBe(0));
  it('expires on its grid', async () => expect(await run('periodsAreOnTheGrid')).toBe(0));
  it('goes on when its signal is taken', async () => expect(await run('takingAnAlarmGoesOn')).toBe(0));
  it('rests once its signal was ignored', async () => expect(await run('anIgnoredAlarmIsTheLast')).toBe(0));
  it.each([
    [1, false],
    [2, false],
    [2, true],
  ])('wakes who waits for nothing else, on %i CPUs (warp: %s)', async (cpus, warp) =>
    expect(await run('anAlarmEndsAWait', { cpus, warp })).toBe(0),
  );
  it('that rests wakes nobody: a deadlock', async () => {
    const died = await run('aBlockedAlarmWakesNobody').catch((error: unknown) => error);
    expect(died).toBeInstanceOf(MachineDied);
    expect((died as MachineDied).verdict).toBe('deadlock');
  });
});
