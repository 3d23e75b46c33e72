// Promise: the machine's statistics count every epoll_wait that ends, however it ends, and every event that it hands out.
import { expect, test } from 'vitest';
import { Machine } from '../../src/machine/machine.ts';
import { forEveryDesign, signalsEndWaits } from '../designs.ts';
import { testProgram } from '../test-programs.ts';

forEveryDesign((epoll) => {
  test('five waits, of which three deliver nothing and two deliver three events', async () => {
    await using machine = await Machine.boot({ epoll, cpus: 2, checks: true });
    const before = machine.stats();
    expect([before.epollWaits, before.eventsDelivered]).toEqual([0, 0]);
    const pid = await machine.spawn(testProgram(new URL('./epoll-counts.program.ts', import.meta.url)), {
      argv: signalsEndWaits(epoll),
    });
    const { code } = await machine.exited(pid);
    const { epollWaits, eventsDelivered } = machine.stats();
    expect({ code, epollWaits, eventsDelivered }).toEqual({ code: 0, epollWaits: 5, eventsDelivered: 3 });
  });
});
