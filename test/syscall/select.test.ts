// select and pselect6 as a guest sees them; the rules are named in select.program.ts.
import { describe, expect, it } from 'vitest';
import { forEveryDesign } from '../designs.ts';
import { runScenario } from './scenario.ts';

forEveryDesign((epoll) => {
  const run = (scenario: string): Promise<number> => runScenario('select', scenario, { epoll });

  describe('select', () => {
    it('reports bit by bit', async () => expect(await run('setsAreReportedBitByBit')).toBe(0));
    it('checks its arguments in Linux order', async () => expect(await run('argumentsAreChecked')).toBe(0));
    it('looks no further than the descriptor table', async () => expect(await run('onlyTheTableIsLookedAt')).toBe(0));
    it('keeps timeouts, never early', async () => expect(await run('timeoutsAreKept')).toBe(0));
    it('wakes when a watched file changes, and tells the time left', async () =>
      expect(await run('changesWake')).toBe(0));
    it('wakes every selector of a source', async () => expect(await run('everySelectorWakes')).toBe(0));
    it('reports a descriptor that is closed meanwhile', async () =>
      expect(await run('whatClosesMeanwhileIsReady')).toBe(0));
    it('ends with EINTR when a handler runs', async () => expect(await run('handlersInterrupt')).toBe(0));
  });

  describe('pselect6', () => {
    it('opens the mask for its time', async () => expect(await run('pselectSwapsTheMask')).toBe(0));
  });
});
