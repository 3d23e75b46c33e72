// poll and ppoll as a guest sees them; the rules are named in poll.program.ts.
import { describe, expect, it } from 'vitest';
import { forEveryDesign } from '../designs.ts';
import { runScenario } from './scenario.ts';

forEveryDesign((epoll) => {
  const run = (scenario: string): Promise<number> => runScenario('poll', scenario, { epoll });

  describe('poll', () => {
    it('reports entry by entry', async () => expect(await run('entriesAreReportedOneByOne')).toBe(0));
    it('checks its arguments in Linux order', async () => expect(await run('argumentsAreChecked')).toBe(0));
    it('keeps timeouts, never early', async () => expect(await run('timeoutsAreKept')).toBe(0));
    it('wakes when a watched file changes', async () => expect(await run('changesWakeAPoller')).toBe(0));
    it('wakes every poller of a source', async () => expect(await run('everyPollerWakes')).toBe(0));
    it('ends with EINTR when a handler runs', async () => expect(await run('handlersInterrupt')).toBe(0));
    it('opens the mask of ppoll for its time, and tells the time left', async () =>
      expect(await run('ppollSwapsTheMaskAndTellsTheTime')).toBe(0));
  });
});
