// Machines with different designs of epoll, booted in one process at once: each answers by its own design, whatever the
// other does meanwhile.
import { expect, test } from 'vitest';
import { Machine } from '../../src/machine/machine.ts';
import type { MachineStats } from '../../src/machine/stats.ts';
import { testProgram } from '../test-programs.ts';
import { guestProgram } from '../../src/machine/worker-file.ts';

const herd = guestProgram('thundering-herd');
const order = testProgram(new URL('./two-designs.program.ts', import.meta.url));

test('two machines of different designs keep to their own, side by side', async () => {
  await using kevlar = await Machine.boot({ epoll: 'kevlar', cpus: 2, checks: true });
  await using linux = await Machine.boot({ epoll: 'linux', cpus: 2, checks: true });
  const work = async (machine: Machine): Promise<readonly [order: number, stats: MachineStats]> => {
    const pids = [await machine.spawn(herd, { argv: { waiters: 6, writes: 30 } }), await machine.spawn(order)];
    const [first, second] = await Promise.all(pids.map((pid) => machine.exited(pid)));
    expect(first).toMatchObject({ code: 0 });
    return [second!.code!, machine.stats()];
  };
  const [[ofKevlar, kevlarStats], [ofLinux, linuxStats]] = await Promise.all([work(kevlar), work(linux)]);
  // Three descriptors became ready as 3, 2, 1: Kevlar tells them in the order of their numbers, Linux in that of the events.
  expect([ofKevlar, ofLinux]).toEqual([123, 321 & 0xff]);
  // Every write wakes all of Kevlar's waiters, and one of Linux's.
  const inVain = ({ wakeups: { herd, nudge, spurious } }: MachineStats): number => herd + nudge + spurious;
  expect(inVain(kevlarStats)).toBeGreaterThan(inVain(linuxStats));
});
