// The verdict: what passes, what a divergence forgives, what counts as unseen, and that everything else fails.

import type { ConformCase, Observation, Outcome, StepResult } from '../../src/programs/conform/case.ts';
import { describe, expect, test } from 'vitest';
import { bundledCaseFiles } from '../../src/conform/bundled.ts';
import { canonical, sameOutcome } from '../../src/conform/canonical.ts';
import { divergencesOf } from '../../src/conform/divergences/index.ts';
import { spansInTurn } from '../../src/conform/history.ts';
import { parseCases, readCaseFile } from '../../src/conform/schema.ts';
import { summaryOf, summaryTable } from '../../src/conform/summary.ts';
import { type CaseVerdict, type Divergence, settleUnseen, verdictOf } from '../../src/conform/verdict.ts';

function bundled(file: string, name: string): ConformCase {
  const path = bundledCaseFiles().find((each) => each.includes(`/${file}.json`));
  const found = readCaseFile(path!).find((one) => one.name === name);
  if (found === undefined) throw new Error(`no case ${name}`);
  return found;
}

function observed(outcome: Outcome): Observation {
  return { outcome, spans: spansInTurn(outcome) };
}

/** The first recorded outcome with one result replaced. */
function altered(one: ConformCase, thread: string, index: number, result: StepResult): Outcome {
  const outcome = one.expect[0]!;
  return { ...outcome, [thread]: outcome[thread]!.map((old, at) => (at === index ? result : old)) };
}

const order = bundled('epoll-order', 'ready-order-is-arrival');
const ascending = {
  ret: 3,
  out: [
    ['EPOLLIN', 1],
    ['EPOLLIN', 2],
    ['EPOLLIN', 3],
  ],
};
const sorted: Divergence = {
  rule: 'E16',
  reason: 'ascending fd order',
  instead: (_, __, expected) => (expected !== 'blocked' && expected.ret === 3 ? [ascending] : []),
};

describe('a case of one thread', () => {
  test('every bundled case passes with what was recorded', () => {
    for (const one of bundledCaseFiles().flatMap(readCaseFile)) {
      for (const outcome of one.expect) expect(verdictOf(one, observed(outcome), []).kind).toBe('passed');
    }
  });

  test('fails with any other answer, and says where', () => {
    const verdict = verdictOf(order, observed(altered(order, 'main', 10, ascending)), []);
    expect(verdict).toMatchObject({ kind: 'failed', failure: { thread: 'main', step: 10, got: ascending } });
  });

  test('fails when a result is missing, and when the run broke', () => {
    const short = { main: order.expect[0]!['main']!.slice(0, 5) };
    expect(verdictOf(order, observed(short), [])).toMatchObject({ kind: 'failed', failure: { step: 5, got: null } });
    expect(verdictOf(order, { broken: 'deadlock' }, [])).toMatchObject({
      kind: 'failed',
      failure: { got: 'deadlock' },
    });
  });

  test('is declared only where the divergence names the very result', () => {
    expect(verdictOf(order, observed(altered(order, 'main', 10, ascending)), [sorted])).toMatchObject({
      kind: 'declared',
      rule: 'E16',
      notCompared: 0,
    });
    const other = {
      ret: 3,
      out: [
        ['EPOLLIN', 2],
        ['EPOLLIN', 1],
        ['EPOLLIN', 3],
      ],
    };
    expect(verdictOf(order, observed(altered(order, 'main', 10, other)), [sorted]).kind).toBe('failed');
  });

  test('a wrong answer before the declared one fails, and what follows the declared one is not compared', () => {
    const both = { main: altered(order, 'main', 10, ascending)['main']!.with(7, { ret: '-EAGAIN' }) };
    expect(verdictOf(order, observed(both), [sorted])).toMatchObject({ kind: 'failed', failure: { step: 7 } });
    const turns = bundled('epoll-order', 'maxevents-round-robin');
    const starving: Divergence = { ...sorted, instead: () => [{ ret: 1, out: [['EPOLLIN', 1]] }] };
    const outcome = altered(turns, 'main', 8, { ret: 1, out: [['EPOLLIN', 1]] });
    expect(verdictOf(turns, observed(outcome), [starving])).toMatchObject({ kind: 'declared', notCompared: 4 });
  });

  test('a divergence is asked with expected results only', () => {
    const seen: StepResult[] = [];
    const curious: Divergence = {
      ...sorted,
      instead: (_, history, expected) => {
        seen.push(...history.past.map((past) => past.expected), expected);
        return [];
      },
    };
    verdictOf(order, observed(altered(order, 'main', 10, { ret: 77 })), [curious]);
    expect(seen).toEqual(order.expect[0]!['main']);
  });
});

describe('a case with threads', () => {
  const herd = bundled('wakeup', 'et-two-waiters');
  const delivered = { ret: 1, out: [['EPOLLIN', 7]] };

  test('threads with the same steps may be exchanged', () => {
    const exchanged: Outcome = { ...herd.expect[0]!, a: [delivered], b: ['blocked'] };
    expect(sameOutcome(herd, exchanged, herd.expect[0]!)).toBe(true);
    expect(canonical(herd, exchanged)).toEqual(canonical(herd, herd.expect[0]!));
    expect(verdictOf(herd, observed(exchanged), []).kind).toBe('passed');
  });

  test('threads with other steps may not', () => {
    const both = bundled('wakeup', 'epoll-and-poll-both-wake');
    const { a, b } = both.expect[0]!;
    expect(verdictOf(both, observed({ ...both.expect[0]!, a: b!, b: a! }), []).kind).toBe('failed');
  });

  const contended = parseCases(
    JSON.stringify({
      name: 'one-of-two',
      main: [
        { sys: 'eventfd2', args: [0, 'EFD_NONBLOCK'], as: 'e' },
        { sys: 'eventfd2', args: [0, 'EFD_NONBLOCK'], as: 'f' },
        { sys: 'epoll_create1', args: [0], as: 'p' },
        {
          sys: 'epoll_ctl',
          args: ['$p', 'EPOLL_CTL_ADD', '$e', { event: { events: 'EPOLLIN|EPOLLONESHOT', data: 1 } }],
        },
        { sys: 'epoll_ctl', args: ['$p', 'EPOLL_CTL_ADD', '$f', { event: { events: 'EPOLLIN|EPOLLET', data: 2 } }] },
        { start: 'a' },
        { sys: 'write', args: ['$e', { u64: '1' }, 8] },
        { sys: 'write', args: ['$f', { u64: '1' }, 8] },
        { settle: true },
      ],
      threads: {
        a: [
          { sys: 'epoll_wait', args: ['$p', { out_events: 1 }, 1, -1] },
          { sys: 'epoll_wait', args: ['$p', { out_events: 1 }, 1, -1] },
          { sys: 'epoll_wait', args: ['$p', { out_events: 1 }, 1, -1] },
        ],
      },
      expect: [
        {
          main: [{ ret: 'fd' }, { ret: 'fd' }, { ret: 'fd' }, { ret: 0 }, { ret: 0 }, {}, { ret: 8 }, { ret: 8 }, {}],
          a: [{ ret: 1, out: [['EPOLLIN', 1]] }, { ret: 1, out: [['EPOLLIN', 2]] }, 'blocked'],
        },
      ],
    }),
    'inline',
  )[0]!;
  const one = { ret: 1, out: [['EPOLLIN', 1]] };
  const two = { ret: 1, out: [['EPOLLIN', 2]] };
  const withThread = (results: readonly StepResult[]): CaseVerdict =>
    verdictOf(contended, observed({ ...contended.expect[0]!, a: results }), []);

  test('an outcome that breaks no rule and was not recorded is unseen, with the outcome in full', () => {
    const verdict = withThread([two, one, 'blocked']);
    expect(verdict).toMatchObject({ kind: 'unseen', outcome: { a: [two, one, 'blocked'] } });
  });

  test.each([
    ['invented data', [{ ret: 1, out: [['EPOLLIN', 9]] }, two, 'blocked'], /never registered \(D1\)/],
    ['bits nobody asked for', [{ ret: 1, out: [['EPOLLIN|EPOLLOUT', 1]] }, two, 'blocked'], /never asked for/],
    ['an errno never recorded', [{ ret: '-EBADF' }, two, 'blocked'], /-EBADF was never recorded/],
    ['zero from a wait without end', [{ ret: 0, out: [] }, two, 'blocked'], /answered 0 \(E7\)/],
    [
      'more events than slots',
      [
        {
          ret: 2,
          out: [
            ['EPOLLIN', 1],
            ['EPOLLIN', 2],
          ],
        },
        'blocked',
      ],
      /slots/,
    ],
    ['a one-shot entry twice', [one, one, 'blocked'], /delivered 2 times, and could be at most 1 \(D10\)/],
    ['a count that is not the length', [{ ret: 1, out: [] }, two, 'blocked'], /count/],
  ] as [string, StepResult[], RegExp][])('%s is a failure, not unseen', (_, results, why) => {
    const verdict = withThread(results);
    expect(verdict.kind).toBe('failed');
    expect(verdict.failure?.why).toMatch(why);
  });

  test('sleeping on a ready level entry, or in poll on a readable fd, is a failure', () => {
    const level = bundled('wakeup', 'lt-two-waiters');
    const verdict = verdictOf(level, observed({ ...level.expect[0]!, b: ['blocked'] }), []);
    expect(verdict).toMatchObject({
      kind: 'failed',
      failure: { why: expect.stringContaining('level entry is ready') },
    });
    const polled = bundled('wakeup', 'poll-wakes-on-any');
    expect(verdictOf(polled, observed({ ...polled.expect[0]!, a: ['blocked'] }), []).failure?.why).toMatch(
      /poll on a readable/,
    );
  });

  test('a change before the first thread, and in a call that is no wait, is a failure', () => {
    const early = altered(contended, 'main', 3, { ret: '-EPERM' });
    expect(verdictOf(contended, observed(early), []).failure?.why).toMatch(/before any thread/);
    const late = altered(contended, 'main', 7, { ret: 4 });
    expect(verdictOf(contended, observed(late), []).failure?.why).toMatch(/only a wait/);
    expect(delivered.ret).toBe(1);
  });

  test('more than 2 % unseen in a file is a failure of each of them', () => {
    const unseen = withThread([two, one, 'blocked']);
    const passed = verdictOf(contended, observed(contended.expect[0]!), []);
    const kinds = (list: readonly CaseVerdict[]): number =>
      settleUnseen(list).filter(({ kind }) => kind === 'failed').length;
    expect(kinds([unseen, ...Array<CaseVerdict>(49).fill(passed)])).toBe(0);
    expect(kinds([unseen, ...Array<CaseVerdict>(48).fill(passed)])).toBe(1);
    expect(kinds([unseen, unseen, ...Array<CaseVerdict>(97).fill(passed)])).toBe(2);
  });
});

describe('the summary', () => {
  const declared = verdictOf(order, observed(altered(order, 'main', 10, ascending)), [sorted]);
  const failed = verdictOf(order, observed(altered(order, 'main', 10, { ret: 0, out: [] })), [sorted]);
  const stale: Divergence = { rule: 'D6', reason: 'never happens', instead: () => [] };
  const files = [
    { file: 'a.json', verdicts: [declared, failed] },
    { file: 'b.json', verdicts: [verdictOf(order, observed(order.expect[0]!), [])] },
  ];
  const summary = summaryOf({ epoll: 'kevlar', engine: 'parallel' }, files, [sorted, stale]);

  test('adds up, in the whole and in each file', () => {
    expect(summary).toMatchObject({
      schemaVersion: 1,
      verb: 'conform',
      cases: 3,
      passed: 1,
      declared: 1,
      unseen: 0,
      failed: 1,
    });
    for (const row of [summary, ...summary.files]) {
      expect(row.passed + row.declared + row.unseen + row.failed).toBe(row.cases);
    }
    expect(summary.failures).toEqual([
      expect.objectContaining({ case: order.name, file: 'a.json', thread: 'main', step: 10, got: { ret: 0, out: [] } }),
    ]);
  });

  test('names the divergences that were shown and those that were not', () => {
    expect(summary.divergences).toEqual([{ rule: 'E16', reason: 'ascending fd order', cases: 1 }]);
    expect(summary.notShown).toEqual(['D6']);
  });

  test('is a table for people too', () => {
    const table = summaryTable(summary);
    expect(table).toMatch(/^all +3 +1 +1 +0 +0 +1$/m);
    expect(table).toMatch(/FAILED a\.json: ready-order-is-arrival: thread main, step 10/);
  });
});

describe('a main thread that sleeps for ever', () => {
  const one = bundled('miri-epoll', 'miri-write-after-timeout-level');
  const until = (index: number): Observation =>
    observed({ main: [...one.expect[0]!['main']!.slice(0, index), 'blocked'] });

  test('is declared where a design foretells it, and reported as the deadlock that it is where none does', () => {
    const run = { broken: 'deadlock', asleep: until(4) };
    expect(verdictOf(one, run, divergencesOf('wasix'))).toMatchObject({ kind: 'declared', rule: 'D2' });
    expect(verdictOf(one, run, [])).toMatchObject({ kind: 'failed', failure: { why: 'deadlock' } });
    expect(verdictOf(one, { broken: 'deadlock', asleep: until(3) }, divergencesOf('wasix')).kind).toBe('failed');
  });

  test('is no excuse for a run that broke otherwise', () => {
    expect(verdictOf(one, { broken: 'panic' }, divergencesOf('wasix')).kind).toBe('failed');
  });
});

describe('a wait with a timeout', () => {
  const one = bundled('miri-epoll', 'miri-no-timeout-while-level-level');
  const last = one.main.length - 1;

  test('that a design foretells to end with it says so, and what its bounds say of that', () => {
    const late: StepResult = { ret: 0, out: [], quick: true };
    const declared = verdictOf(one, observed(altered(one, 'main', last, late)), divergencesOf('wasix'));
    expect(declared).toMatchObject({ kind: 'declared', rule: 'D2' });
    const wrong = verdictOf(
      one,
      observed(altered(one, 'main', last, { ...late, quick: false })),
      divergencesOf('wasix'),
    );
    expect(wrong.kind).toBe('failed');
  });
});

describe('a join in vain', () => {
  const wait = { sys: 'epoll_wait', args: ['$p', { out_events: 1 }, 1, -1] };
  const told = { ret: 1, out: [['EPOLLIN', 1]] };
  const main = [
    { sys: 'eventfd2', args: [1, 0], as: 'e' },
    { sys: 'epoll_create1', args: [0], as: 'p' },
    { sys: 'epoll_ctl', args: ['$p', 'EPOLL_CTL_ADD', '$e', { event: { events: 'EPOLLIN', data: 1 } }] },
    { ...wait },
    { start: 't' },
    { join: 't' },
  ];
  const results = [{ ret: 'fd' }, { ret: 'fd' }, { ret: 0 }, told, {}, { joined: true }];
  const one = parseCases(
    JSON.stringify({ name: 'joined', main, threads: { t: [wait] }, expect: [{ main: results, t: [told] }] }),
    'joined',
  )[0]!;
  const outcome = { main: results.with(5, { joined: false }), t: ['blocked'] } as Outcome;
  const spans = spansInTurn(outcome).map((span) => (span.thread === 't' ? { ...span, begin: 9.5 } : span));

  test('is declared where the call in which the thread sleeps is, and not where it is not', () => {
    expect(verdictOf(one, { outcome, spans }, divergencesOf('wasix'))).toMatchObject({ kind: 'declared', rule: 'D2' });
    expect(verdictOf(one, { outcome, spans }, divergencesOf('kevlar')).kind).not.toBe('declared');
  });
});
