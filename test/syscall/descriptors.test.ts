// Descriptors, memfds, devices and limits as a guest sees them; the rules are named in descriptors.program.ts.
import { describe, expect, it } from 'vitest';
import { runScenario } from './scenario.ts';

const run = (scenario: string, abi: 'x86_64' | 'arm64' = 'x86_64'): Promise<number> =>
  runScenario('descriptors', scenario, { abi });

describe('descriptors', () => {
  it('are duplicated and marked, and open files flagged', async () => expect(await run('fcntlAnswers')).toBe(0));
  it('resize the pipe behind them', async () => expect(await run('pipesAreResized')).toBe(0));
  it('are closed by the range', async () => expect(await run('rangesAreClosed')).toBe(0));
  it('stay below their limit', async () => expect(await run('limitsHold')).toBe(0));
});

describe('a memfd', () => {
  it('keeps bytes and holes, and has a position', async () => expect(await run('memfdsKeepBytes')).toBe(0));
  it('ends at its greatest size, and with the pages', async () => expect(await run('memfdsEndSomewhere')).toBe(0));
  it('can be sealed', async () => expect(await run('memfdsAreSealed')).toBe(0));
});

describe('the devices', () => {
  it('swallow, give zeros or nothing', async () => expect(await run('devicesAnswer')).toBe(0));
});

describe.each(['x86_64', 'arm64'] as const)('on %s', (abi) => {
  it('fstat has its own layout', async () => expect(await run('fstatTells', abi)).toBe(0));
  it('uname names it', async () => expect(await run('unameNamesTheMachine', abi)).toBe(0));
  it('flags have their own bits', async () => expect(await run('fcntlAnswers', abi)).toBe(0));
});
