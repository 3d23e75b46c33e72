// Signals that carry something, as a guest sees them; the scenarios stand in realtime-signals.program.ts.
import { describe, expect, it } from 'vitest';
import { SIGKILL } from '../../src/kernel/abi/flags-signal.ts';
import type { BootOptions } from '../../src/machine/config.ts';
import { Machine } from '../../src/machine/machine.ts';
import { settle } from '../../src/machine/settle.ts';
import { testProgram } from '../test-programs.ts';

/** @returns how the program ended, and how many records of signals are left then */
async function run(scenario: string, options: BootOptions = {}) {
  await using machine = await Machine.boot({ cpus: 2, checks: true, ...options });
  const pid = await machine.spawn(testProgram(new URL('./realtime-signals.program.ts', import.meta.url)), {
    argv: scenario,
  });
  const { code, signal } = await machine.exited(pid);
  await settle(machine);
  return { code, signal, left: machine.stats().census.signalInfos.live };
}
const well = { code: 0, signal: undefined, left: 0 };

describe('the queue', () => {
  it('keeps real-time signals in order', async () => expect(await run('realTimeSignalsQueue')).toEqual(well));
  it('remembers the first of equal standard signals', async () =>
    expect(await run('standardSignalsCoalesce')).toEqual(well));
  it('refuses when it is full, but never kill', async () =>
    expect(await run('recordsRunOut', { signalInfos: 4 })).toEqual(well));
  it('has room again for what was ignored, or ended before it was taken', async () =>
    expect(await run('forgottenSignalsMakeRoom', { signalInfos: 4 })).toEqual(well));
  it('is empty once its process has ended', async () =>
    expect(await run('endsWithMuchPending')).toEqual({ code: undefined, signal: SIGKILL, left: 0 }));
});

describe('rt_sigqueueinfo and rt_tgsigqueueinfo', () => {
  it('check their arguments in Linux order', async () => expect(await run('argumentsAreChecked')).toEqual(well));
});

describe('what is known of a signal', () => {
  it('is told by signalfd as its kind has it', async () => expect(await run('signalfdsTellByKind')).toEqual(well));
  it('is told by rt_sigtimedwait byte for byte', async () => expect(await run('timedWaitTellsAll')).toEqual(well));
  it('is told to handlers with SA_SIGINFO', async () =>
    expect(await run('handlersAreToldWhatTheyAskFor')).toEqual(well));
});
