// Several messages in one call as a guest sees them; the rules are named in sockets-batches.program.ts.
import { describe, expect, it } from 'vitest';
import { expectNothingLeft } from './census.ts';

const run = (scenario: string): Promise<number> =>
  expectNothingLeft('sockets-batches', scenario, { userBytes: 1 << 22 });

describe('several messages in one call', () => {
  it('are sent and received each for itself', async () => expect(await run('severalAtOnce')).toBe(0));
  it('end with an error, which is kept for the next call', async () => expect(await run('errorsAreKept')).toBe(0));
  it('are received until a time is over', async () => expect(await run('timesArePassed')).toBe(0));
  it('are waited for one by one', async () => expect(await run('waitsAreForEach')).toBe(0));
  it('are ended by a signal', async () => expect(await run('signalsEndThem')).toBe(0));
});
