// Kevlar's declared divergences.

import type { ConformCase, Outcome } from '../../src/programs/conform/case.ts';
import { describe, expect, test } from 'vitest';
import { bundledCaseFiles } from '../../src/conform/bundled.ts';
import { kevlarDivergences } from '../../src/conform/divergences/kevlar.ts';
import { spansInTurn } from '../../src/conform/history.ts';
import { kevlarModel } from '../../src/conform/model/kevlar.ts';
import { readCaseFile } from '../../src/conform/schema.ts';
import { verdictOf } from '../../src/conform/verdict.ts';
import { observed, testDivergences } from './declared-divergences.ts';

testDivergences({
  name: 'kevlar',
  model: kevlarModel,
  divergences: kevlarDivergences,
  beyondTheModel: ['E14', 'F14', 'J8'],
  agreesMoreThan: 150,
});

describe('E14', () => {
  const E14 = kevlarDivergences.find(({ rule }) => rule === 'E14')!;
  const cases = (): readonly ConformCase[] => bundledCaseFiles().flatMap(readCaseFile);

  test('a wait whose mask is not looked at is interrupted by what it blocks', () => {
    const one = cases().find(({ name }) => name === 'E14-mask-for-the-wait')!;
    const main = one.expect[0]!['main']!.map((result, index) => (index === 8 ? { blocked: false } : result));
    const outcome: Outcome = { main, t: [{ ret: '-EINTR' }] };
    // The thread was interrupted before main looked at it.
    const spans = spansInTurn(outcome).map((span) => (span.thread === 't' ? { ...span, begin: 8.5, end: 13.5 } : span));
    expect(verdictOf(one, { outcome, spans }, [E14])).toMatchObject({ kind: 'declared', rule: 'E14' });
    const other = { ...outcome, t: [{ ret: '-EAGAIN' }] };
    expect(verdictOf(one, { outcome: other, spans }, [E14]).kind).toBe('failed');
  });

  test('and is not interrupted by what it alone lets through', () => {
    const one = cases().find(({ name }) => name === 'E14-mask-opens')!;
    const outcome = { main: one.expect[0]!['main']!.with(-1, { ret: 0, out: [] }) };
    expect(verdictOf(one, observed(outcome), [E14])).toMatchObject({ kind: 'declared', rule: 'E14' });
  });
});
