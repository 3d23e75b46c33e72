// Names and connections as a guest sees them; the rules are named in sockets-names.program.ts.
import { describe, expect, it } from 'vitest';
import { expectNothingLeft } from './census.ts';

const run = (scenario: string): Promise<number> => expectNothingLeft('sockets-names', scenario);

describe('names of sockets', () => {
  it('are given once, or made up', async () => expect(await run('namesAreGivenOnce')).toBe(0));
  it('lead streams and seqpackets to each other, in Linux order', async () =>
    expect(await run('streamsAreConnectedInOrder')).toBe(0));
  it('lead datagrams to each other, in Linux order', async () =>
    expect(await run('datagramsAreConnectedInOrder')).toBe(0));
});
