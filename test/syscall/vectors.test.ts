// readv and writev where a read or write moves eight bytes; the rules are named in vectors.program.ts.
import { describe, expect, it } from 'vitest';
import { runScenario } from './scenario.ts';

const run = (scenario: string): Promise<number> => runScenario('vectors', scenario);

describe('vectors on eventfd and timerfd', () => {
  it('are read across elements', async () => expect(await run('countersAreScattered')).toBe(0));
  it('are written element by element', async () => expect(await run('elementsAreAdded')).toBe(0));
});

it('a length that another thread makes negative, while the call waits, is as if it were 0', async () =>
  expect(await run('elementsMayChange')).toBe(0));
