// Signals as a guest sees them; the scenarios stand in signals.program.ts, the rules of signalfd in signalfd.program.ts.
import { describe, expect, it } from 'vitest';
import { SIGKILL, SIGSEGV, SIGTERM, SIGUSR1 } from '../../src/kernel/abi/flags-signal.ts';
import { Machine } from '../../src/machine/machine.ts';
import { runScenario } from './scenario.ts';
import { testProgram } from '../test-programs.ts';

const run = (scenario: string, cpus = 2): Promise<number> => runScenario('signals', scenario, { cpus });

/** The signal that ended the program. */
async function endedBy(scenario: string): Promise<number | undefined> {
  await using machine = await Machine.boot({ cpus: 2, checks: true });
  const pid = await machine.spawn(testProgram(new URL('./signals.program.ts', import.meta.url)), { argv: scenario });
  return (await machine.exited(pid)).signal;
}

describe('masks and pending signals', () => {
  it('arguments are checked in Linux order', async () => expect(await run('argumentsAreChecked')).toBe(0));
  it('a blocked signal stays pending', async () => expect(await run('aBlockedSignalStaysPending')).toBe(0));
  it('every bit of a mask means its signal', async () => expect(await run('everyMaskBitMeansItsSignal')).toBe(0));
  it('what becomes ignored is forgotten', async () => expect(await run('ignoringForgets')).toBe(0));
});

describe('interrupted calls', () => {
  it('blocked and ignored signals do not interrupt', async () =>
    expect(await run('aBlockedSignalDoesNotInterrupt')).toBe(0));
  it('a result comes before a signal', async () => expect(await run('theResultComesBeforeTheSignal', 1)).toBe(0));
  it('SA_RESTART restarts a read', async () => expect(await run('restartIsTheHandlersChoice')).toBe(0));
  it('no signal is lost, wherever it finds its thread', async () => expect(await run('noSignalIsLost')).toBe(0));
  it('a restarted call looks its file up again', async () =>
    expect(await run('aRestartedCallLooksItsFileUpAgain')).toBe(0));
  it('of two at once the later handler runs first', async () => expect(await run('theLaterHandlerRunsFirst')).toBe(0));
  it('ppoll opens the mask for its time', async () => expect(await run('ppollOpensTheMaskForItsTime')).toBe(0));
  it('rt_sigsuspend waits for a handler', async () => expect(await run('suspendWaitsForAHandler')).toBe(0));
});

describe('kill', () => {
  it('reaches groups, and everybody', async () => expect(await run('killReachesGroups')).toBe(0));
  it('finds a process until it was waited for', async () =>
    expect(await run('endedProcessesAreThereUntilWaitedFor')).toBe(0));
});

describe('a thread', () => {
  it('that is killed takes no events', async () =>
    expect(await runScenario('signals', 'whoIsKilledTakesNoEvents', { cpus: 1, warp: true })).toBe(0));
  it('that writes to a broken pipe is the one that is signalled', async () =>
    expect(await run('brokenPipesSignalTheWriter')).toBe(0));
});

describe('handlers', () => {
  it('run with the mask that they ask for', async () => expect(await run('aHandlerBlocksWhatItSays')).toBe(0));
  it('run on the main thread, or the lowest that may', async () =>
    expect(await run('theTargetIsTheMainThreadIfItMay')).toBe(0));
  it('run once with SA_RESETHAND', async () => expect(await endedBy('caughtOnce')).toBe(SIGUSR1));
  it('end the process when they nest too deep', async () => expect(await endedBy('handlersNestTooDeep')).toBe(SIGSEGV));
});

describe('default actions', () => {
  it('end the process when the signal is unblocked', async () => expect(await endedBy('terminated')).toBe(SIGTERM));
  it('SIGKILL asks no mask', async () => expect(await endedBy('killedThoughBlocked')).toBe(SIGKILL));
  it('end sleeping threads too', async () => expect(await endedBy('threadsDieToo')).toBe(SIGTERM));
});
