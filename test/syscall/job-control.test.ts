// Stopping and continuing, as a guest sees it; the scenarios stand in job-control.program.ts.
import { describe, expect, it } from 'vitest';
import type { BootOptions } from '../../src/machine/config.ts';
import { MachineDied } from '../../src/machine/errors.ts';
import { Machine } from '../../src/machine/machine.ts';
import { settle } from '../../src/machine/settle.ts';
import { testProgram } from '../test-programs.ts';

async function run(scenario: string, options: BootOptions = {}) {
  await using machine = await Machine.boot({ cpus: 2, checks: true, warp: true, userBytes: 1 << 18, ...options });
  const pid = await machine.spawn(testProgram(new URL('./job-control.program.ts', import.meta.url)), {
    argv: scenario,
  });
  const { code } = await machine.exited(pid);
  await settle(machine);
  const { signalInfos, tasks, frames } = machine.stats().census;
  return { code, left: signalInfos.live + tasks.live + frames.live };
}
const well = { code: 0, left: 0 };

describe('a stop', () => {
  it('is told to the parent, and so is its end', async () => expect(await run('parentsAreTold')).toEqual(well));
  it('restarts calls, or answers EINTR where Linux does', async () =>
    expect(await run('callsGoOnOrAnswerEintr')).toEqual(well));
  it('interrupts epoll_wait once, however short it is', async () =>
    expect(await run('everyStopInterruptsOnce')).toEqual(well));
  it('is of all threads', async () => expect(await run('aProcessStopsAsAWhole', { warp: false })).toEqual(well));
  it('is of all threads, on three CPUs', async () =>
    expect(await run('aProcessStopsAsAWhole', { warp: false, cpus: 3 })).toEqual(well));
  it('does not take a result away', async () => expect(await run('aCallThatWasOverKeepsItsResult')).toEqual(well));
  it('loses no event', async () => expect(await run('eventsComeAfterAStop')).toEqual(well));
  it('does not reach orphaned groups, except by SIGSTOP', async () =>
    expect(await run('orphanedGroupsStopBySigstopOnly')).toEqual(well));
  it('is over, with SIGHUP, when the group becomes an orphan', async () =>
    expect(await run('orphanedGroupsHangUp')).toEqual(well));
  it('may be of the parent, by its child', async () =>
    expect(await run('epollIsInterruptedByAStopOfItself')).toEqual(well));
  it('makes threads quiet', async () => expect(await run('aStoppedThreadIsQuiet', { warp: false })).toEqual(well));
  it('for ever is a deadlock, and the report says what is stopped', async () => {
    const died = await run('nobodyContinues').catch((error: unknown) => error);
    expect(died).toBeInstanceOf(MachineDied);
    expect((died as MachineDied).verdict).toBe('deadlock');
    expect((died as MachineDied).report).toMatch(/task 1 of process 1 on CPU \d: stopped in kill/);
  });
});

describe('SIGKILL', () => {
  it('alone passes a stop', async () => expect(await run('onlySigkillPassesAStop')).toEqual(well));
});

describe('SIGCONT', () => {
  it('continues, whatever becomes of it', async () =>
    expect(await run('sigcontContinuesWhateverBecomesOfIt')).toEqual(well));
  it('and stop signals forget each other', async () =>
    expect(await run('stopAndContinueForgetEachOther')).toEqual(well));
});
