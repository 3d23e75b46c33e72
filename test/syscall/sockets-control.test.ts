// Control messages as a guest sees them; the rules are named in sockets-control.program.ts.
import { describe, expect, it } from 'vitest';
import { expectNothingLeft } from './census.ts';

const run = (scenario: string): Promise<number> => expectNothingLeft('sockets-control', scenario);

describe('descriptors in messages', () => {
  it('arrive as far as there is room, at the lowest numbers', async () =>
    expect(await run('descriptorsArrive')).toBe(0));
  it('are refused all together', async () => expect(await run('badOnesAreRefused')).toBe(0));
  it('end a read of a stream', async () => expect(await run('streamsStop')).toBe(0));
  it('are duplicated by a look', async () => expect(await run('looksDuplicate')).toBe(0));
  it('are limited, in flight and on arrival', async () => expect(await run('limitsAreKept')).toBe(0));
  it('are held by a send that waits', async () => expect(await run('blockedSendersHold')).toBe(0));
});

describe('who sends', () => {
  it('is told to who asks, and may not lie', async () => expect(await run('sendersAreTold')).toBe(0));
  it('is known of a peer, and can be answered', async () => expect(await run('peersAreNamed')).toBe(0));
  it('is told when', async () => expect(await run('timesAreTold')).toBe(0));
});
