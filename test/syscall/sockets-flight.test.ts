// Descriptors in flight as a guest sees them; the rules are named in sockets-flight.program.ts. After each, no file, socket
// or record of control data may be left.
import { describe, expect, it } from 'vitest';
import { auditMemory } from '../../src/kernel/audit/audit.ts';
import { slabsOfIslands } from '../../src/kernel/audit/islands.ts';
import { Machine } from '../../src/machine/machine.ts';
import { settle } from '../../src/machine/settle.ts';
import { expectNothingLeft } from './census.ts';
import { testProgram } from '../test-programs.ts';

const run = (scenario: string): Promise<number> =>
  expectNothingLeft('sockets-flight', scenario, { userBytes: 1 << 22, sockets: 1024 });

describe('descriptors in flight', () => {
  it('keep their files open, and watched', async () => expect(await run('filesLiveOn')).toBe(0));
  it('outlive the process that sent them', async () => expect(await run('childrenSend')).toBe(0));
  it('go with the queue that they lie in', async () => expect(await run('queuesLetGo')).toBe(0));
  it('are let go one after the other, however deep they nest', async () => expect(await run('chainsAreLetGo')).toBe(0));
  it('are let go by a sender that is killed', async () => expect(await run('killedSendersLetGo')).toBe(0));
});

describe('sockets that only each other lead to', () => {
  it('are collected', async () => expect(await run('cyclesAreCollected')).toBe(0));
  it('stay as long as one can be reached', async () => expect(await run('reachableOnesStay')).toBe(0));
  it('are none the worse for a crowd that juggles them on two CPUs', async () =>
    expect(await run('crowdsJuggle')).toBe(0));
});

describe('an epoll in flight that watches the socket that carries it', () => {
  it('goes with it on Linux', async () =>
    expect(await expectNothingLeft('sockets-flight', 'anEpollWatchesItsCarrier', { epoll: 'linux' })).toBe(0));

  it('stays with it on Kevlar, whose interests keep their files, and the audit can tell', async () => {
    await using machine = await Machine.boot({ checks: true, epoll: 'kevlar' });
    const program = testProgram(new URL('./sockets-flight.program.ts', import.meta.url));
    await machine.exited(await machine.spawn(program, { argv: 'anEpollWatchesItsCarrier' }));
    await settle(machine);
    const { words } = await machine.atRest();
    expect(auditMemory(words.buffer)).toEqual([]);
    const explained: ReadonlySet<string> = slabsOfIslands(words.buffer);
    const census = Object.entries(machine.stats().census).filter(([, { live }]) => live > 0);
    expect(census.map(([name]) => name).sort()).toEqual([
      'controls',
      'epolls',
      'files',
      'interests',
      'mapNodes',
      'pages',
      'sockets',
    ]);
    expect(census.filter(([name]) => !explained.has(name))).toEqual([]);
  });
});
