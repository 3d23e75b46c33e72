// More CPUs than cores, everything at once: no message is lost, nothing is left behind. The full storm of two million
// wakes is `smplab run wake-storm --cpus 4 --set cpus=4 --set rounds=340000`; here it is short enough for every run.
import { describe, expect, it } from 'vitest';
import { Machine } from '../../src/machine/machine.ts';
import type { MachineStats } from '../../src/machine/stats.ts';
import { guestProgram } from '../../src/machine/worker-file.ts';
import { forEveryDesign, waitersSleep } from '../designs.ts';

const program = guestProgram('wake-storm');

function leftovers(stats: MachineStats): string[] {
  return Object.entries(stats.census)
    .filter(([, row]) => row.live !== 0)
    .map(([name, row]) => `${row.live} ${name}`);
}

forEveryDesign((epoll) => {
  async function storm(lock: 'ttas' | 'ticket', cpus: number, rounds: number): Promise<MachineStats> {
    await using machine = await Machine.boot({ epoll, cpus, lock, checks: true });
    const pid = await machine.spawn(program, { argv: { rounds, pairs: 2, cpus } });
    expect(await machine.exited(pid)).toMatchObject({ code: 0 });
    await expect.poll(() => leftovers(machine.stats())).toEqual([]);
    return machine.stats();
  }

  describe('a storm of wakeups', () => {
    it.each(['ttas', 'ticket'] as const)('loses nothing on 4 CPUs with %s locks', async (lock) => {
      const { wakeups } = await storm(lock, 4, 1000);
      if (waitersSleep(epoll)) expect(wakeups.total).toBeGreaterThan(5000);
      const { useful, timeout, signal, herd, nudge, spurious } = wakeups;
      expect(useful + timeout + signal + herd + nudge + spurious).toBe(wakeups.total);
      // One queue for the whole machine wakes many for nothing; a queue for each file nearly none.
      if (epoll === 'kevlar') expect(wakeups.herd + wakeups.nudge).toBeGreaterThan(0);
      else if (waitersSleep(epoll)) expect(wakeups.useful).toBeGreaterThan(wakeups.total / 2);
    });
    it('loses nothing on one CPU, where every wake is of oneself', async () => {
      const { wakeups } = await storm('ttas', 1, 500);
      if (waitersSleep(epoll)) expect(wakeups.useful).toBeGreaterThan(1000);
    });
  });
});
