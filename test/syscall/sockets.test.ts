// Unix stream sockets as a guest sees them; the rules are named in sockets.program.ts.
import { describe, expect, it } from 'vitest';
import { Machine } from '../../src/machine/machine.ts';
import { forEveryDesign } from '../designs.ts';
import { runScenario } from './scenario.ts';
import { testProgram } from '../test-programs.ts';

forEveryDesign((epoll) => {
  const run = (scenario: string): Promise<number> => runScenario('sockets', scenario, { epoll });

  describe('unix stream sockets', () => {
    it('check what they are made of in Linux order', async () => expect(await run('creationIsChecked')).toBe(0));
    it('check addresses in Linux order', async () => expect(await run('addressesAreChecked')).toBe(0));
    it('take names: abstract ones while they live, paths for good', async () =>
      expect(await run('namesAreTaken')).toBe(0));
    it('report data, half close, close and reset to poll', async () => expect(await run('pairsReport')).toBe(0));
    it('signal a broken pipe, unless told not to', async () => expect(await run('brokenPipesSignal')).toBe(0));
    it('move bytes without boundaries, and pay back by the send', async () => expect(await run('bytesArrive')).toBe(0));
    it('keep every byte of sends that lie in many pages', async () =>
      expect(await run('longSendsKeepTheirBytes')).toBe(0));
    it('fill and drain the send buffer as Linux does', async () =>
      expect(await run('theSendBufferHasItsShape')).toBe(0));
    it('connect, queue and are accepted', async () => expect(await run('connectionsAreMade')).toBe(0));
    it('are reset where the listener closes first', async () => expect(await run('closedListenersReset')).toBe(0));
    it('wake blocked accept, connect and recv', async () => expect(await run('blockedCallsAreWoken')).toBe(0));
    it('serve a crowd from two CPUs', async () => expect(await run('crowdsAreServed')).toBe(0));
    it('tell a blocked writer what ended it', async () => expect(await run('blockedWritersLearn')).toBe(0));
  });

  describe('when their process ends', () => {
    it.each([
      'crowdsAreServed',
      'connectionsAreMade',
      'closedListenersReset',
      'theSendBufferHasItsShape',
      'blockedWritersLearn',
    ])('%s leaves no socket, page or file behind', async (scenario) => {
      await using machine = await Machine.boot({ cpus: 2, checks: true });
      const pid = await machine.spawn(testProgram(new URL('./sockets.program.ts', import.meta.url)), {
        argv: scenario,
      });
      expect((await machine.exited(pid)).code).toBe(0);
      await expect
        .poll(() => {
          const { sockets, pages, files } = machine.stats().census;
          return [sockets.live, pages.live, files.live];
        })
        .toEqual([0, 0, 0]);
    });
  });
});
