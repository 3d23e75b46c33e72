// Options of sockets as a guest sees them; the rules are named in sockets-options.program.ts.
import { describe, expect, it } from 'vitest';
import { expectNothingLeft } from './census.ts';

const run = (scenario: string): Promise<number> =>
  expectNothingLeft('sockets-options', scenario, { userBytes: 1 << 22 });

describe('options of sockets', () => {
  it('are kept, or refused without capabilities', async () => expect(await run('valuesAreKept')).toBe(0));
  it('are answered in as many words as there is room for', async () => expect(await run('longAnswersAreCut')).toBe(0));
  it('are timeouts only with microseconds', async () => expect(await run('timeoutsAreChecked')).toBe(0));
  it('bound every call that waits', async () => expect(await run('waitsAreBounded')).toBe(0));
  it('say how much is worth waking up for', async () => expect(await run('lowMarksAreAwaited')).toBe(0));
  it('say where a look begins', async () => expect(await run('looksBeginAtOffsets')).toBe(0));
});
