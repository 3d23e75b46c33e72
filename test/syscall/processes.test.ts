// Processes of processes: birth, ends, who waits for whom; and nothing of them is left behind.
import { describe, expect, it } from 'vitest';
import { Machine } from '../../src/machine/machine.ts';
import { settle } from '../../src/machine/settle.ts';
import { testProgram } from '../test-programs.ts';

async function run(scenario: string): Promise<{ code: number | undefined; left: Record<string, number> }> {
  await using machine = await Machine.boot({ cpus: 2, checks: true, userBytes: 1 << 16 });
  const pid = await machine.spawn(testProgram(new URL('./processes.program.ts', import.meta.url)), { argv: scenario });
  const { code } = await machine.exited(pid);
  await settle(machine);
  const left: Record<string, number> = {};
  for (const [slab, { live }] of Object.entries(machine.stats().census)) if (live > 0) left[slab] = live;
  return { code, left };
}

const clean = { code: 0, left: {} };

describe('a child', () => {
  it('is waited for once, and tells how it ended', async () =>
    expect(await run('childrenAreWaitedFor')).toEqual(clean));
  it('gets a copy of the memory, and the same files', async () =>
    expect(await run('aForkCopiesMemoryAndSharesFiles')).toEqual(clean));
  it('may share memory and descriptors', async () => expect(await run('memoryAndTablesCanBeShared')).toEqual(clean));
  it('is waited for by vfork', async () => expect(await run('aVforkWaitsForTheChild')).toEqual(clean));
  it('signals its end, unless its parent ignores it', async () => expect(await run('anEndIsSignalled')).toEqual(clean));
  it('goes to the nearest reaper when its parent ends', async () =>
    expect(await run('orphansGoToTheReaper')).toEqual(clean));
  it('may be a sibling', async () => expect(await run('aSiblingHasTheSameParent')).toEqual(clean));
  it('is of its parent’s group until it leaves', async () => expect(await run('groupsAreInherited')).toEqual(clean));
  it('can be made by clone3', async () => expect(await run('clone3TakesItsArguments')).toEqual(clean));
  it('is given the lowest numbers that were free', async () =>
    expect(await run('numbersGoOnInTheChild')).toEqual(clean));
  it('is refused when there is no room, and not for ever', async () =>
    expect(await run('runningOutIsEagain')).toEqual(clean));
});

describe('another program', () => {
  it('begins with new memory and its arguments', async () => expect(await run('anExecBeginsAnew')).toEqual(clean));
  it('ends the other threads', async () => expect(await run('anExecEndsTheOtherThreads')).toEqual(clean));
  it('is spawned with descriptors and group as told', async () =>
    expect(await run('spawnDoesWhatItIsTold')).toEqual(clean));
});

it('switches of the CPU are counted, by thread, process and children', async () =>
  expect(await run('switchesAreCounted')).toEqual(clean));

describe('wait4 and waitid', () => {
  it('check their arguments', async () => expect(await run('argumentsAreChecked')).toEqual(clean));
  it('look without taking where asked to', async () => expect(await run('waitidLooksAndLeaves')).toEqual(clean));
});
