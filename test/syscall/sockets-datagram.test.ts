// Datagram and seqpacket sockets as a guest sees them; the rules are named in sockets-datagram.program.ts.
import { describe, expect, it } from 'vitest';
import { Machine } from '../../src/machine/machine.ts';
import { forEveryDesign } from '../designs.ts';
import { runScenario } from './scenario.ts';
import { testProgram } from '../test-programs.ts';

forEveryDesign((epoll) => {
  const run = (scenario: string): Promise<number> => runScenario('sockets-datagram', scenario, { epoll });

  describe('unix datagram and seqpacket sockets', () => {
    it('keep messages whole, and drop what does not fit', async () => expect(await run('messagesStayWhole')).toBe(0));
    it('fill and drain their buffers as Linux does', async () => expect(await run('buffersHaveTheirShape')).toBe(0));
    it('report close and half close, each in its way', async () => expect(await run('endsAreReported')).toBe(0));
    it('take datagrams from anybody, with the sender', async () => expect(await run('anybodySends')).toBe(0));
    it('are connected, parted and connected elsewhere', async () => expect(await run('peersComeAndGo')).toBe(0));
    it('tell types of sockets apart by name', async () => expect(await run('typesAreApart')).toBe(0));
    it('listen, connect and accept where packets have a sequence', async () =>
      expect(await run('packetsConnect')).toBe(0));
    it('wake blocked senders, receivers and pollers', async () => expect(await run('blockedCallsAreWoken')).toBe(0));
    it('answer a crowd from two CPUs', async () => expect(await run('lettersAreAnswered')).toBe(0));
  });

  describe('when their process ends', () => {
    it.each(['peersComeAndGo', 'anybodySends', 'packetsConnect', 'buffersHaveTheirShape', 'lettersAreAnswered'])(
      '%s leaves no socket, page or file behind',
      async (scenario) => {
        await using machine = await Machine.boot({ cpus: 2, checks: true });
        const pid = await machine.spawn(testProgram(new URL('./sockets-datagram.program.ts', import.meta.url)), {
          argv: scenario,
        });
        expect((await machine.exited(pid)).code).toBe(0);
        await expect
          .poll(() => {
            const { sockets, pages, files } = machine.stats().census;
            return [sockets.live, pages.live, files.live];
          })
          .toEqual([0, 0, 0]);
      },
    );
  });
});
