// VeridianOS's declared divergences.

import type { ConformCase, Outcome } from '../../src/programs/conform/case.ts';
import { describe, expect, test } from 'vitest';
import { bundledCaseFiles } from '../../src/conform/bundled.ts';
import { veridianDivergences } from '../../src/conform/divergences/veridian.ts';
import { spansInTurn } from '../../src/conform/history.ts';
import { veridianModel } from '../../src/conform/model/veridian.ts';
import { readCaseFile } from '../../src/conform/schema.ts';
import { verdictOf } from '../../src/conform/verdict.ts';
import { observed, testDivergences } from './declared-divergences.ts';

testDivergences({
  name: 'veridian',
  model: veridianModel,
  divergences: veridianDivergences,
  beyondTheModel: ['E10', 'F14'],
  agreesMoreThan: 100,
});

describe('E10', () => {
  const E10 = veridianDivergences.find(({ rule }) => rule === 'E10')!;
  const caseNamed = (name: string): ConformCase =>
    bundledCaseFiles()
      .flatMap(readCaseFile)
      .find((one) => one.name === name)!;

  test('a wait with a timeout goes on until it is over, and answers 0', () => {
    const one = caseNamed('E14-mask-opens');
    const outcome = { main: one.expect[0]!['main']!.with(-1, { ret: 0, out: [] }) };
    expect(verdictOf(one, observed(outcome), [E10])).toMatchObject({ kind: 'declared', rule: 'E10' });
    const blocked = { main: one.expect[0]!['main']!.with(-1, { ret: 1, out: [['EPOLLIN', 1]] }) };
    expect(verdictOf(one, observed(blocked), [E10]).kind).toBe('failed');
  });

  test('a wait for ever is not over when it is joined', () => {
    const one = caseNamed('signal-handler-eintr');
    const main = one.expect[0]!['main']!.with(-1, { joined: false });
    const outcome: Outcome = { main, t: ['blocked'] };
    const spans = spansInTurn(outcome).map((span) => (span.thread === 't' ? { ...span, begin: 8.5 } : span));
    expect(verdictOf(one, { outcome, spans }, [E10])).toMatchObject({ kind: 'declared', rule: 'E10' });
    const early = { ...outcome, t: [{ ret: '-EBADF' }] };
    expect(verdictOf(one, { outcome: early, spans: spansInTurn(early) }, [E10]).kind).toBe('failed');
  });

  test('excuses no join of a thread that no signal interrupts', () => {
    const one = caseNamed('epoll-pwait-mask');
    const main = one.expect[0]!['main']!.with(-1, { joined: false });
    const outcome: Outcome = { main, t: ['blocked'] };
    const spans = spansInTurn(outcome).map((span) => (span.thread === 't' ? { ...span, begin: 8.5 } : span));
    expect(verdictOf(one, { outcome, spans }, [E10]).kind).not.toBe('declared');
  });
});
