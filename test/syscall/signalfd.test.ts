// signalfd and rt_sigtimedwait as a guest sees them; the rules are named in signalfd.program.ts.
import { describe, expect, it } from 'vitest';
import { forEveryDesign } from '../designs.ts';
import { runScenario } from './scenario.ts';

forEveryDesign((epoll) => {
  const run = (scenario: string): Promise<number> => runScenario('signalfd', scenario, { epoll });

  describe('signalfd', () => {
    it('checks its arguments in Linux order', async () => expect(await run('argumentsAreChecked')).toBe(0));
    it('tells who sent what', async () => expect(await run('recordsTellWhoSent')).toBe(0));
    it('is ready for who asks', async () => expect(await run('readinessIsTheAskers')).toBe(0));
    it('wakes readers and watchers', async () => expect(await run('signalsWakeReadersAndWatchers')).toBe(0));
    it('wakes readers when its mask changes', async () => expect(await run('changingTheMaskWakes')).toBe(0));
    it('tells of several children once', async () => expect(await run('endsOfChildrenAreOneRecord')).toBe(0));
    it('is shared with a child, whose signals are its own', async () =>
      expect(await run('filesAreSharedAndSignalsAreNot')).toBe(0));
    it('fills scattered buffers', async () => expect(await run('recordsAreScattered')).toBe(0));
  });

  describe('rt_sigtimedwait', () => {
    it('takes a signal without a handler', async () => expect(await run('timedWaitTakesASignal')).toBe(0));
  });
});

describe('an inherited instance', () => {
  it('tells whoever waits, as Kevlar does', async () =>
    expect(await runScenario('signalfd', 'anInheritedInstanceTellsWhoWaits', { warp: true })).toBe(0));
  it('hears of the signals of the process that added, as Linux does', async () =>
    expect(await runScenario('signalfd', 'anInheritedInstanceHearsWhoAdded', { epoll: 'linux' })).toBe(0));
  it('hears nothing more when that process is gone', async () =>
    expect(await runScenario('signalfd', 'anItemOutlivesItsProcess', { epoll: 'linux' })).toBe(0));
});
