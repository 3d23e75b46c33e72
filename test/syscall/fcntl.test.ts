// Positions, owners, flags, tables and limits as a guest sees them; the promises are in fcntl.program.ts.
import { describe, expect, it } from 'vitest';
import { runScenario } from './scenario.ts';

const run = (scenario: string, abi: 'x86_64' | 'arm64' = 'x86_64'): Promise<number> =>
  runScenario('fcntl', scenario, { abi });

describe('pread64 and pwrite64', () => {
  it('take the position from the caller', async () => expect(await run('positionsAreTheCallers')).toBe(0));
});

describe('fcntl', () => {
  it('keeps an owner and its signal', async () => expect(await run('filesHaveOwners')).toBe(0));
  it.each(['x86_64', 'arm64'] as const)('changes the flags that may be changed, on %s', async (abi) =>
    expect(await run('flagsAreThoseThatChange', abi)).toBe(0),
  );
  it('gives no number at the limit or above', async () => expect(await run('numbersEndAtTheLimit')).toBe(0));
});

describe('close_range', () => {
  it('works in a table of its own if asked', async () => expect(await run('tablesComeApart')).toBe(0));
});

describe('limits', () => {
  it('are kept, handed on, and not raised', async () => expect(await run('limitsAreKept')).toBe(0));
});
